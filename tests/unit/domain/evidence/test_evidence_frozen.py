"""Verdicts frozen when the engine still worked out every analysis on its own; doing them together changes nothing.

Sums are taken in another order since then, so figures agree to nine digits or so; words, analyses and outcomes exactly.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from autopublisher.domain.evidence import judge, replay
from support.frozen_histories import CASES, essence, frozen_case

RELATIVE, ABSOLUTE = 2e-9, 1e-12
FROZEN: list[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("frozen_verdicts.json").read_text("utf-8")
)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return every single value of a nested one by its path."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = dict(enumerate(value)).items()
    else:
        return {path: value}
    return {at: leaf for name, part in parts for at, leaf in leaves(part, f"{path}/{name}").items()}


def assert_same(now: dict[str, Any], then: dict[str, Any]) -> None:
    """Compare figures with a tolerance and everything else exactly."""
    found, expected = leaves(now), leaves(then)
    figures = {at for at, leaf in expected.items() if isinstance(leaf, float)}
    assert {at: found[at] for at in found if at not in figures} == {
        at: expected[at] for at in expected if at not in figures
    }
    assert {at: found[at] for at in figures} == pytest.approx(
        {at: expected[at] for at in figures}, rel=RELATIVE, abs=ABSOLUTE
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CASES))
def test_a_recorded_test_ends_as_it_always_did(number: int) -> None:
    case = frozen_case(number)
    assert_same(essence(replay(case.design, case.history, final=True)), FROZEN[number][0])


@pytest.mark.parametrize("number", range(CASES))
def test_a_running_test_stands_where_it_always_did(number: int) -> None:
    case = frozen_case(number)
    assert_same(essence(judge(case.design, case.history[: case.middle])), FROZEN[number][1])
