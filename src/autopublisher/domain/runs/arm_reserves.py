"""Reserves of a test's arms as the journal has them; apart from what divides money between them, which needs numbers."""

from collections.abc import Sequence

from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation
from autopublisher.domain.money.ledger import reserve_of


def arms_of(rows: Sequence[Operation]) -> dict[str, Operation]:
    """Return the create of each test arm's ad set, by letter."""
    return {
        row.spec.variant: row
        for row in rows
        if row.spec.variant is not None
        and row.purpose is Purpose.TEST
        and row.spec.kind is ObjectKind.AD_SET
        and row.spec.action is Action.CREATE
    }


def arm_keys(rows: Sequence[Operation]) -> frozenset[str]:
    """Return the keys of the creates that share the test's money."""
    return frozenset(row.key for row in arms_of(rows).values())


def amounts_of(rows: Sequence[Operation]) -> dict[str, int]:
    """Return what each arm can spend in all as the journal has it, in minor units, by letter."""
    return {letter: reserve_of(row, rows) for letter, row in arms_of(rows).items()}


def is_rise(operation: Operation, rows: Sequence[Operation]) -> bool:
    """Tell whether a write that is not in the journal yet makes more spendable for an object that is."""
    changed = next((row for row in rows if row.key == operation.spec.target), None)
    if changed is None or operation.spec.action is not Action.UPDATE:
        return False
    return reserve_of(changed, [*rows, operation]) > reserve_of(changed, rows)
