"""What a version of the engine has decided it decides again, byte for byte: stored verdicts are proof.

Where this fails for a proof the engine says something else of the same figures: that is another version. A money decision
bears no version; where one is changed on purpose, what it says now is sealed beside what it said.
"""

import json
from typing import Any

import pytest

from autopublisher.domain.evidence.verdict import VERSION
from support.golden_decisions import CASES, GOLDEN, golden_case, seals

STORED: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))


def test_they_were_sealed_by_the_release_before() -> None:
    assert (STORED["sealed_by"], VERSION, len(STORED["cases"])) == ("3", "4", CASES)


def test_only_money_on_clicks_was_mended_since() -> None:
    """Version 3 took the days of clicks for as noisy as those of purchases, and said chances too low."""
    assert STORED["mended_by"] == VERSION
    for number, seals_now in STORED["mended"].items():
        assert not golden_case(int(number)).design.measure.delayed
        assert all(at.endswith("money") for at in seals_now)


def test_every_sort_of_plan_and_of_answer_is_among_them() -> None:
    designs = [golden_case(number).design for number in range(CASES)]
    assert {len(each.variants) for each in designs} == {2, 3, 4, 5}
    assert len({each.criterion for each in designs}) == 8
    assert {each.method for each in designs} >= {"A", "B", "E", "R"}
    assert {each.mode.value for each in designs} == {"prove", "decide", "money"}
    said = {seal.split()[0] for case in STORED["cases"] for seal in case.values()}
    assert said >= {
        "unhealthy",
        "not_yet",
        "stop_loser",
        "winner",
        "best_bet",
        "not_enough_data",
        "test_on",
        "publish",
    }


@pytest.mark.parametrize("number", range(CASES))
def test_a_stored_decision_is_computed_again_byte_for_byte(number: int) -> None:
    assert seals(number) == STORED["cases"][number] | STORED["mended"].get(str(number), {})
