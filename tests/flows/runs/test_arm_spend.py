"""Arms that somebody switches on again after their test was settled: the winner is not given what they spend."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from autopublisher.domain.ids import MetaId
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.runs.collector import SPEND_SHOWS
from support.staging import PlannedFault, cut_off
from support.sweep_staging import SweepStage, staged
from support.wording import english

pytestmark = pytest.mark.slow  # more than a hundred whole runs

ARM = 2_001
"""What is counted for an arm: 20.00 of its 50.00, and the part of a cent that may be missing."""

LEFT = 50_000 - 2 * ARM
"""What the request's total leaves to the final campaign when nobody touches the arms."""

A_WHILE = timedelta(minutes=30)
"""After so long what was spent is in the figures; a pause is so old only when twice as long has passed."""


def settled() -> SweepStage:
    """Return a stage whose arms are settled, about to scale the winner, hours later."""
    stage = staged(RunStatus.AB_TESTING)
    stage.meta.spend_share = 0.4
    stage.go(RunStatus.SCALING_BUDGET)
    assert [row.spent for row in stage.rows() if row.spec.reserves] == [ARM, ARM]
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=3))
    stage.at_look()
    return stage


def switched(stage: SweepStage, status: str = "ACTIVE") -> None:
    """Have somebody switch arm A on (or off) and give it time to spend."""
    end = (stage.clock.now() + timedelta(days=5)).isoformat()
    stage.touch("test/a/campaign", status=status)
    stage.touch("test/a/adset", status=status, end_time=end)
    stage.touch("test/a/ad", status=status)


def spends(stage: SweepStage, amount: float, shows_in: timedelta = A_WHILE) -> None:
    arm = MetaId(stage.row("test/a/adset").meta_id or "")
    stage.meta.charges.append((arm, stage.clock.now() + shows_in, amount))


def given_to_the_winner(stage: SweepStage) -> int:
    run = stage.go(RunStatus.PUBLISHING_FINAL)
    assert run.status is RunStatus.PUBLISHING_FINAL, run.ending.why
    assert not [one for one in stage.on() if "Variant" in str(one.fields["name"])]
    return int((run.release.final_budget or {})["total"])


def recalled(stage: SweepStage) -> None:
    """The account's look finds the arm on, and switches it off."""
    switched(stage)
    stage.at_look()
    assert stage.on() == []


def on_and_off(stage: SweepStage) -> None:
    """Nobody sees it: only the figures tell."""
    switched(stage)
    switched(stage, "PAUSED")
    stage.clock.advance_to(stage.clock.now() + A_WHILE)


Touch = Callable[[SweepStage], None]
TOUCHES: tuple[Touch, ...] = (recalled, on_and_off, switched)


@pytest.mark.parametrize("touch", TOUCHES)
def test_what_an_arm_spends_after_its_test_is_not_given_to_the_winner(touch: Touch) -> None:
    stage = settled()
    spends(stage, 12)
    touch(stage)
    assert given_to_the_winner(stage) == LEFT - 1_200
    assert stage.row("test/a/adset").spent == ARM + 1_200
    assert stage.row("test/b/adset").spent == ARM


@pytest.mark.parametrize("touch", TOUCHES)
def test_spend_that_shows_late_is_waited_for(touch: Touch) -> None:
    stage = settled()
    spends(stage, 1)
    touch(stage)
    spends(stage, 11, shows_in=SPEND_SHOWS)
    assert given_to_the_winner(stage) == LEFT - 1_200


def test_a_winner_waits_until_an_arms_spend_shows_and_says_so() -> None:
    stage = settled()
    switched(stage)
    run = stage.step()
    assert run.status is RunStatus.SCALING_BUDGET
    assert "an arm was on after its test (test/a/adset)" in english(run.attention)
    assert stage.on() == []
    assert run.next_tick_at is not None
    assert run.next_tick_at >= stage.clock.now() + SPEND_SHOWS


def test_more_than_the_arms_budget_counts_where_somebody_has_raised_it() -> None:
    stage = settled()
    stage.touch("test/a/adset", lifetime_budget="20000")
    spends(stage, 130)
    switched(stage)
    assert given_to_the_winner(stage) == LEFT - 13_000


def test_a_raised_budget_alone_costs_the_winner_no_time() -> None:
    stage, plain = settled(), settled()
    stage.touch("test/a/adset", lifetime_budget="20000")
    assert given_to_the_winner(stage) == given_to_the_winner(plain) == LEFT
    assert stage.clock.now() == plain.clock.now()


def test_nothing_is_scaled_where_an_arm_has_spent_what_was_left() -> None:
    stage = settled()
    stage.touch("test/a/adset", lifetime_budget="90000")
    spends(stage, 600)
    switched(stage)
    run = stage.go(RunStatus.PUBLISHING_FINAL)
    assert run.status is RunStatus.COMPLETED
    assert stage.events("nothing_to_scale")
    assert stage.on() == []


def test_figures_that_have_sunk_take_nothing_back() -> None:
    stage = settled()
    stage.meta.spend_share = 0.1
    recalled(stage)
    assert given_to_the_winner(stage) == LEFT


def test_an_arm_that_was_on_again_and_has_no_figures_counts_whole() -> None:
    stage = settled()
    recalled(stage)
    stage.meta.gaps = 99
    assert given_to_the_winner(stage) == LEFT - (5_000 - ARM)


def test_a_gap_in_the_figures_is_asked_for_again() -> None:
    stage = settled()
    spends(stage, 12)
    recalled(stage)
    stage.clock.advance_to(stage.clock.now() + SPEND_SHOWS)
    stage.meta.gaps = 1
    assert given_to_the_winner(stage) == LEFT - 1_200


def test_an_arm_that_has_spent_and_was_deleted_counts_whole() -> None:
    stage = settled()
    spends(stage, 12)
    on_and_off(stage)
    for part in ("campaign", "adset", "ad"):
        stage.touch(f"test/a/{part}", status="DELETED")
    assert given_to_the_winner(stage) == LEFT - (5_000 - ARM)


def test_arms_that_nobody_touches_cost_no_time_and_one_read() -> None:
    stage = settled()
    began, calls = stage.clock.now(), len(stage.meta.witnessed)
    assert given_to_the_winner(stage) == LEFT
    assert stage.clock.now() == began
    made = [one.method for one in stage.meta.witnessed[calls:]]
    assert made == ["find"] * 3 + ["ad_sets", "account", "minimum_budgets"]


def test_arms_that_are_settled_in_the_same_moment_are_not_read_again() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    calls = len(stage.meta.witnessed)
    stage.go(RunStatus.PUBLISHING_FINAL)
    assert "ad_sets" not in [one.method for one in stage.meta.witnessed[calls:]]


def test_nothing_is_scaled_while_an_arm_cannot_be_switched_off() -> None:
    stage = settled()
    switched(stage)
    stage.meta.stubborn = True
    for _ in range(4):
        assert stage.step().status is not RunStatus.PUBLISHING_FINAL


def test_nothing_is_scaled_while_figures_of_the_arms_cannot_be_read() -> None:
    stage = settled()
    stage.meta.troubles = [PlannedFault("ad_sets", cut_off(), times=99)]
    for _ in range(6):
        assert stage.step().status is RunStatus.SCALING_BUDGET


@pytest.mark.parametrize("touch", TOUCHES)
@pytest.mark.parametrize("crash_at", range(1, 68, 2))
def test_a_death_at_any_moment_before_scaling_gives_the_winner_no_more(touch: Touch, crash_at: int) -> None:
    stage = settled()
    spends(stage, 1)
    touch(stage)
    spends(stage, 11, shows_in=SPEND_SHOWS)
    stage.meta.crash_plan.moments, stage.meta.crash_plan.crash_at = 0, crash_at
    assert given_to_the_winner(stage) == LEFT - 1_200
    assert stage.row("test/a/adset").spent == ARM + 1_200
