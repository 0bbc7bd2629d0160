"""Writes of an account: journaled like any other, and right after a death at every call to Meta and every commit."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from autopublisher.adapters.memory.meta_ads import Fault, StoredObject
from autopublisher.domain.accounts.claims import CLAIM_MARK, Claim
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import (
    GateRefusedError,
    MetaError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaTransientError,
)
from autopublisher.domain.ids import InstallationId, MetaId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.writes.account_writes import AccountWrites
from autopublisher.flows.writes.claims import AccountClaims
from support.crashing_machine import START, CrashingMachine, CrashPlan, seeded
from support.simulated import brief_request
from support.stop_staging import ACT, StopStage

_S = OperationState
ORPHAN = MetaId("777")


# --- the pause of an orphaned object --------------------------------------------------------------


class OrphanStage(StopStage):
    """A stopped account in which something of ours is on that no journal has."""

    def __init__(self) -> None:
        super().__init__()
        fields = {"id": ORPHAN, "name": "Shoes [ap-ffffffffffffffff-test.a.campaign]", "status": "ACTIVE"}
        self.meta.objects[ORPHAN] = StoredObject(ACT, ObjectKind.CAMPAIGN, fields)
        self.stop()

    def account_rows(self) -> Sequence[Operation]:
        with self.database.unit_of_work() as unit:
            return unit.journal.of_account(ACT)

    def said(self) -> list[str]:
        return [one.tag for one in self.database.tables.events if one.tag.startswith("watch:stray")]


def test_an_orphan_is_paused_through_the_accounts_own_journal() -> None:
    stage = OrphanStage()
    stage.enforced()
    (row,) = stage.account_rows()
    assert (row.key, row.meta_id, row.state) == (f"pause/orphan/{ORPHAN}/1", ORPHAN, _S.CONFIRMED)
    assert (row.sent_at, row.attempts) == (row.intended_at, 1)
    assert stage.said() == ["watch:stray:pausing", "watch:stray:paused"]


@pytest.mark.parametrize("done", [True, False])
def test_a_pause_without_an_answer_is_settled_by_reading(*, done: bool) -> None:
    stage = OrphanStage()
    stage.meta.faults.append(Fault(MetaOutcomeUnknownError("cut"), "update", done))
    stage.look()
    assert [row.state for row in stage.account_rows()] == [_S.UNKNOWN]
    stage.enforced()
    assert [(row.state, row.attempts) for row in stage.account_rows()] == [(_S.CONFIRMED, 1 if done else 2)]


def test_a_pause_that_meta_refuses_is_written_down_as_refused_and_tried_under_a_new_row() -> None:
    stage = OrphanStage()
    stage.meta.faults.append(Fault(MetaRefusedError("no permission"), "update", False))
    stage.enforced()
    assert [row.state for row in stage.account_rows()] == [_S.REJECTED, _S.CONFIRMED]


def test_a_pause_whose_reading_fails_is_not_believed() -> None:
    stage = OrphanStage()
    stage.meta.faults.append(Fault(MetaTransientError("down"), "read", False))
    stage.look()
    assert [row.state for row in stage.account_rows()] == [_S.UNKNOWN]
    stage.enforced()
    assert [row.state for row in stage.account_rows()] == [_S.CONFIRMED]


def test_a_death_at_every_moment_of_an_orphans_pause_leaves_one_settled_row() -> None:
    whole = OrphanStage()
    whole.meta.crash_plan = CrashPlan()
    whole.enforced()
    for crash_at in range(1, whole.meta.crash_plan.moments + 1):
        stage = OrphanStage()
        stage.meta.crash_plan = CrashPlan(crash_at)
        stage.enforced()
        assert stage.crashes == 1, crash_at
        assert stage.on() == [], crash_at
        assert [row.state for row in stage.account_rows()] == [_S.CONFIRMED], crash_at
        assert stage.said()[-1] == "watch:stray:paused", crash_at
        assert stage.said().count("watch:stray:paused") == 1, crash_at


def test_an_open_pause_of_what_a_run_has_taken_over_is_given_up() -> None:
    stage = StopStage()
    stage.go(RunStatus.AB_TESTING)
    with stage.open_unit() as unit:
        unit.watches.add(Watch(ACT, 1, stage.clock.now()))
        unit.commit()
    made = stage.row("test/a/campaign").meta_id or MetaId("")
    target = f"orphan/{made}"
    off = OperationSpec(f"pause/{target}/1", Action.UPDATE, ObjectKind.CAMPAIGN, {"status": "PAUSED"}, target)
    off = replace(off, token=stage.row("test/a/campaign").spec.token)
    writes = AccountWrites(stage.open_unit, stage.meta, stage.clock)
    stage.meta.faults.append(Fault(MetaOutcomeUnknownError("cut"), "update", False))
    with pytest.raises(MetaOutcomeUnknownError):
        writes.send(ACT, off, lambda _: None, made)
    on = len(stage.on())
    stage.look()
    assert [row.state for row in writes.rows(ACT)] == [_S.WITHDRAWN]
    assert len(stage.on()) == on


# --- the label of a claim -------------------------------------------------------------------------


class ClaimStage:
    """An installation in a process that may die, with what others have left in the account."""

    def __init__(self) -> None:
        self.machine = seeded(CrashingMachine(), brief_request())
        self.numbers = count(1)
        with self.machine.open_unit() as unit:
            unit.installations.add(Installation(InstallationId("ours"), START))
            unit.commit()
        self.start()

    def start(self) -> None:
        parts = (self.machine.open_unit, self.machine.meta, self.machine.clock, "a file")
        self.claims = AccountClaims(*parts, timedelta(minutes=15), nonce=lambda: f"n{next(self.numbers)}")

    def claimed(self, crash_at: int = 0) -> int:
        """Claim the account, dying once; returns how many moments there were to die at."""
        self.machine.meta.crash_plan, deaths = CrashPlan(crash_at), self.machine.crashes
        for _ in range(120):
            with self.machine.may_crash():
                try:
                    self.claims.need(ACT)
                except (Deferred, MetaError):
                    pass
                else:
                    self.claims.look(ACT)
                    return self.machine.meta.crash_plan.moments
            if self.machine.crashes > deaths:
                deaths = self.machine.crashes
                self.start()
            self.machine.clock.advance_to(self.machine.clock.now() + timedelta(minutes=1))
        raise AssertionError("not claimed within two hours")

    def labels(self) -> list[str]:
        rows = self.machine.meta.find(ACT, ObjectKind.LABEL, CLAIM_MARK, ("name",))
        return [row.name.split()[2] for row in rows]

    def rows(self) -> Sequence[Operation]:
        with self.machine.database.unit_of_work() as unit:
            return unit.journal.of_account(ACT)


def restarted() -> ClaimStage:
    stage = ClaimStage()
    stage.claimed()
    stage.start()
    return stage


def taking_over() -> ClaimStage:
    stage = ClaimStage()
    stage.machine.meta.create(ACT, ObjectKind.LABEL, {"name": f"{CLAIM_MARK}theirs start 7 n"})
    with stage.machine.open_unit() as unit:
        unit.claims.put(Claim(ACT).moved(stage.machine.clock.now(), take_over=True))
        unit.commit()
    return stage


@pytest.mark.parametrize("scene", [ClaimStage, restarted, taking_over])
def test_a_death_at_every_moment_of_a_claim_leaves_one_label_and_settled_rows(
    scene: Callable[[], ClaimStage],
) -> None:
    moments = scene().claimed()
    assert moments > 8
    for crash_at in range(1, moments + 1):
        stage = scene()
        stage.claimed(crash_at)
        assert stage.machine.crashes == 1, crash_at
        assert stage.labels() == ["ours"], crash_at
        assert all(row.is_settled for row in stage.rows()), crash_at
        named = [row for row in stage.rows() if row.spec.action is not Action.DELETE]
        assert named[-1].state is _S.CONFIRMED, crash_at


# --- the gate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        OperationSpec("a", Action.UPDATE, ObjectKind.CAMPAIGN, {"status": "ACTIVE"}),
        OperationSpec("a", Action.UPDATE, ObjectKind.AD_SET, {"lifetime_budget": 1}),
        OperationSpec("a", Action.CREATE, ObjectKind.CAMPAIGN, {"name": "x", "status": "PAUSED"}),
        OperationSpec("a", Action.UPDATE, ObjectKind.CAMPAIGN, {"status": "PAUSED"}, reserves=1),
    ],
)
def test_what_could_make_something_spend_is_no_write_of_an_account(spec: OperationSpec) -> None:
    machine = seeded(CrashingMachine(), brief_request())
    writes = AccountWrites(machine.open_unit, machine.meta, machine.clock)
    with pytest.raises(GateRefusedError):
        writes.send(ACT, spec, lambda _: None, ORPHAN)
    assert writes.rows(ACT) == []
    assert machine.meta.calls == []
