"""What other people, late answers and lost rights do to a run: nothing may stay on, and no cent may count twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    MetaRefusedError,
    MetaTransientError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.work import Tick
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.crashing_machine import unattended
from support.simulated import Machine, brief_request, make_machine
from support.staging import PlannedFault, Stage, cut_off, once, with_test

TOTAL_MINOR = 50_000


@contextmanager
def simulated() -> Iterator[Machine]:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, EngineConfig(poll=timedelta(hours=8)))
        yield machine
        machine.meta.close()
        machine.clock.close()


def stage_in(status: RunStatus) -> Stage:
    stage = Stage()
    stage.go(status)
    return stage


def failing_reads(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, error: MetaError, meta_id: MetaId | None = None
) -> None:
    """Have reads by id fail, all or those of one object."""
    real = stage.meta.read

    def read(kind: ObjectKind, asked: MetaId, fields: Sequence[str]) -> ObjectState:
        if meta_id in {None, asked}:
            raise error
        return real(kind, asked, fields)

    monkeypatch.setattr(stage.meta, "read", read)


def id_of(stage: Stage, key: str) -> MetaId:
    return MetaId(stage.row(key).meta_id or "")


def cancelled(stage: Stage, ticks: int = 30) -> None:
    stage.approvals.cancel(stage.run_id, "manager")
    for _ in range(ticks):
        if not stage.now_run.is_final:
            stage.step()


def test_one_refused_pause_does_not_keep_the_other_arm_running(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    locked, real = id_of(stage, "test/a/campaign"), stage.meta.update

    def update(meta_id: MetaId, params: Mapping[str, Any]) -> None:
        if meta_id == locked and params.get("status") == "PAUSED":
            raise MetaRefusedError("the campaign is locked", code=100)
        real(meta_id, params)

    monkeypatch.setattr(stage.meta, "update", update)
    cancelled(stage)
    assert [name for name in stage.active() if "Variant B" in name] == []
    assert stage.now_run.attention is not None


def test_one_unreadable_creative_does_not_keep_anything_running(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    failing_reads(monkeypatch, stage, MetaTransientError("unreadable"), id_of(stage, "test/a/creative"))
    cancelled(stage)
    assert stage.active() == []


@pytest.mark.parametrize(
    ("field", "odd"),
    [("lifetime_budget", "many"), ("end_time", "soon"), ("end_time", "2099-01-01T00:00:00")],
)
def test_what_cannot_be_read_of_an_ad_set_does_not_keep_it_running(field: str, odd: str) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.meta.objects[id_of(stage, "test/a/adset")].fields[field] = odd
    cancelled(stage)
    assert (stage.active(), stage.now_run.status) == ([], RunStatus.CANCELLED)


def test_lost_rights_do_not_pass_for_deleted_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    failing_reads(monkeypatch, stage, MetaNotFoundError("does not exist or missing permissions", code=100))
    cancelled(stage, 5)
    assert not (stage.now_run.is_final and stage.active())


def test_pausing_does_not_wait_for_reads_that_are_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    later = stage.clock.now() + timedelta(hours=3)
    failing_reads(monkeypatch, stage, MetaHeldBackError("96 % used", retry_at=later))
    began = stage.clock.now()
    stage.approvals.cancel(stage.run_id, "manager")
    stage.step()
    assert stage.active() == []
    assert stage.clock.now() - began < timedelta(minutes=1)


def test_a_stale_read_does_not_leave_an_activated_object_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    shown: dict[MetaId, tuple[dict[str, Any], datetime]] = {}
    real_update, real_read = stage.meta.update, stage.meta.read

    def update(meta_id: MetaId, params: Mapping[str, Any]) -> None:
        before = dict(stage.meta.objects[meta_id].fields)
        real_update(meta_id, params)
        shown[meta_id] = (before, stage.clock.now() + timedelta(seconds=20))

    def read(kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        state = real_read(kind, meta_id, fields)
        before, until = shown.get(meta_id, ({}, stage.clock.now()))
        stale = before if stage.clock.now() < until else {}
        return ObjectState.of(
            kind, meta_id, {**state.raw, **{name: value for name, value in stale.items() if name in fields}}
        )

    monkeypatch.setattr(stage.meta, "update", update)
    monkeypatch.setattr(stage.meta, "read", read)
    while not any(row.key.startswith("activate/") and row.attempts for row in stage.rows()):
        stage.step()
    cancelled(stage)
    assert stage.now_run.status is RunStatus.CANCELLED
    assert stage.active() == []


def test_a_loser_deleted_by_a_person_does_not_fail_the_run() -> None:
    stage = stage_in(RunStatus.WAITING_APPROVAL)
    stage.meta.delete(id_of(stage, "test/a/campaign"))
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B")
    assert stage.go().status is RunStatus.COMPLETED


def test_an_arm_without_a_figure_keeps_its_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.ANALYZING_RESULTS)

    def nothing(act_id: ActId, ids: Sequence[MetaId], since: datetime, until: datetime) -> list[Any]:
        return []

    monkeypatch.setattr(stage.meta, "ad_sets", nothing)
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B")
    run = stage.go()
    assert run.release.final_budget is not None
    assert 2 * 5000 + run.release.final_budget["total"] <= TOTAL_MINOR


def test_another_runs_unreadable_row_does_not_keep_this_test_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(pace=EngineConfig(most_runs_at_once=5, poll=timedelta(hours=2)))
    second = stage.intake.submit(brief_request(), "tester").id
    stage.go(RunStatus.AB_TESTING)
    stage.drive(second, RunStatus.AB_TESTING)
    bad = {row.meta_id for row in stage.rows(second) if row.spec.kind is ObjectKind.AD_SET}
    real = stage.meta.ad_sets

    def figures(
        act_id: ActId, ids: Sequence[MetaId], since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        broken = {"actions": [{"action_type": "omni_purchase", "value": "1.5"}]}
        rows = real(act_id, ids, since, until)
        return [
            replace(row, metrics={**row.metrics, **broken}) if row.object_id in bad else row for row in rows
        ]

    monkeypatch.setattr(stage.meta, "ad_sets", figures)
    for _ in range(20):
        stage.step()
    assert stage.now_run.status is not RunStatus.AB_TESTING


def test_a_test_ends_although_its_figures_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stage_in(RunStatus.AB_TESTING)

    def broken(act_id: ActId, ids: Sequence[MetaId], since: datetime, until: datetime) -> list[Any]:
        raise MetaTransientError("unreadable figures")

    monkeypatch.setattr(stage.meta, "ad_sets", broken)
    for _ in range(40):
        stage.step()
    assert stage.now_run.status is not RunStatus.AB_TESTING
    assert stage.active() == []


def test_an_arm_edited_by_others_is_never_scaled_without_a_person() -> None:
    stage = Stage(unattended(brief_request()))
    stage.go(RunStatus.AB_TESTING)
    for _ in range(3):
        stage.step()
    stage.meta.update(id_of(stage, "test/b/adset"), {"lifetime_budget": 500_000})
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL
    assert not run.release.is_proven


def test_a_duplicate_switched_on_by_others_is_off_when_the_run_completes() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=n, done=True) for n in range(1, 9)]
    stage.meta.echoes = 8
    stage.go(RunStatus.WAITING_APPROVAL)
    twins = {MetaId(row.meta_id or "") for row in stage.rows() if row.key.startswith("duplicate/")}
    assert twins
    for twin in twins:
        stage.meta.objects[twin].fields["status"] = "ACTIVE"
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B")
    assert stage.go().status is RunStatus.COMPLETED
    on = [
        twin
        for twin in twins
        if stage.meta.objects[twin].status == "ACTIVE"
        and stage.meta.objects[twin].kind is not ObjectKind.CREATIVE
    ]
    assert on == []


def test_a_create_that_lands_after_it_was_given_up_is_journaled() -> None:
    stage = Stage()

    def taken_over() -> None:
        """Another worker lifts the run and builds everything while this one's first create hangs."""
        run = stage.now_run
        with stage.database.unit_of_work() as unit:
            unit.runs.save(replace(run, version=run.version + 1), was=run.version)
            unit.commit()
        stage.meta.on_call = lambda *_: None
        other = stage.orchestrator_over()
        while (now := stage.now_run).status is not RunStatus.AB_TESTING:
            assert now.next_tick_at is not None
            stage.clock.advance_to(now.next_tick_at)
            other.advance(Tick(now.id, now.version, now.act_id))

    while not stage.meta.made("create"):
        stage.meta.on_call = once("create", taken_over)
        stage.step()
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "manager", variant="B")
    assert stage.go().status is RunStatus.COMPLETED
    known = {row.meta_id for row in stage.rows()}
    assert [one for one in stage.meta.of_kind(ObjectKind.CAMPAIGN) if one.fields["id"] not in known] == []


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [4, 8, 13])
def test_the_last_quarter_hours_spend_is_counted_although_it_shows_late(minutes: int) -> None:
    with simulated() as machine:
        machine.clock.advance_to(machine.clock.now() + timedelta(minutes=minutes))
        run_id = machine.submit(with_test(settle_hours=0))
        machine.drive(run_id, RunStatus.WAITING_APPROVAL)
        machine.approvals.publish_winner(run_id, "manager", variant="B")
        assert machine.drive(run_id).status is RunStatus.COMPLETED
        assert machine.exposure(run_id)["peak_total"] <= TOTAL_MINOR


def test_a_second_worker_on_the_same_tick_is_not_taken_for_somebody_who_edits() -> None:
    """A worker thought dead may wake up and switch on what the one that replaced it is just comparing."""
    stage = Stage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    while len(stage.meta.of_kind(ObjectKind.AD)) < 2:
        stage.step()
    run = stage.now_run
    executor = Executor(stage.open_unit, stage.meta, stage.storage, stage.clock)
    first, second = (ObjectControl(stage.open_unit, executor, stage.meta, stage.clock) for _ in range(2))
    rows = [row for row in first.created(run, Purpose.TEST) if row.spec.kind is ObjectKind.CAMPAIGN]
    second.update(run, rows[0], {"status": "PAUSED"}, Purpose.PAUSE)
    stage.meta.on_call = once(
        "find", lambda: second.update(run, rows[0], {"status": "ACTIVE"}, Purpose.ACTIVATE)
    )
    assert first.differences(run, rows) == []
    assert stage.meta.objects[MetaId(rows[0].meta_id or "")].status == "ACTIVE"
