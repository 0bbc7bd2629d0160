"""The direction of the arrows: import-linter's contracts are kept, and each refuses what it is there for."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PLANTED = {
    "Dependencies point inward": ("autopublisher/domain/amounts.py", "autopublisher.flows.writes.money_gate"),
    "The simulator imports nothing of the product": ("metasim/clock.py", "autopublisher.domain.amounts"),
    "Only the composition roots know the simulator": ("autopublisher/flows/writes/money_gate.py", "metasim"),
    "The domain is pure": ("autopublisher/domain/runs/plan.py", "structlog"),
    "Domain and ports do no input or output": ("autopublisher/ports/clock.py", "socket"),
    "Secrets are made and hashed behind ports": ("autopublisher/flows/requests/people.py", "hmac"),
    "No flow and no face reaches a driver or an adapter": ("autopublisher/api/stops.py", "sqlalchemy"),
    "The command line names no driver and no adapter": (
        "autopublisher/cli/judge.py",
        "autopublisher.adapters.db",
    ),
    "The rooms of the domain point down": (
        "autopublisher/domain/journal/operations.py",
        "autopublisher.domain.runs.run",
    ),
    "The rooms of the flows point down": (
        "autopublisher/flows/writes/money_gate.py",
        "autopublisher.flows.runs.orchestrator",
    ),
    "Only the writes' room names the half of Meta's port that writes": (
        "autopublisher/flows/watch/orphans.py",
        "autopublisher.ports.meta.writing",
    ),
    "Only faces word messages": ("autopublisher/flows/runs/selection.py", "autopublisher.messages.catalogue"),
    "Settings import no adapter": ("autopublisher/settings.py", "autopublisher.adapters.json_text"),
}
"""For each contract an import that it forbids, and the module in which that is planted."""

RUN = "from importlinter.cli import lint_imports; lint_imports('pyproject.toml', no_cache=True, no_logo=True)"


def test_all_import_contracts_are_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    status = lint_imports(config_filename=str(root / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.fixture(scope="module")
def refusals(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what is said of each broken contract once every forbidden import is planted in a copy."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", copy)
    for module, target in PLANTED.values():
        path = copy / "src" / module
        path.write_text(path.read_text("utf-8") + f"\nimport {target}\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    _, _, broken = done.stdout.partition("Broken contracts")
    found, name = dict.fromkeys(PLANTED, ""), ""
    for line in broken.splitlines():
        name = line if line in PLANTED else name
        if name:
            found[name] += f"{line}\n"
    return found


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_is_refused(refusals: dict[str, str], contract: str) -> None:
    module, target = PLANTED[contract]
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {target}" in refusals[contract]


def test_every_contract_has_its_planted_import(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    assert {one["name"] for one in settings["tool"]["importlinter"]["contracts"]} == set(PLANTED)
