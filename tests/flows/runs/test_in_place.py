"""Publishing in place: the arm goes on with what is left of the total, all else stays off, and no unit more is spent."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.adapters.memory.meta_ads import Fault
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import ConflictError, MetaRefusedError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.money.exposure import last_day
from autopublisher.domain.money.ledger import ledger_of
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.final_campaign import part_of
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars, reservations_of
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.domain.runs.spend_guard_rule import rule_spec
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.runs.optimizer import budget_from_record
from support.crashing_machine import CrashingMachine, CrashPlan, seeded
from support.going_on import cancel_at_every_moment, could_be_spent
from support.simulated import brief_request
from support.staging import Stage
from support.stop_staging import completed
from support.sweep_staging import AN_AGE, SweepStage

AD_SET = "test/b/adset"
NEARLY_EQUAL = {"A": 1000, "B": 1001}


def waiting(request: RunRequest | None = None) -> Stage:
    stage = Stage(request)
    stage.meta.rates = NEARLY_EQUAL
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    return stage


def in_place(stage: Stage, variant: str = "B") -> Run:
    stage.approvals.publish_winner(stage.run_id, "manager", variant=variant, way=Way.IN_PLACE)
    run = stage.go()
    assert run.status is RunStatus.COMPLETED, run.ending.why
    return run


def test_the_arm_goes_on_with_what_is_left_and_all_else_stays_off() -> None:
    stage = waiting()
    made = len(stage.meta.objects)
    run = in_place(stage)
    assert len(stage.meta.objects) == made
    assert sorted(stage.active()) == sorted(
        stage.at_meta(f"test/b/{kind}")["name"] for kind in ("campaign", "adset", "ad")
    )
    shown = stage.at_meta(AD_SET)
    others = stage.row("test/a/adset").spent or 0
    assert int(shown["lifetime_budget"]) + others == total_of(run).minor
    assert run.release.final_budget is not None
    assert shown["end_time"] == run.release.final_budget["ends_at"]
    assert ledger_of(total_of(run), stage.rows()).left == Money(0, "EUR")


def test_nothing_is_switched_on_before_its_new_budget_stands_at_meta() -> None:
    stage = waiting()
    in_place(stage)
    rows = [row for row in stage.rows() if row.spec.target and row.spec.target.startswith("test/b/")]
    went_on = next(row for row in rows if row.purpose is Purpose.CONTINUE)
    last_on = [row for row in rows if row.purpose is Purpose.ACTIVATE][-3:]
    assert went_on.settled_at is not None
    assert all(row.sequence > went_on.sequence for row in last_on)


def test_its_campaign_counts_from_where_the_test_ended() -> None:
    stage = waiting()
    run = in_place(stage)
    view = stage.reports.view(run.id)
    assert view.final is not None
    campaign = view.final.campaign
    before = Money(part_of(run, "B")["before"], "EUR")
    assert campaign.budget == total_of(run) - before - Money(stage.row("test/a/adset").spent or 0, "EUR")
    assert campaign.state.value == "delivering"
    assert campaign.ad_set_meta_id == stage.row(AD_SET).meta_id
    assert view.spent == view.test_spent
    assert view.could_still_spend <= campaign.budget + Money(1, "EUR")
    assert view.could_still_spend + view.spent <= total_of(run) + Money(2, "EUR")


def test_the_same_way_may_be_approved_twice_and_no_other() -> None:
    stage = waiting()
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B", way=Way.IN_PLACE)
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B", way=Way.IN_PLACE)
    with pytest.raises(ConflictError, match="approved_already"):
        stage.approvals.publish_winner(stage.run_id, "manager", variant="B")


def test_a_budget_that_was_stored_when_only_one_arm_could_go_on_is_read_as_it_was_meant() -> None:
    run = in_place(waiting())
    record = dict(run.release.final_budget or {})
    arms = record.pop("arms")
    before, tested = (arms["B"][name] for name in ("before", "tested"))
    stored = {**record, "before": before, "tested": tested}
    older = replace(run, release=replace(run.release, final_budget=stored))
    assert dict(part_of(older, "B")) == dict(part_of(run, "B"))
    rules = [rule_spec(one, budget_from_record(dict(one.release.final_budget or {}))) for one in (older, run)]
    assert rules[0] == rules[1]


# --- its money among others' -----------------------------------------------------------------------


def test_a_daily_limit_cuts_it_and_its_money_stays_held_until_it_is_on() -> None:
    stage, limit = waiting(), 25_000
    account_id = stage.now_run.account_id
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(account_id)
        unit.accounts.save(replace(account, daily_limit=limit))
        unit.commit()
    held: list[int] = []

    def look(_number: int, _method: str) -> None:
        run, how = stage.now_run, Calendars(account.timezone)
        if run.status is RunStatus.PUBLISHING_FINAL:
            last = last_day(how.local(datetime.fromisoformat((run.release.final_budget or {})["ends_at"])))
            reserved = reservations_of(run, stage.rows(), how)
            held.append(sum(one.worst_day for one in reserved if one.first <= last <= one.last))

    stage.meta.on_call = look
    run = in_place(stage)
    assert set(held) == {limit}
    assert (run.release.final_budget or {})["total"] == limit
    assert int(stage.at_meta(AD_SET)["lifetime_budget"]) == limit + part_of(run, "B")["before"]


def test_what_somebody_had_it_spend_after_its_test_is_told_of_its_campaign() -> None:
    stage = SweepStage(brief_request())
    stage.meta.spend_share = 0.4
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.meta.charges.append((MetaId(stage.row(AD_SET).meta_id or ""), stage.clock.now(), 12))
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=4))
    run = in_place(stage)
    stage.at_look()
    view, spends = stage.reports.view(run.id), Money(2 * 2_000 + 1_200, "EUR")
    assert view.spent == spends
    can = int(stage.at_meta(AD_SET)["lifetime_budget"]) - 3_200
    assert can <= view.could_still_spend.minor <= can + 1
    ends = datetime.fromisoformat((run.release.final_budget or {})["ends_at"])
    stage.clock.advance_to(ends + timedelta(days=5))
    stage.at_look()
    view = stage.reports.view(run.id)
    assert view.final is not None
    assert (view.final.campaign.state.value, view.final.spent.minor) == ("settled", 1_200)
    assert (view.spent, view.could_still_spend.minor) == (spends, 0)


def test_a_refused_arm_counts_what_it_had_spent_above_what_was_set_aside() -> None:
    stage = SweepStage(brief_request())
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.touch(AD_SET, lifetime_budget=20_000)
    stage.at_look()
    stage.meta.charges.append((MetaId(stage.row(AD_SET).meta_id or ""), stage.clock.now(), 90))
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=4))
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B", way=Way.IN_PLACE)
    counted = ledger_of(total_of(stage.go(RunStatus.PUBLISHING_FINAL)), stage.rows()).committed

    def refuse(_number: int, method: str) -> None:
        if method == "update" and "lifetime_budget" in stage.meta.witnessed[-1].params:
            stage.meta.faults.append(Fault(MetaRefusedError("no"), "update"))

    stage.meta.on_call = refuse
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert counted > Money(14_000, "EUR")
    assert ledger_of(total_of(run), stage.rows()).committed == counted


FULL = EngineConfig(poll=timedelta(hours=2), native_rule=True, split_tests=True)


def decided(crash_at: int = 0) -> tuple[CrashingMachine, RunId]:
    """Return a machine whose run a person has approved in place, to die at crash point ``crash_at`` from there on."""
    machine = seeded(CrashingMachine(FULL), brief_request())
    machine.meta.rates = NEARLY_EQUAL
    run_id = machine.intake.submit(brief_request(), "tester").id
    assert machine.drive(run_id, RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL
    machine.approvals.publish_winner(run_id, "manager", variant="B", way=Way.IN_PLACE)
    machine.meta.crash_plan = CrashPlan(crash_at)
    return machine, run_id


@pytest.mark.slow
def test_a_death_at_any_moment_of_going_on_changes_nothing() -> None:
    crash_at, made = 0, len(decided()[0].meta.objects)
    while True:
        crash_at += 1
        machine, run_id = decided(crash_at)
        run = machine.drive(run_id)
        assert run.status is RunStatus.COMPLETED, (crash_at, run.ending.why)
        assert len(machine.meta.objects) == made + 1  # the rule
        assert {name.split(" [")[0] for name in machine.active()} == {"Test Campaign - Variant B"}
        assert len(machine.active()) == 3
        assert could_be_spent(machine, run_id) == total_of(run).minor
        if machine.crashes == 0:
            break
    assert crash_at > 20


@pytest.mark.slow
def test_a_death_at_any_moment_of_a_cancellation_leaves_nothing_on_and_no_money_uncounted() -> None:
    cancel_at_every_moment(decided)


# --- after its run has ended ----------------------------------------------------------------------


def test_a_stop_switches_it_off_and_lifting_it_gives_it_back() -> None:
    stage = completed(Way.IN_PLACE)
    before = sorted(stage.active())
    stage.stop()
    assert stage.enforced().confirmed
    assert stage.on() == []
    stage.resume(reactivate=True)
    stage.look()
    assert sorted(stage.active()) == before


def test_a_stop_that_is_lifted_after_its_end_leaves_it_off() -> None:
    stage = completed(Way.IN_PLACE)
    stage.stop()
    stage.enforced()
    stage.clock.advance_to(stage.clock.now() + timedelta(days=30))
    stage.resume(reactivate=True)
    watch = stage.look()
    assert watch.report["resume"]["runs"][0]["state"] == "left_paused"
    assert stage.on() == []


def watched() -> SweepStage:
    """Return a stage with a published arm, looked at as somebody else could change it."""
    stage = SweepStage(brief_request())
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "manager", way=Way.IN_PLACE)
    while not stage.now_run.is_final:
        stage.at_look()
        assert stage.found == set()
        stage.step()
    assert stage.now_run.status is RunStatus.COMPLETED
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.at_look()
    assert stage.found == set()
    return stage


@pytest.mark.parametrize(
    ("field", "shown"), [("lifetime_budget", 90_000), ("end_time", "2027-11-30T00:00:00+00:00")]
)
def test_what_somebody_else_changes_of_it_is_found(field: str, shown: object) -> None:
    stage = watched()
    stage.touch(AD_SET, **{field: shown})
    stage.at_look()
    assert (AD_SET, field) in {(key, one) for key, one, _ in stage.found}


def test_another_arm_that_somebody_switches_on_is_found() -> None:
    stage = watched()
    for kind in ("campaign", "adset", "ad"):
        stage.touch(f"test/a/{kind}", status="ACTIVE")
    stage.at_look()
    assert ("test/a/adset", "status", "ACTIVE") in stage.found


def test_its_money_is_settled_once_it_is_over_and_counts_no_more() -> None:
    stage = watched()
    run = stage.now_run
    assert stage.row(AD_SET).spent is None
    ends = datetime.fromisoformat((run.release.final_budget or {})["ends_at"])
    stage.clock.advance_to(ends + timedelta(days=5))
    for _ in range(3):
        stage.at_look()
    spent, view = stage.row(AD_SET).spent, stage.reports.view(run.id)
    assert spent is not None
    assert view.final is not None
    assert view.final.campaign.state.value == "settled"
    assert view.could_still_spend == Money(0, "EUR")
    assert view.final.spent.minor <= spent


def test_an_arm_that_was_switched_off_for_its_money_is_approved_by_a_campaign_of_its_own_only() -> None:
    stage = SweepStage(brief_request())
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    for kind in ("campaign", "adset", "ad"):
        stage.touch(f"test/b/{kind}", status="ACTIVE")
    stage.touch(AD_SET, lifetime_budget=90_000, end_time="2027-11-30T00:00:00+00:00")
    for _ in range(3):
        stage.at_look()
    assert stage.on() == []
    with pytest.raises(ConflictError, match="arm_was_freed"):
        stage.approvals.publish_winner(stage.run_id, "manager", way=Way.IN_PLACE)
    stage.approvals.publish_winner(stage.run_id, "manager")
    assert stage.go().status is RunStatus.COMPLETED
