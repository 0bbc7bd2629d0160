"""Keeping all: every arm that can goes on with an equal part of what is left, and no unit more than the total is spent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.adapters.memory.meta_ads import Fault
from autopublisher.domain.access import Role
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    MetaRefusedError,
    OverrideForbiddenError,
)
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.money.exposure import last_day
from autopublisher.domain.money.ledger import ledger_of
from autopublisher.domain.reconciliation.able_arms import able_arms
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.approvals import Basis
from autopublisher.domain.runs.final_campaign import part_of
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars, reservations_of
from autopublisher.domain.runs.run import Run, RunStatus, Way
from flows.runs.test_in_place import FULL
from support.crashing_machine import CrashingMachine, CrashPlan, seeded
from support.going_on import cancel_at_every_moment, could_be_spent
from support.simulated import brief_request
from support.staging import EQUAL_RATES, Stage
from support.stop_staging import completed
from support.sweep_staging import AN_AGE, SweepStage

AD_SETS = ("test/a/adset", "test/b/adset")
TREE = ("campaign", "adset", "ad")


def waiting(request: RunRequest | None = None) -> Stage:
    stage = Stage(request)
    stage.meta.rates = EQUAL_RATES
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    return stage


def kept(stage: Stage) -> Run:
    stage.approvals.publish_winner(stage.run_id, "olga", role=Role.OPERATOR, way=Way.KEEP_ALL)
    run = stage.go()
    assert run.status is RunStatus.COMPLETED, run.ending.why
    assert run.release.final_budget is not None, run.report
    return run


def parts_of(run: Run) -> list[int]:
    return [part_of(run, letter)["total"] for letter in "AB"]


def test_all_arms_go_on_with_equal_parts_of_what_is_left_and_nothing_is_created() -> None:
    stage = waiting()
    made, left = len(stage.meta.objects), ledger_of(total_of(stage.now_run), stage.rows()).left
    run = kept(stage)
    assert len(stage.meta.objects) == made
    assert sorted(stage.active()) == sorted(
        stage.at_meta(f"test/{letter}/{kind}")["name"] for letter in "ab" for kind in TREE
    )
    assert parts_of(run) == [left.minor // 2, left.minor // 2]
    lifetimes = [int(stage.at_meta(key)["lifetime_budget"]) for key in AD_SETS]
    assert sum(lifetimes) <= total_of(run).minor
    assert total_of(run).minor - sum(lifetimes) <= 1  # a unit that cannot be divided
    ends = {stage.at_meta(key)["end_time"] for key in AD_SETS}
    assert ends == {(run.release.final_budget or {})["ends_at"]}
    assert ledger_of(total_of(run), stage.rows()).committed == Money(sum(lifetimes), "EUR")


def test_every_new_budget_stands_at_meta_before_anything_is_switched_on_again() -> None:
    stage = waiting()
    kept(stage)
    went_on = [row for row in stage.rows() if row.purpose is Purpose.CONTINUE]
    switched = [row for row in stage.rows() if row.purpose is Purpose.ACTIVATE][-6:]
    assert [row.key for row in went_on] == [f"continue/{key}/1" for key in AD_SETS]
    assert max(row.sequence for row in went_on) < min(row.sequence for row in switched)
    assert all(row.settled_at is not None for row in went_on)


def test_it_selects_nobody_and_its_campaign_owns_what_all_of_them_may_spend() -> None:
    stage = waiting()
    run = kept(stage)
    view = stage.reports.view(run.id)
    assert (run.release.winner, view.basis, view.winner_variant) == (None, None, None)
    assert {one.state for one in view.variants} == {"kept"}
    assert view.final is not None
    campaign = view.final.campaign
    assert campaign.state.value == "delivering"
    assert campaign.budget == Money(sum(parts_of(run)), "EUR")
    assert (campaign.campaign_meta_id, campaign.ad_set_meta_id) == (None, None)
    assert view.spent == view.test_spent
    assert view.could_still_spend <= campaign.budget + Money(2, "EUR")
    assert view.could_still_spend + view.spent <= total_of(run) + Money(2, "EUR")


# --- whose word ------------------------------------------------------------------------------------


def test_where_it_is_recommended_it_is_open_to_all_who_approve_and_a_variant_is_an_override() -> None:
    stage = waiting()
    view = stage.reports.view(stage.run_id)
    assert view.advised_way is Way.KEEP_ALL
    assert [view.would_override(letter) for letter in ("A", "B", None)] == [True, True, False]
    with pytest.raises(OverrideForbiddenError):
        stage.approvals.publish_winner(stage.run_id, "olga", variant="B", comment="x", role=Role.OPERATOR)
    run = stage.approvals.publish_winner(stage.run_id, "olga", role=Role.OPERATOR, way=Way.KEEP_ALL)
    assert run.release.approval is not None
    assert (run.release.approval.variant, run.release.approval.override) == (None, False)


def test_against_a_proven_winner_it_is_an_override_with_a_reason_and_proves_nothing() -> None:
    stage = Stage()
    stage.go(RunStatus.WAITING_APPROVAL)
    assert stage.now_run.release.is_proven
    with pytest.raises(OverrideForbiddenError):
        stage.approvals.publish_winner(
            stage.run_id, "olga", comment="x", role=Role.OPERATOR, way=Way.KEEP_ALL
        )
    with pytest.raises(InvalidRequestError, match="keeping_without_reason"):
        stage.approvals.publish_winner(stage.run_id, "maria", role=Role.MANAGER, way=Way.KEEP_ALL)
    stage.approvals.publish_winner(
        stage.run_id, "maria", comment="both sell", role=Role.MANAGER, way=Way.KEEP_ALL
    )
    run = stage.go()
    assert (run.status, run.release.is_proven, run.release.winner) == (RunStatus.COMPLETED, False, None)
    assert stage.reports.view(run.id).basis is not Basis.PROVEN
    assert len(stage.active()) == 6


def test_it_names_no_variant_and_may_be_approved_twice_and_nothing_else_after_it() -> None:
    stage = waiting()
    with pytest.raises(InvalidRequestError, match="keeps_all"):
        stage.approvals.publish_winner(stage.run_id, "maria", variant="B", way=Way.KEEP_ALL)
    for _ in range(2):
        stage.approvals.publish_winner(stage.run_id, "maria", way=Way.KEEP_ALL)
    for way in (Way.SCALED, Way.IN_PLACE):
        with pytest.raises(ConflictError, match="kept_already"):
            stage.approvals.publish_winner(stage.run_id, "maria", variant="B", way=way)
    with pytest.raises(ConflictError, match="kept_already"):
        stage.approvals.reject(stage.run_id, "maria")
    assert len(stage.events("approved")) == 1


def test_after_one_variant_was_approved_nobody_keeps_all() -> None:
    stage = waiting()
    stage.approvals.publish_winner(
        stage.run_id, "maria", variant="B", comment="taste", role=Role.MANAGER, way=Way.IN_PLACE
    )
    with pytest.raises(ConflictError, match="approved_already"):
        stage.approvals.publish_winner(stage.run_id, "maria", way=Way.KEEP_ALL)


# --- which arms ------------------------------------------------------------------------------------


def test_an_arm_that_has_to_stay_off_cannot_go_on() -> None:
    stage = waiting()
    run, rows = stage.now_run, stage.rows()
    with stage.database.unit_of_work() as unit:
        models = unit.records.objects(run.id)
    assert able_arms(run, rows, models) == ["A", "B"]
    worse = replace(run, trial=replace(run.trial, eliminated=("A",)))
    assert able_arms(worse, rows, models) == ["B"]
    gone = [replace(one, status="DELETED") if one.key == "test/b/campaign" else one for one in models]
    refused = [
        replace(one, effective_status="DISAPPROVED") if one.key == "test/b/ad" else one for one in models
    ]
    assert able_arms(run, rows, gone) == able_arms(run, rows, refused) == ["A"]


def test_where_only_one_can_go_on_all_cannot_be_kept() -> None:
    stage = SweepStage(brief_request())
    stage.meta.rates = EQUAL_RATES
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    for kind in TREE:
        stage.touch(f"test/b/{kind}", status="ACTIVE")
    stage.touch("test/b/adset", lifetime_budget=90_000, end_time="2027-11-30T00:00:00+00:00")
    for _ in range(3):
        stage.at_look()
    assert stage.on() == []
    with pytest.raises(ConflictError, match="too_few_arms"):
        stage.approvals.publish_winner(stage.run_id, "maria", way=Way.KEEP_ALL)


# --- money -----------------------------------------------------------------------------------------


def test_a_daily_limit_cuts_all_of_them_together_and_stays_held_until_they_are_on() -> None:
    stage, limit = waiting(), 32_000
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
    run = kept(stage)
    assert set(held) == {limit}
    assert parts_of(run) == [limit // 2, limit // 2]


def test_an_arm_that_meta_refuses_leaves_nothing_on_and_no_money_uncounted() -> None:
    stage = waiting()
    stage.approvals.publish_winner(stage.run_id, "olga", role=Role.OPERATOR, way=Way.KEEP_ALL)

    def refuse(_number: int, method: str) -> None:
        last = stage.meta.witnessed[-1]
        second = last.subject == stage.row("test/b/adset").meta_id
        if method == "update" and "lifetime_budget" in last.params and second:
            stage.meta.faults.append(Fault(MetaRefusedError("no"), "update"))

    stage.meta.on_call = refuse
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert stage.active() == []
    assert ledger_of(total_of(run), stage.rows()).left.minor >= 0
    assert int(stage.at_meta("test/b/adset")["lifetime_budget"]) == 5_000


def decided(crash_at: int = 0) -> tuple[CrashingMachine, RunId]:
    """Return a machine whose run is to keep all, to die at crash point ``crash_at`` from there on."""
    machine = seeded(CrashingMachine(FULL), brief_request())
    machine.meta.rates = EQUAL_RATES
    run_id = machine.intake.submit(brief_request(), "tester").id
    assert machine.drive(run_id, RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL
    machine.approvals.publish_winner(run_id, "olga", role=Role.OPERATOR, way=Way.KEEP_ALL)
    machine.meta.crash_plan = CrashPlan(crash_at)
    return machine, run_id


@pytest.mark.slow
def test_a_death_at_any_moment_of_keeping_all_changes_nothing() -> None:
    crash_at, made = 0, len(decided()[0].meta.objects)
    while True:
        crash_at += 1
        machine, run_id = decided(crash_at)
        run = machine.drive(run_id)
        assert run.status is RunStatus.COMPLETED, (crash_at, run.ending.why)
        assert len(machine.meta.objects) == made + 1  # the rule
        assert len(machine.active()) == 6
        assert total_of(run).minor - 1 <= could_be_spent(machine, run_id) <= total_of(run).minor
        if machine.crashes == 0:
            break
    assert crash_at > 30


@pytest.mark.slow
def test_a_death_at_any_moment_of_a_cancellation_leaves_nothing_on_and_no_money_uncounted() -> None:
    cancel_at_every_moment(decided)


# --- after its run has ended ----------------------------------------------------------------------


def test_a_stop_switches_all_of_them_off_and_lifting_it_gives_them_back() -> None:
    stage = completed(Way.KEEP_ALL)
    before = sorted(stage.active())
    assert len(before) == 6
    stage.stop()
    assert stage.enforced().confirmed
    assert stage.on() == []
    stage.resume(reactivate=True)
    stage.look()
    assert sorted(stage.active()) == before


def watched() -> SweepStage:
    """Return a stage that keeps all, looked at as somebody else could change it."""
    stage = SweepStage(brief_request())
    stage.meta.rates, stage.meta.spend_share = EQUAL_RATES, 0.4
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "olga", role=Role.OPERATOR, way=Way.KEEP_ALL)
    while not stage.now_run.is_final:
        stage.at_look()
        assert stage.found == set()
        stage.step()
    assert stage.now_run.status is RunStatus.COMPLETED
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.at_look()
    assert stage.found == set()
    return stage


@pytest.mark.parametrize("key", AD_SETS)
def test_what_somebody_else_changes_of_any_of_them_is_found(key: str) -> None:
    stage = watched()
    stage.touch(key, lifetime_budget=90_000)
    stage.at_look()
    assert (key, "lifetime_budget") in {(one, field) for one, field, _ in stage.found}


def spend(stage: SweepStage, amounts: Sequence[int]) -> None:
    for key, amount in zip(AD_SETS, amounts, strict=True):
        stage.meta.charges.append((MetaId(stage.row(key).meta_id or ""), stage.clock.now(), amount))


def test_what_each_of_them_spends_and_sells_is_its_campaigns_and_no_figure_of_the_test() -> None:
    stage = watched()
    run, tested = stage.now_run, stage.reports.view(stage.run_id)
    spend(stage, (30, 12))
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.at_look()
    view = stage.reports.view(run.id)
    assert view.test_spent == tested.test_spent
    assert view.spent == tested.spent + Money(4_200, "EUR")
    assert view.sold is not None
    assert view.sold.figures.spend == 4_200
    assert view.final is not None
    assert view.final.spent == Money(4_200, "EUR")
    assert view.could_still_spend <= Money(sum(parts_of(run)) - 4_200 + 2, "EUR")
    ends = datetime.fromisoformat((run.release.final_budget or {})["ends_at"])
    stage.clock.advance_to(ends + timedelta(days=5))
    for _ in range(3):
        stage.at_look()
    view = stage.reports.view(run.id)
    assert view.final is not None
    assert (view.final.campaign.state.value, view.final.spent.minor) == ("settled", 4_200)
    assert view.could_still_spend == Money(0, "EUR")
    assert all(stage.row(key).spent is not None for key in AD_SETS)


@pytest.mark.parametrize("kinds", [("ad",), ("campaign", "adset", "ad")])
def test_a_pause_of_one_is_told_and_one_that_is_gone_leaves_the_others_delivering(
    kinds: tuple[str, ...],
) -> None:
    stage = watched()
    stage.touch("test/a/ad", status="PAUSED")
    stage.at_look()
    view = stage.reports.view(stage.run_id)
    assert view.final is not None
    assert view.final.campaign.state.value == "paused"
    for kind in kinds:
        stage.touch(f"test/a/{kind}", status="ARCHIVED", effective_status="ARCHIVED")
    stage.at_look()
    view = stage.reports.view(stage.run_id)
    assert view.final is not None
    assert view.final.campaign.state.value == "delivering"


def test_a_stop_that_is_lifted_after_its_end_leaves_them_off() -> None:
    stage = completed(Way.KEEP_ALL)
    stage.stop()
    stage.enforced()
    stage.clock.advance_to(stage.clock.now() + timedelta(days=30))
    stage.resume(reactivate=True)
    watch = stage.look()
    assert watch.report["resume"]["runs"][0]["state"] == "left_paused"
    assert stage.on() == []


def test_the_spend_guard_at_meta_watches_every_campaign_of_them() -> None:
    machine, run_id = decided()
    assert machine.drive(run_id).status is RunStatus.COMPLETED
    with machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(run_id)
    rule = next(row for row in rows if row.spec.kind is ObjectKind.RULE)
    filters = {one["field"]: one["value"] for one in rule.spec.params["evaluation_spec"]["filters"]}
    assert filters["id"] == [{"$id": f"test/{letter}/campaign"} for letter in "ab"]
    assert filters["spent"] >= max(int(part["total"]) + part["before"] for part in _parts(machine, run_id))


def _parts(machine: CrashingMachine, run_id: RunId) -> list[dict[str, int]]:
    return [dict(part_of(machine.run(run_id), letter)) for letter in "AB"]
