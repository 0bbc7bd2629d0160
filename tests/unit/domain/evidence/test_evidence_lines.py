"""A line of JSON is read as exactly the test it describes."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from autopublisher.domain.evidence import Criterion, Design, Mode, Snapshot, judge, replay
from autopublisher.domain.evidence.fields import LineError
from autopublisher.domain.evidence.lines import read_line
from autopublisher.domain.evidence.timeline import build, counter_fell

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]


def line_of(history: History, **design: object) -> str:
    plan = {"planned_spend_per_variant": 3360.0, "planned_hours": 336} | design
    polls = [
        {
            "hour": each.hour,
            "figures": {name: list(row.row()) for name, row in zip("ab", each.figures, strict=True)},
        }
        for each in history
    ]
    return json.dumps({"id": "x", "design": plan, "variants": ["a", "b"], "polls": polls})


def test_the_polls_are_the_snapshots_the_live_system_stores(noisy_test: MakeTest) -> None:
    history = noisy_test(4, 336, (1.0, 1.0), cooldown=72)
    assert read_line(line_of(history)).snapshots() == history


def test_the_plan_is_read_into_the_design(even_test: MakeTest) -> None:
    prior = {"day_spread": 0.07}
    line = line_of(even_test(3, (1, 1)), criteria="cpa", mode="decide", alpha=0.1, account_prior=prior)
    design = read_line(line).design
    assert (design.criterion, design.mode) == (Criterion.CPA, Mode.DECIDE)
    assert (design.alpha, design.day_spread) == (0.1, 0.07)


def test_polls_after_the_cool_down_are_not_looked_at(even_test: MakeTest) -> None:
    assert read_line(line_of(even_test(450, (1, 1)))).hours[-1] == 408.0


def test_a_test_whose_polls_end_early_is_not_final(even_test: MakeTest) -> None:
    assert not read_line(line_of(even_test(200, (1, 1)))).final
    assert read_line(line_of(even_test(336, (1, 1)))).final


def test_an_unknown_setting_is_refused_by_name(even_test: MakeTest) -> None:
    with pytest.raises(LineError) as caught:
        read_line(line_of(even_test(3, (1, 1)), criterion="cpa"))
    assert caught.value.field == "design.criterion"


@pytest.mark.parametrize("seed", range(6))
def test_replaying_equals_judging_what_was_known_at_the_end_byte_for_byte(
    seed: int, two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(seed, 336, (1.0, 1.6))
    replayed = replay(two_weeks, history, final=True)
    known = tuple(each for each in history if each.hour <= replayed.hour)
    assert replayed.to_json() == judge(two_weeks, known, final=replayed.final).to_json()


@pytest.mark.parametrize("seed", range(6))
def test_readings_are_set_aside_as_one_by_one(seed: int, two_weeks: Design, noisy_test: MakeTest) -> None:
    rng = np.random.default_rng(seed)
    history = tuple(
        replace(
            each, figures=(replace(each.figures[0], clicks=each.figures[0].clicks * factor), each.figures[1])
        )
        for each, factor in zip(
            noisy_test(seed, 60, (2.0, 2.0)), rng.choice([1.0, 0.9, 1.2], 132), strict=True
        )
    )
    peak, row, expected = np.zeros((2, 6)), 0, list[int | None]()
    for each in history:
        now = np.round([figures.row() for figures in each.figures], 6)
        row += 0 if (fell := counter_fell(peak, now)) else 1
        peak = peak if fell else np.maximum(peak, now)
        expected.append(None if fell else row)
    assert build(two_weeks, history).row_of == tuple(expected)


def test_a_test_with_an_open_end_is_read_to_its_last_poll_and_is_not_over(even_test: MakeTest) -> None:
    test = read_line(line_of(even_test(450, (1, 1)), open_ended=True))
    assert (test.design.open_ended, test.hours[-1], test.final) == (True, 450.0, False)
