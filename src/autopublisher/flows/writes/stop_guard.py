"""Stop guard: refuses, in the transaction that intends or sends a write, what a stop or a claim does not let pass."""

from collections.abc import Callable, Sequence

from autopublisher.domain.accounts.claims import ClaimState, needs_no_claim
from autopublisher.domain.accounts.stops import last_requested_params, passes_stop
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import Operation, OperationSpec
from autopublisher.domain.money.ledger import pass_without_run
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.deferred import Stopped, Unclaimed
from autopublisher.ports.repositories import UnitOfWork


def stop_lock(act_id: ActId) -> str:
    """Return the name of the lock under which an account is stopped and its writes are sent."""
    return f"stops:{act_id}"


def check_writes_allowed(unit: UnitOfWork, run: Run, specs: Sequence[OperationSpec]) -> None:
    """Let writes of a run through or raise Stopped; once a stop has been stored, nothing it forbids is marked as sent.

    Raises Unclaimed where the account is not this installation's to write to.
    """
    _check(unit, run.act_id, specs, lambda: unit.journal.of_run(run.id))


def check_account_write_allowed(unit: UnitOfWork, act_id: ActId, spec: OperationSpec) -> None:
    """Let a write that belongs to no run through, or raise as ``check_writes_allowed`` does.

    It passes the money gate here: GateRefusedError where it could make anything spend.
    """
    pass_without_run(spec)
    _check(unit, act_id, [spec], lambda: unit.journal.of_account(act_id))


def _check(
    unit: UnitOfWork,
    act_id: ActId,
    specs: Sequence[OperationSpec],
    rows: Callable[[], Sequence[Operation]],
) -> None:
    _check_claim(unit, act_id, specs)
    unit.lock(stop_lock(act_id))
    holding = unit.stops.holding(act_id)
    if not holding:
        return
    known = rows()
    if not all(
        passes_stop(one, last_requested_params(known, one.target or "", beside=one.key)) for one in specs
    ):
        raise Stopped(holding[0])


def _check_claim(unit: UnitOfWork, act_id: ActId, specs: Sequence[OperationSpec]) -> None:
    claim = unit.claims.of(act_id)
    is_held = claim is None or claim.state is ClaimState.HELD
    if claim is not None and not is_held and not all(map(needs_no_claim, specs)):
        raise Unclaimed(claim.again_at, claim.attention if claim.why else None)
