"""Copies of a run's objects: what they can spend is set aside, and what they have spent is not given to the winner."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.errors import MetaNotFoundError, MetaThrottledError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.requests.exposure import AccountExposure, Exposures
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from support.staging import PlannedFault, cut_off
from support.sweep_staging import SweepStage, staged
from support.wording import english

pytestmark = pytest.mark.slow  # whole runs

LEFT_BY_THE_TEST = 40_000
"""What the request's total leaves to the final campaign when only its two arms have spent."""

ARM = 5_000
"""What an arm spends, and so a copy that is on until the test ends."""


def copied(stage: SweepStage, key: str = "test/a/adset", **changes: object) -> MetaId:
    """Have somebody copy an object at Meta; by default the copy is on."""
    known = set(stage.meta.objects)
    stage.meta.copy_of(MetaId(stage.row(key).meta_id or ""))
    (copy,) = set(stage.meta.objects) - known
    fields = stage.meta.objects[copy].fields
    fields.update({"status": "ACTIVE", **changes})
    for name in [name for name, value in fields.items() if value is None]:
        del fields[name]
    return copy


def exposed(stage: SweepStage) -> AccountExposure:
    (found,) = Exposures(stage.open_unit, stage.clock, MoneyGate()).of()
    return found


def given_to_the_winner(stage: SweepStage) -> int:
    run = stage.go(RunStatus.PUBLISHING_FINAL)
    assert run.status is RunStatus.PUBLISHING_FINAL
    return int((run.release.final_budget or {})["total"])


@pytest.mark.parametrize("looked_at", [True, False])
@pytest.mark.parametrize("suffix", ["", " - Copy"])
def test_what_a_copy_has_spent_is_not_given_to_the_winner(looked_at: bool, suffix: str) -> None:  # noqa: FBT001 - a parameter
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, name=stage.at("test/a/adset")["name"] + suffix)
    if looked_at:
        stage.at_look()
        assert stage.meta.objects[copy].status == "PAUSED"
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM
    assert stage.row(f"duplicate/test/a/adset/{copy}").spent == ARM
    assert stage.meta.objects[copy].status == "PAUSED"


def test_a_copy_that_was_on_and_off_between_two_looks_counts_by_its_figures() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, status="PAUSED")
    stage.meta.once_on.add(copy)
    stage.at_look()
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM


def test_a_copy_that_was_never_on_costs_the_winner_nothing_and_no_time() -> None:
    stage, plain = staged(RunStatus.AB_TESTING), staged(RunStatus.AB_TESTING)
    copied(stage, status="PAUSED")
    stage.at_look()
    assert given_to_the_winner(stage) == given_to_the_winner(plain) == LEFT_BY_THE_TEST
    assert stage.clock.now() == plain.clock.now()


def test_a_copy_that_was_never_on_costs_nothing_where_meta_throttles_single_reads() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copied(stage, status="PAUSED")
    stage.at_look()
    stage.go(RunStatus.SCALING_BUDGET)
    stage.meta.troubles = [
        PlannedFault("read", MetaThrottledError("user request limit reached"), times=9_999)
    ]
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST
    assert not [row for row in stage.rows() if (row.spec.target or "").startswith("duplicate/")]


def test_a_copy_that_was_on_and_has_no_figures_counts_whole() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copied(stage, name=stage.at("test/a/adset")["name"].replace("Variant A", "Arm"), lifetime_budget=7_000)
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - 7_000


def with_first_figure(stage: SweepStage, copy: MetaId, spend: str) -> None:
    """Have Meta's figures of a copy lag: until the clock moves they show this spend."""
    now, row = stage.clock.now(), stage.meta._row

    def lagging(ad_set_id: MetaId, share: float) -> InsightsRow:
        shown, lags = row(ad_set_id, share), ad_set_id == copy and stage.clock.now() == now
        return replace(shown, metrics={**shown.metrics, "spend": spend}) if lags else shown

    stage.meta._row = lagging  # type: ignore[method-assign]  # a lag for one object


def test_what_a_copy_spent_that_was_on_and_then_deleted_between_two_looks_is_not_given_to_the_winner() -> (
    None
):
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, status="PAUSED")
    stage.at_look()
    stage.go(RunStatus.SCALING_BUDGET)
    stage.meta.once_on.add(copy)
    stage.meta.objects[copy].fields["status"] = "DELETED"
    with_first_figure(stage, copy, "5.00")
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM - 1
    assert stage.row(f"duplicate/test/a/adset/{copy}").spent == ARM + 1


def test_a_copy_that_was_seen_to_be_gone_in_time_keeps_no_winner_waiting() -> None:
    stage, plain = staged(RunStatus.AB_TESTING), staged(RunStatus.AB_TESTING)
    copied(stage, status="ARCHIVED")
    stage.at_look()
    assert given_to_the_winner(stage) == given_to_the_winner(plain)
    assert stage.clock.now() == plain.clock.now()


def test_a_copy_that_was_seen_on_and_deleted_before_our_pause_counts_by_its_figures() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, lifetime_budget=9_000)
    executor = Executor(stage.open_unit, stage.meta, stage.storage, stage.clock)
    executor.account_for_orphans(stage.now_run)
    stage.meta.once_on.add(copy)
    stage.meta.objects[copy].fields["status"] = "DELETED"
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM - 1


def test_a_copy_that_was_deleted_and_never_on_costs_the_winner_nothing() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, status="PAUSED")
    stage.at_look()
    stage.meta.objects[copy].fields["status"] = "DELETED"
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST


def test_what_a_copied_campaign_with_a_budget_of_its_own_has_spent_replaces_its_reserve() -> None:
    stage = staged(RunStatus.AB_TESTING)
    campaign = copied(stage, "test/a/campaign", lifetime_budget=45_000)
    copied(stage, campaign_id=campaign, lifetime_budget=None)
    stage.at_look()
    a_unit_each = 2
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM - a_unit_each


@pytest.mark.parametrize("status", ["ACTIVE", "PAUSED"])
def test_what_an_unmarked_ad_set_spent_of_a_copied_campaigns_budget_counts_with_the_campaign(
    status: str,
) -> None:
    stage = staged(RunStatus.AB_TESTING)
    campaign = copied(stage, "test/a/campaign", status=status, lifetime_budget=45_000)
    unmarked = copied(stage, name="Variant A", campaign_id=campaign, lifetime_budget=None, status="PAUSED")
    stage.meta.once_on.add(unmarked)
    stage.at_look()
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM - 1
    assert stage.row(f"duplicate/test/a/campaign/{campaign}").spent == ARM + 1


def test_a_winner_waits_until_a_copys_spend_shows() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    copied(stage)
    run = stage.step()
    assert run.status is RunStatus.SCALING_BUDGET
    assert "a duplicate was on" in english(run.attention)
    assert stage.on() == []


def test_nothing_is_scaled_while_a_copy_cannot_be_switched_off() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    copied(stage)
    stage.meta.stubborn = True
    for _ in range(4):
        assert stage.step().status is not RunStatus.PUBLISHING_FINAL


def test_nothing_is_scaled_while_figures_of_a_copy_cannot_be_read() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    copied(stage)
    stage.meta.troubles = [PlannedFault("insights_of", cut_off(), times=99)]
    for _ in range(6):
        assert stage.step().status is RunStatus.SCALING_BUDGET


def test_a_copy_whose_figures_meta_never_shows_ends_the_run_after_about_a_day() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    copied(stage)
    unknown = MetaNotFoundError("does not exist or missing permissions", code=100)
    stage.meta.troubles = [PlannedFault("insights_of", unknown, times=10_000)]
    began = stage.clock.now()
    while not stage.now_run.is_final and stage.clock.now() < began + timedelta(days=3):
        stage.step()
    assert stage.now_run.status is RunStatus.FAILED
    assert stage.clock.now() - began < timedelta(hours=30)
    assert stage.everything_off()


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_copys_daily_budget_counts_as_far_as_the_installation_says_that_it_stretches(
    looked_at: bool,  # noqa: FBT001 - a parameter
) -> None:
    stage = SweepStage(pace=EngineConfig(poll=timedelta(hours=2), spend=SpendRules(stretch=700)))
    stage.go(RunStatus.AB_TESTING)
    ends = (stage.clock.now() + timedelta(days=2)).isoformat()
    copy = copied(stage, status="PAUSED", lifetime_budget=None, daily_budget=100, end_time=ends)
    fields = stage.meta.objects[copy].fields
    fields["status"] = "PAUSED" if looked_at else "ACTIVE"
    Executor(
        stage.open_unit, stage.meta, stage.storage, stage.clock, gate=MoneyGate(stage.pace.spend)
    ).account_for_orphans(stage.now_run)
    if looked_at:
        fields["status"] = "ACTIVE"
        stage.meta.stubborn = True
        stage.at_look()
    assert stage.row(f"duplicate/test/a/adset/{copy}").spec.reserves == 700 * 4


def test_exposure_counts_what_a_copy_that_stays_on_can_spend() -> None:
    stage = staged(RunStatus.AB_TESTING)
    before = exposed(stage)
    copied(stage)
    stage.meta.stubborn = True
    stage.at_look()
    after = exposed(stage)
    assert after.could_still_spend.minor == before.could_still_spend.minor + ARM
    assert after.committed.minor == before.committed.minor + ARM


def test_a_copy_that_is_on_when_it_is_journaled_counts_from_that_moment() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage)
    executor = Executor(stage.open_unit, stage.meta, stage.storage, stage.clock)
    executor.account_for_orphans(stage.now_run)
    assert stage.row(f"duplicate/test/a/adset/{copy}").spec.reserves == ARM


def test_a_copy_that_is_switched_on_after_it_was_journaled_counts_from_the_next_look() -> None:
    stage = staged(RunStatus.AB_TESTING)
    copy = copied(stage, status="PAUSED")
    stage.at_look()
    assert stage.row(f"duplicate/test/a/adset/{copy}").spec.reserves == 0
    stage.meta.objects[copy].fields["status"] = "ACTIVE"
    stage.at_look()
    assert stage.row(f"duplicate/test/a/adset/{copy}").spec.reserves == ARM


def test_a_copys_budget_that_is_not_shown_counts_as_the_runs_whole_total() -> None:
    stage = staged(RunStatus.AB_TESTING)
    before = exposed(stage)
    copied(stage, lifetime_budget=None)
    stage.meta.stubborn = True
    stage.at_look()
    assert exposed(stage).could_still_spend.minor == before.could_still_spend.minor + 50_000


def test_a_copied_campaign_with_a_budget_of_its_own_counts_with_it() -> None:
    stage = staged(RunStatus.AB_TESTING)
    before = exposed(stage)
    copied(stage, "test/a/campaign", lifetime_budget=9_000)
    stage.meta.stubborn = True
    stage.at_look()
    assert exposed(stage).could_still_spend.minor == before.could_still_spend.minor + 9_000


def test_a_copy_that_is_off_can_spend_nothing_but_what_it_may_have_spent_stays_committed() -> None:
    stage = staged(RunStatus.AB_TESTING)
    before = exposed(stage)
    copied(stage)
    stage.at_look()
    stage.at_look()
    after = exposed(stage)
    assert after.could_still_spend == before.could_still_spend
    assert after.committed.minor == before.committed.minor + ARM


@pytest.mark.parametrize("crash_at", range(1, 60, 2))
def test_a_death_at_any_moment_before_scaling_gives_the_winner_no_more(crash_at: int) -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.go(RunStatus.SCALING_BUDGET)
    copied(stage)
    stage.meta.crash_plan.moments, stage.meta.crash_plan.crash_at = 0, crash_at
    assert given_to_the_winner(stage) == LEFT_BY_THE_TEST - ARM
