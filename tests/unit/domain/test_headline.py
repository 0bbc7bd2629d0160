"""One headline figure: what a verdict's sentence, the API and the command line call the improvement."""

from typing import Any

import pytest

from autopublisher.domain.evidence import Criterion
from autopublisher.domain.headline import MEASURES, change_of, improvement_of


def stored(criterion: str, **estimate: float | None) -> dict[str, Any]:
    defaults = {"raw": 2.35, "shrunk": 1.39, "low": 1.04, "high": 2.31}
    return {
        "leader": "A",
        "criterion": criterion,
        "estimate": {"against": "B", **defaults, **estimate},
    }


def test_a_return_is_told_as_a_gain() -> None:
    found = improvement_of(stored("roas"))
    assert found is not None
    assert (found.percentage, found.low, found.high, found.seen) == (39.0, 4.0, 131.0, 135.0)
    assert str(found) == "+39 % ROAS against B (at least +4 %, at most +131 %, seen in the test +135 %)"


def test_a_cost_is_told_as_a_saving() -> None:
    found = improvement_of(stored("cpa", shrunk=1.25, low=1.004, high=None, raw=None))
    assert found is not None
    assert (found.percentage, found.high, found.seen) == (20.0, None, None)
    assert str(found) == "-20 % cost per purchase against B (at least -0.4 %)"
    assert change_of("cpa", 1.25) == pytest.approx(-0.2)


@pytest.mark.parametrize(
    "verdict", [{}, {"leader": None, "estimate": None}, {"leader": "A", "estimate": None}]
)
def test_what_compares_nobody_has_no_improvement(verdict: dict[str, Any]) -> None:
    assert improvement_of(verdict) is None


def test_every_criterion_has_words() -> None:
    assert set(MEASURES) == {one.value for one in Criterion}
