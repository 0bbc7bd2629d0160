"""The reconciliation over the real client and the simulator: no false alarm in any status, and edits are found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind, resolve
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.reconciliation.findings import RECONCILIATION, findings_of
from autopublisher.domain.request.request import RunRequest, WinnerCriteria
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_watch
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.watch.account_watch import AccountWatch
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.flows.writes.objects import TREE
from autopublisher.ports.work import Tick
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import ACT, Machine, brief_request, make_machine

pytestmark = pytest.mark.slow  # runs over the simulator

_R = RunStatus
PACE = EngineConfig(poll=timedelta(hours=8))
FOREIGN = "Somebody's [ap-ffffffffffffffff-odd]"


@dataclass
class Watched:
    """A machine whose account is looked at."""

    machine: Machine
    watch: AccountWatch
    run_id: RunId

    def look(self) -> dict[str, Any]:
        with self.machine.database.unit_of_work() as unit:
            stored = unit.watches.get(ACT) or Watch(ACT, 1, self.machine.clock.now())
            unit.watches.add(stored)
            unit.commit()
        self.watch.look(Tick(None, stored.version, ACT))
        with self.machine.database.unit_of_work() as unit:
            after = unit.watches.get(ACT)
        assert after is not None
        return dict(after.report[RECONCILIATION])

    def found(self) -> set[tuple[str, str, str]]:
        record = self.look()
        assert (record["problems"], record["orphans"], record["undone"]) == ([], [], [])
        return {(one.key, one.edit.field, one.edit.shown) for one in findings_of(record)}

    def edit(self, key: str, **params: Any) -> None:
        """Change an object through Meta's SDK, as another program of the account's would."""
        self.machine.meta.update(self.id_of(key), params)

    def id_of(self, key: str) -> MetaId:
        with self.machine.database.unit_of_work() as unit:
            row = unit.journal.get(RunOwner(self.run_id), key)
        assert row is not None
        return MetaId(row.meta_id or "")

    def pass_time(self) -> None:
        clock = self.machine.clock
        clock.advance_to(clock.now() + timedelta(minutes=20))


@contextmanager
def watched(request: RunRequest, pace: EngineConfig = PACE) -> Iterator[Watched]:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, pace)
        parts = (machine.database.unit_of_work, machine.meta, machine.storage, machine.clock, machine.queue)
        try:
            yield Watched(machine, build_watch(*parts, pace), machine.submit(request))
        finally:
            machine.meta.close()
            machine.clock.close()


def completed(scene: Watched) -> None:
    """Let the run publish variant B, by a person's word."""
    scene.machine.drive(scene.run_id, _R.WAITING_APPROVAL)
    scene.machine.approvals.publish_winner(scene.run_id, "manager", variant="B")
    assert scene.machine.drive(scene.run_id).status is _R.COMPLETED
    scene.pass_time()


def asking_for(objective: str) -> RunRequest:
    request = brief_request(objective=objective)
    criteria = WinnerCriteria.ROAS if objective == "CONVERSIONS" else WinnerCriteria.CTR
    return replace(request, ab_test_config=replace(request.ab_test_config, winner_criteria=criteria))


@pytest.mark.parametrize("objective", ["CONVERSIONS", "REACH", "LINK_CLICKS"])
def test_a_run_nobody_has_touched_has_no_findings_in_any_status(objective: str) -> None:
    with watched(asking_for(objective)) as scene:
        while scene.machine.run(scene.run_id).status is not _R.WAITING_APPROVAL:
            assert scene.found() == set()
            scene.machine.tick(scene.run_id)
        scene.machine.approvals.publish_winner(scene.run_id, "manager", variant="B")
        while not scene.machine.run(scene.run_id).is_final:
            assert scene.found() == set()
            scene.machine.tick(scene.run_id)
        assert scene.found() == set()
        scene.pass_time()
        assert scene.found() == set()
        assert scene.machine.run(scene.run_id).status is _R.COMPLETED


def test_edits_made_through_the_sdk_are_found() -> None:
    with watched(brief_request()) as scene:
        scene.machine.drive(scene.run_id, _R.AB_TESTING)
        for _ in range(3):
            scene.machine.tick(scene.run_id)
        scene.pass_time()
        assert scene.found() == set()
        scene.edit("test/a/campaign", name="Mine now")
        scene.edit("test/b/ad", status="PAUSED")
        scene.edit(
            "test/b/adset",
            targeting={
                "geo_locations": {"countries": ["PE"]},
                "targeting_automation": {"advantage_audience": 0},
            },
        )
        places = {(key, field) for key, field, _ in scene.found()}
        assert places == {("test/a/campaign", "name"), ("test/b/ad", "status"), ("test/b/adset", "targeting")}
        scene.look()
        assert scene.machine.run(scene.run_id).trial.edited_at is not None


def test_placements_hours_and_attribution_that_nobody_of_us_asked_for_are_found_and_mark_the_test() -> None:
    request = brief_request()
    automatic = replace(request, targeting_config=replace(request.targeting_config, placements=()))
    with watched(automatic) as scene:
        scene.machine.drive(scene.run_id, _R.AB_TESTING)
        scene.machine.tick(scene.run_id)
        scene.pass_time()
        assert scene.found() == set()
        read = scene.machine.meta.read(ObjectKind.AD_SET, scene.id_of("test/a/adset"), ("targeting",)).raw
        places = {
            "countries": read["targeting"]["geo_locations"]["countries"]
        }  # Meta adds what it does not take back
        narrowed = {**read["targeting"], "geo_locations": places, "publisher_platforms": ["facebook"]}
        hours = [{"start_minute": 0, "end_minute": 360, "days": [0, 1, 2, 3, 4, 5, 6]}]
        scene.edit("test/a/adset", targeting=narrowed)
        scene.edit("test/b/adset", adset_schedule=hours, pacing_type=["day_parting"])
        scene.edit("test/a/adset", attribution_spec=[{"event_type": "CLICK_THROUGH", "window_days": 1}])
        assert {(key, field) for key, field, _ in scene.found()} == {
            ("test/a/adset", "targeting"),
            ("test/a/adset", "attribution_spec"),
            ("test/b/adset", "adset_schedule"),
            ("test/b/adset", "pacing_type"),
        }
        scene.look()
        assert scene.machine.run(scene.run_id).trial.edited_at is not None


def test_another_creative_in_an_ad_is_found() -> None:
    with watched(brief_request()) as scene:
        scene.machine.drive(scene.run_id, _R.AB_TESTING)
        scene.machine.tick(scene.run_id)
        scene.pass_time()
        other = scene.id_of("test/b/creative")
        scene.edit("test/a/ad", creative={"creative_id": other})
        assert {(key, field) for key, field, _ in scene.found()} == {("test/a/ad", "creative")}


def test_a_completed_run_whose_budget_is_raised_is_off_at_the_simulator() -> None:
    with watched(brief_request()) as scene:
        completed(scene)
        assert scene.found() == set()
        scene.edit("final/campaign", spend_cap=4_000_000)
        assert {(key, field) for key, field, _ in scene.found()} == {("final/campaign", "spend_cap")}
        assert {one["status"] for one in scene.machine.objects("campaign")} == {"PAUSED"}


def test_an_arm_whose_schedule_is_moved_and_that_is_switched_on_again_is_off_at_once() -> None:
    with watched(brief_request()) as scene:
        completed(scene)
        later = (scene.machine.clock.now() + timedelta(days=9)).replace(microsecond=0).isoformat()
        scene.edit("test/a/adset", end_time=later, status="ACTIVE")
        for part in ("ad", "campaign"):
            scene.edit(f"test/a/{part}", status="ACTIVE")
        assert ("test/a/campaign", "status", "ACTIVE") in scene.found()
        read = [
            scene.machine.meta.read(kind, scene.id_of(f"test/a/{kind.value}"), ("status",)) for kind in TREE
        ]
        assert [one.status for one in read] == ["PAUSED"] * 3


def test_a_deleted_final_ad_is_found() -> None:
    with watched(brief_request()) as scene:
        completed(scene)
        scene.machine.meta.delete(scene.id_of("final/ad"))
        assert scene.found() == {("final/ad", "status", "DELETED")}


def test_what_a_final_campaign_spends_is_known_although_its_run_has_ended() -> None:
    with watched(brief_request()) as scene:
        completed(scene)
        exposures = Exposures(scene.machine.database.unit_of_work, scene.machine.clock, MoneyGate())
        spent = []
        for _ in range(2):
            scene.machine.clock.advance_to(scene.machine.clock.now() + timedelta(days=1))
            assert scene.found() == set()
            spent.append(exposures.of()[0].spent.minor)
        assert 0 < spent[0] < spent[1]


def study_of(scene: Watched, *keys: str) -> dict[str, Any]:
    now = scene.machine.clock.now()
    cells = [{"name": key, "treatment_percentage": 50, "adsets": [scene.id_of(key)]} for key in keys]
    ends = now + timedelta(days=5)
    times = {"start_time": int(now.timestamp()) + 60, "end_time": int(ends.timestamp())}
    return {"name": FOREIGN, "type": "SPLIT_TEST", "cells": cells, **times}


def like(scene: Watched, key: str) -> dict[str, Any]:
    """Return what one of the run's objects was made with, under a name that no journal has."""
    with scene.machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(scene.run_id)
    ids = {row.key: str(row.meta_id) for row in rows if row.meta_id is not None}
    (made,) = [row for row in rows if row.key == key]
    return {**resolve(made.spec.params, ids), "name": FOREIGN}


def test_a_rule_a_study_and_a_creative_of_no_journal_are_found_among_our_own() -> None:
    with watched(brief_request(), replace(PACE, native_rule=True, split_tests=True)) as scene:
        completed(scene)
        meta = scene.machine.meta
        own = {row["kind"] for row in scene.machine.objects()}
        made = [
            meta.create(ACT, ObjectKind.RULE, like(scene, "rule/campaign")),
            meta.create(ACT, ObjectKind.STUDY, study_of(scene, "final/adset", "test/a/adset")),
            meta.create(
                ACT, ObjectKind.CREATIVE, {**like(scene, "test/a/creative"), "degrees_of_freedom_spec": {}}
            ),
        ]
        record = scene.look()
        assert {"adrule", "ad_study"} <= own
        assert [one["meta_id"] for one in record["unclaimed"]] == made
        assert record["problems"] == []
        meta.delete(made[1])
        scene.machine.clock.advance_to(scene.machine.clock.now() + timedelta(days=1))
        assert [one["meta_id"] for one in scene.look()["unclaimed"]] == [made[0], made[2]]
