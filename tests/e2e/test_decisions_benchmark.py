"""The benchmark of decisions, a small sample: it runs as the documentation says, and its rules differ as they should."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def measured(out: Path, *names: str) -> dict[str, Any]:
    """Return the records by measure that the command leaves."""
    only = [word for name in names for word in ("--only", name)]
    command = [
        sys.executable,
        "-m",
        "benchmarks.decisions",
        "--quick",
        "--processes",
        "2",
        "--out",
        str(out),
        *only,
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    kept: dict[str, Any] = json.loads(out.with_suffix(".json").read_text("utf-8"))
    return {name: each["records"] for name, each in kept.items()}


@pytest.mark.slow
def test_all_rules_play_the_same_tests_and_the_page_shows_them(tmp_path: Path) -> None:
    found = measured(tmp_path / "decisions", "brief")["brief"]
    largest = {each["rule"]: each for each in found if each["purchases"] == 500}
    money, proof, perfect = (
        largest[rule] for rule in ("money decision", "wait for proof", "perfect knowledge")
    )
    assert proof["net"] < money["net"] <= 1
    # What a rule misses and what it gains are together what perfect knowledge gains, if the tests are the same.
    for rule in (money, proof):
        assert rule["regret"] + rule["net"] * perfect["gain"] == pytest.approx(perfect["gain"], rel=1e-3)
    assert "| money decision |" in (tmp_path / "decisions.md").read_text("utf-8").replace("| 2 | ", "| ")


@pytest.mark.slow
def test_what_one_run_measures_leaves_what_another_measured(tmp_path: Path) -> None:
    measured(tmp_path / "decisions", "criteria")
    both = measured(tmp_path / "decisions", "brief")
    assert set(both) == {"criteria", "brief"}
    assert {each["criterion"] for each in both["criteria"]} == {
        "roas",
        "cpa",
        "cvr",
        "ctr",
        "cpc",
        "engagement",
    }
    for each in both["criteria"]:
        assert abs(each["p_said"] - each["p_true"]) < 4 * each["p_error"]
        assert each["loss_ratio"] < 1.15 + 4 * each["loss_error"]
