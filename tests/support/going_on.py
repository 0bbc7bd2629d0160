"""Arms that go on where they are: what Meta could spend of a run, and deaths while it is cancelled."""

from collections.abc import Callable

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Action, ObjectKind
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import RunStatus
from support.crashing_machine import CrashingMachine, CrashPlan

Decide = Callable[[], tuple[CrashingMachine, RunId]]


def could_be_spent(machine: CrashingMachine, run_id: RunId) -> int:
    """Return what Meta would let the run spend at worst: lifetime budgets of what is on, and what the rest has spent."""
    with machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(run_id)
    most = 0
    for row in rows:
        if row.spec.kind is ObjectKind.AD_SET and row.spec.action is Action.CREATE and row.meta_id:
            shown = machine.meta.objects[row.meta_id]
            is_on = shown.status == "ACTIVE"
            most += int(shown.fields["lifetime_budget"]) if is_on else commitment_of(row, rows)
    return most


def cancel_at_every_moment(decide: Decide) -> None:
    """Cancel a run that is being published, dying at each crash point in turn: nothing stays on, no money uncounted."""
    crash_at = 0
    while True:
        crash_at += 1
        machine, run_id = decide()
        machine.drive(run_id, RunStatus.PUBLISHING_FINAL)
        machine.tick(run_id)
        machine.meta.crash_plan = CrashPlan(crash_at)
        for _ in range(2):
            with machine.may_crash():
                if not machine.run(run_id).is_final:
                    machine.approvals.cancel(run_id, "manager", "changed my mind")
        run = machine.drive(run_id)
        if run.status is RunStatus.COMPLETED:
            break  # it was published before anybody could cancel it
        assert run.status is RunStatus.CANCELLED
        assert machine.active() == []
        assert could_be_spent(machine, run_id) <= total_of(run).minor
        if machine.crashes == 0:
            break
    assert crash_at > 1 or run.status is RunStatus.COMPLETED
