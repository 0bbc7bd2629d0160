"""A line of JSON is read as exactly the test it describes, or refused by the name of the field that is wrong."""

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopublisher.cli.judge_format import LineError, read_line
from autopublisher.domain.evidence import Criterion, Figures, Mode, Snapshot
from autopublisher.domain.evidence.worth import Publishing

PLAN = {"planned_spend_per_variant": 3360.0, "planned_hours": 336}


def history_of(hours: int, *, with_days: bool = False) -> tuple[Snapshot, ...]:
    """Return hourly polls of two variants, with purchases by day of the click if asked for."""
    return tuple(
        Snapshot(
            float(hour),
            (Figures(10.1 * hour, 1000.0 * hour, 20.0 * hour, 1.0 * hour, 0.3 * hour),) * 2,
            cohorts=(((1.0 * hour, 0.3 * hour),) * (hour // 24 + 1),) * 2 if with_days else (),
        )
        for hour in range(1, hours + 1)
    )


def poll_of(each: Snapshot) -> dict[str, Any]:
    figures = {name: row.row()[:5] for name, row in zip("ab", each.figures, strict=True)}
    cohorts = {"cohorts": dict(zip("ab", each.cohorts, strict=True))} if each.cohorts else {}
    return {"hour": each.hour, "figures": figures, **cohorts}


def line_of(history: Sequence[Snapshot], **design: object) -> dict[str, Any]:
    polls = [poll_of(each) for each in history]
    return {"id": "x", "design": PLAN | design, "variants": ["a", "b"], "polls": polls}


def refused(line: dict[str, Any]) -> LineError:
    with pytest.raises(LineError) as caught:
        read_line(json.dumps(line))
    return caught.value


@pytest.mark.parametrize("with_days", [False, True])
def test_the_polls_are_the_snapshots_the_live_system_stores(*, with_days: bool) -> None:
    history = history_of(50, with_days=with_days)
    assert read_line(json.dumps(line_of(history))).snapshots() == history


def test_the_plan_is_read_into_the_design() -> None:
    line = line_of(
        history_of(3), criteria="cpa", mode="decide", alpha=0.1, account_prior={"day_spread": 0.07}
    )
    design = read_line(json.dumps(line)).design
    assert (design.criterion, design.mode) == (Criterion.CPA, Mode.DECIDE)
    assert (design.alpha, design.day_spread) == (0.1, 0.07)


def test_a_recorded_test_may_have_had_its_money_moved() -> None:
    line = line_of(history_of(1), adaptive=True) | {"variants": ["a", "b", "c"]}
    line["polls"][0]["figures"]["c"] = [1, 1, 1, 1, 1]
    assert read_line(json.dumps(line)).design.adaptive


@pytest.mark.parametrize(("variants", "design"), [(["a", "b"], {}), (["a", "b", "c"], {"open_ended": True})])
def test_moved_money_that_cannot_be_judged_is_refused(variants: list[str], design: dict[str, Any]) -> None:
    line = line_of(history_of(1), adaptive=True, **design) | {"variants": variants}
    assert refused(line).field == "design.adaptive"


def test_polls_after_the_cool_down_are_not_looked_at() -> None:
    assert read_line(json.dumps(line_of(history_of(450)))).hours[-1] == 408.0


def test_a_test_whose_polls_end_early_is_not_final() -> None:
    assert not read_line(json.dumps(line_of(history_of(200)))).final
    assert read_line(json.dumps(line_of(history_of(336)))).final


def test_a_test_with_an_open_end_is_read_to_its_last_poll_and_is_not_over() -> None:
    test = read_line(json.dumps(line_of(history_of(450), open_ended=True)))
    assert (test.design.open_ended, test.hours[-1], test.final) == (True, 450.0, False)


def test_a_setting_spelt_wrong_is_named_with_what_it_may_be() -> None:
    line = line_of(history_of(3))
    line["design"] = {"planned_hour": 336, "planned_spend_per_variant": 3360.0}
    error = refused(line)
    assert (error.field, error.reason) == ("design.planned_hour", "is not a known field")
    assert "planned_hours" in error.remedy


def test_a_number_out_of_its_range_is_refused_with_the_range() -> None:
    error = refused(line_of(history_of(3), alpha=0.5))
    assert (error.field, error.reason) == ("design.alpha", "is 0.5")
    assert error.remedy == "Write a number from 1e-06 and below 0.5."


def test_a_figure_is_named_by_place_and_by_what_it_counts() -> None:
    line = line_of(history_of(3))
    line["polls"][1]["figures"]["b"] = [1, 2, 3, "4", 5]
    assert refused(line).field == "polls[1].figures.b[3] (conversions)"


@pytest.mark.parametrize(
    ("cohorts", "field"),
    [
        ({"a": [[1, 2]]}, "polls[3].cohorts.b"),
        ({"a": [[1, 2]], "b": [[1]]}, "polls[3].cohorts.b[0]"),
        ({"a": [[1, 2]], "b": [[1, -2]]}, "polls[3].cohorts.b[0][1]"),
        ({"a": [[1, 2], [1, 2]], "b": [[1, 2], [1, 2]]}, "polls[3].cohorts"),
        ([], "polls[3].cohorts"),
        (None, "polls[3].cohorts"),
    ],
)
def test_wrong_cohorts_are_named(cohorts: object, field: str) -> None:
    line = line_of(history_of(10, with_days=True))
    line["polls"][3]["cohorts"] = cohorts
    assert refused(line).field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(["id", "design", "variants", "polls", "final", "more"])


@pytest.mark.slow
@settings(max_examples=150)
@given(PLACES, JSON)
def test_a_recorded_test_is_read_or_refused_and_nothing_else(place: str, junk: Any) -> None:
    with contextlib.suppress(LineError):
        assert read_line(json.dumps(line_of(history_of(1)) | {place: junk})).design.planned_hours == 336


@given(st.text(max_size=40))
def test_a_line_that_is_no_test_is_refused_by_name(text: str) -> None:
    with pytest.raises(LineError):
        read_line(text)


MONEY = {
    "mode": "money",
    "total_budget": 900.0,
    "remaining_budget": None,
    "publish": {"scaling_factor": 2.0, "elasticity": 0.9, "learning_days": 2.0, "learning_efficiency": 0.8},
    "account_memory": {"tests": [{"age_tests": 1, "rate": [[0.1, 0.02], [-0.1, 0.03]], "clicks": []}]},
}


def test_what_a_money_decision_rests_on_is_read_beside_the_plan() -> None:
    test = read_line(json.dumps(line_of(history_of(3), **MONEY)))
    assert test.design.mode is Mode.MONEY
    assert test.money is not None
    assert (test.money.total_budget, test.money.publishing) == (900.0, Publishing(2.0))
    assert test.money.past_tests[0].rates.tolist() == [[0.1, 0.02], [-0.1, 0.03]]
    assert read_line(json.dumps(line_of(history_of(3)))).money is None


UNTOLD = {"age_tests": 0, "rate": [[0.1, 0.02], [-0.1, 0.03]]}
"""A past test that does not tell apart what an event is worth."""


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"total_budget": None}, "design.total_budget"),
        ({"total_budget": 0}, "design.total_budget"),
        ({"mode": "prove", "total_budget": None}, "design.total_budget"),
        ({"publish": {"scaling_factor": 0.0}}, "design.publish.scaling_factor"),
        ({"publish": {"factor": 2.0}}, "design.publish.factor"),
        (
            {"account_memory": {"tests": [{"age_tests": -1, "rate": []}]}},
            "design.account_memory.tests[0].age_tests",
        ),
        (
            {"account_memory": {"tests": [UNTOLD | {"value": [[0.1, 0.01]]}]}},
            "design.account_memory.tests[0].value",
        ),
        (
            {"account_memory": {"tests": [UNTOLD | {"value": [[0.1, 0.01], [0.1, 0.1]]}]}},
            "design.account_memory.tests[0].value",
        ),
        (
            {"account_memory": {"tests": [UNTOLD | {"clicks": [[0.1, 0.01]]}]}},
            "design.account_memory.tests[0].clicks",
        ),
        (
            {"account_memory": {"tests": [{"age_tests": 0, "rate": [[0.1, 0.0], [0.1, 0.1]]}]}},
            "design.account_memory.tests[0].rate[0][1]",
        ),
    ],
)
def test_a_wrong_field_of_money_is_named_with_its_remedy(changed: dict[str, Any], field: str) -> None:
    error = refused(line_of(history_of(3), **(MONEY | changed)))
    assert error.field == field
    assert error.remedy
