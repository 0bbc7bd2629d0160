"""Stop guard: refuses, in the transaction that intends or sends a write, whatever a stop does not let pass."""

from autopublisher.domain.accounts.stops import last_requested_params, passes_stop
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import OperationSpec
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Stopped
from autopublisher.flows.writes.claims import check_claim
from autopublisher.ports.repositories import UnitOfWork


def stop_lock(act_id: ActId) -> str:
    """Return the name of the lock under which an account is stopped and its writes are sent."""
    return f"stops:{act_id}"


def check_write_allowed(unit: UnitOfWork, run: Run, spec: OperationSpec) -> None:
    """Let a write through or raise Stopped; once a stop has been stored, nothing it forbids is marked as sent.

    Raises Deferred where the account is not this installation's to write to.
    """
    check_claim(unit, run.act_id, spec)
    unit.lock(stop_lock(run.act_id))
    holding = unit.stops.holding(run.act_id)
    if holding and not passes_stop(
        spec, last_requested_params(unit.journal.of_run(run.id), spec.target or "", beside=spec.key)
    ):
        raise Stopped(holding[0])
