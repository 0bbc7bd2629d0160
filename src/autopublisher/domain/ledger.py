"""Spend invariants and the money gate: what a run may still commit, and the refusal when that cannot be proved.

The invariant: the sum over a run's writes of what each has spent (once final) or could still spend (until then) never
exceeds ``total_budget``. A write that would break it is refused before it is even intended.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.money import Money
from autopublisher.domain.operations import Action, Operation, OperationSpec, OperationState

_NEVER_HAPPENED = frozenset({OperationState.REJECTED, OperationState.WITHDRAWN})


@dataclass(frozen=True)
class Ledger:
    """What a run has committed against its ``total``."""

    total: Money
    committed: Money

    @property
    def left(self) -> Money:
        """What may still be committed; never negative while the invariant holds."""
        return self.total - self.committed


def commitment_of(operation: Operation) -> int:
    """Return what one write counts against the total, in minor units: final spend if known, else its reserve."""
    if operation.state in _NEVER_HAPPENED:
        return operation.spent or 0
    return operation.spec.reserves if operation.spent is None else operation.spent


def ledger_of(total: Money, operations: Sequence[Operation]) -> Ledger:
    """Add up a run's journal against its total budget."""
    committed = sum(commitment_of(operation) for operation in operations)
    return Ledger(total, Money(committed, total.currency))


def pass_gate(ledger: Ledger, spec: OperationSpec) -> None:
    """Let a write through or raise GateRefusedError; a write that reserves nothing always passes."""
    if spec.reserves < 0:
        raise GateRefusedError(key=spec.key, reason="a negative reserve cannot be proved safe")
    asked = Money(spec.reserves, ledger.total.currency)
    if spec.reserves > 0 and asked > ledger.left:
        raise GateRefusedError(
            key=spec.key, reason=f"it could spend {asked}, but only {ledger.left} of {ledger.total} is left"
        )
