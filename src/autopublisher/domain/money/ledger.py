"""Ledger of a run and its money gate: what may still be committed, refused where that cannot be proved.

The invariant: the sum over a run's writes of what each has spent (once final) or could still spend (until then) never
exceeds ``total_budget``. A write that would break it is refused before it is even intended.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autopublisher.domain.accounts.stops import passes_stop
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, Operation, OperationSpec, OperationState
from autopublisher.domain.money.gate_messages import GateReason

_NEVER_HAPPENED = frozenset({OperationState.REJECTED, OperationState.WITHDRAWN})
_BUDGET = "lifetime_budget"


@dataclass(frozen=True)
class Ledger:
    """What a run has committed against its ``total``."""

    total: Money
    committed: Money

    @property
    def left(self) -> Money:
        """What may still be committed; never negative while the invariant holds."""
        return self.total - self.committed


def reserve_of(operation: Operation, rows: Sequence[Operation] = ()) -> int:
    """Return the most that can be spent by one write, in minor units, given the journal it stands in.

    That is its reserve, or its lifetime budget where that has been changed since: a rise counts from the moment it is
    intended, a cut only once it is confirmed. What is set aside for a longer test stays so while the test goes on.
    """
    return _budget_and_reserve(operation, rows)[1]


def budget_of(operation: Operation, rows: Sequence[Operation] = ()) -> int:
    """Return as `reserve_of` the most that a write's own budget lets be spent, without what a longer test would add."""
    return _budget_and_reserve(operation, rows)[0]


def _budget_and_reserve(operation: Operation, rows: Sequence[Operation]) -> tuple[int, int]:
    most = operation.spec.reserves
    if not most or _BUDGET not in operation.spec.params:
        return most, most
    budget = min(most, int(operation.spec.params[_BUDGET]))
    for change in sorted(_budget_changes(operation, rows), key=lambda row: row.sequence):
        asked = int(change.spec.params[_BUDGET])
        budget = asked if change.state is OperationState.CONFIRMED else max(budget, asked)
        most = max(most, budget) if change.purpose is Purpose.PROLONG else budget
    return budget, most


def _budget_changes(operation: Operation, rows: Sequence[Operation]) -> list[Operation]:
    """Return the changes of a write's lifetime budget that happened or may happen yet."""
    return [
        row
        for row in rows
        if row.spec.target == operation.key
        and row.spec.action is Action.UPDATE
        and _BUDGET in row.spec.params
        # A withdrawn update that was sent has never been disproved.
        and (row.state not in _NEVER_HAPPENED or (row.state is OperationState.WITHDRAWN and row.sent_at))
    ]


def commitment_of(operation: Operation, rows: Sequence[Operation] = ()) -> int:
    """Return what one write counts against the total, in minor units: final spend if known, else its reserve.

    ``rows`` is the journal it stands in, by which its budget may have been moved.
    """
    if operation.state in _NEVER_HAPPENED:
        return operation.spent or 0
    return reserve_of(operation, rows) if operation.spent is None else operation.spent


def ledger_of(total: Money, operations: Sequence[Operation]) -> Ledger:
    """Add up a run's journal against its total budget."""
    committed = sum(commitment_of(operation, operations) for operation in operations)
    return Ledger(total, Money(committed, total.currency))


def pass_gate(ledger: Ledger, spec: OperationSpec) -> None:
    """Let a write through or raise GateRefusedError; a write that reserves nothing always passes."""
    if spec.reserves < 0:
        raise GateRefusedError(key=spec.key, reason=GateReason.NEGATIVE_RESERVE())
    asked = Money(spec.reserves, ledger.total.currency)
    if spec.reserves > 0 and asked > ledger.left:
        raise GateRefusedError(
            key=spec.key, reason=GateReason.MORE_THAN_LEFT(asked=asked, left=ledger.left, total=ledger.total)
        )


def pass_without_run(spec: OperationSpec) -> None:
    """Let a write that belongs to no run through, or raise GateRefusedError: no total stands behind what it could spend."""
    if spec.reserves or not passes_stop(spec, {}):
        raise GateRefusedError(key=spec.key, reason=GateReason.WITHOUT_RUN())


def headroom_of(operations: Sequence[Operation], keys: frozenset[str]) -> int:
    """Return what the lifetime budgets of these creates may grow by together, in minor units.

    They share what was set aside for them when they were created; negative would mean that the invariant is broken.
    """
    sharing = [
        operation
        for operation in operations
        if operation.key in keys and operation.state not in _NEVER_HAPPENED
    ]
    return sum(one.spec.reserves - reserve_of(one, operations) for one in sharing)


def pass_rise(ledger: Ledger, headroom: int, spec: OperationSpec) -> None:
    """Let a change of a shared budget through that leaves ``headroom`` and ``ledger``, or raise GateRefusedError."""
    if headroom < 0:
        short = Money(-headroom, ledger.total.currency)
        raise GateRefusedError(key=spec.key, reason=GateReason.MORE_THAN_RESERVED(short=short))
    if ledger.left.minor < 0:
        raise GateRefusedError(key=spec.key, reason=GateReason.MORE_THAN_TOTAL(total=ledger.total))
