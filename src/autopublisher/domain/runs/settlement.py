"""Settlement of an arm: what it has spent in the end, also where somebody has switched it on since."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.money.ledger import commitment_of, reserve_of

SETTLED_OF = frozenset({Purpose.TEST, Purpose.FINAL})
"""Purposes of the writes whose ad sets' spend is settled after the end."""


def is_unsettled(row: Operation) -> bool:
    """Tell whether a row makes an ad set of the plan whose money has not settled."""
    made = row.spec.action is Action.CREATE and row.spec.kind is ObjectKind.AD_SET
    return made and row.purpose in SETTLED_OF and row.state is OperationState.CONFIRMED and row.spent is None


def paused_again_at(rows: Sequence[Operation], keys: Iterable[str]) -> datetime | None:
    """Return when one of these objects, off by a pause of ours, was last switched off once more; None where none was.

    Somebody else had it on in between. An activation of ours in between makes a pause the first one again.
    """
    moments = (_paused_again_at(rows, key) for key in keys)
    return max((at for at in moments if at is not None), default=None)


def _paused_again_at(rows: Sequence[Operation], key: str) -> datetime | None:
    is_off, again = False, None
    for row in sorted(rows, key=lambda one: one.sequence):
        status = row.spec.params.get("status") if row.spec.target == key else None
        if status == "ACTIVE" and row.sent_at is not None:
            is_off = False
        elif status == "PAUSED" and row.state is OperationState.CONFIRMED:
            is_off, again = True, row.settled_at if is_off else again
    return again


def spent_at_most(figure: int, cap: int) -> int:
    """Return what can have been spent where Meta reports ``figure``, in minor units; ``cap`` is the lifetime budget.

    Meta rounds to the nearest minor unit, so part of one more may have been spent, but for a budget that is used up.
    More than the cap was spent where somebody has raised the budget meanwhile.
    """
    return figure if figure == cap else figure + 1


def is_impossible(spent: int, cap: int) -> bool:
    """Tell whether a spend cannot be right against a lifetime budget, in minor units; a twentieth may be Meta's slack."""
    return spent > cap + max(1, cap // 20)


def settled_spend(spends: Sequence[int], cap: int) -> int:
    """Return what readings of settled figures come to: the most of those that are possible, else the last."""
    possible = [spent for spent in spends if not is_impossible(spent, cap)]
    return max(possible, default=spends[-1])


def risen(row: Operation, rows: Sequence[Operation], figure: int, budget: int) -> Operation:
    """Return an arm's row with what Meta reports now, in minor units, if that is more than is counted for it already.

    ``budget`` is the lifetime budget as Meta shows it: somebody may have raised it.
    """
    most = spent_at_most(figure, max(reserve_of(row, rows), budget))
    return replace(row, spent=most) if most > commitment_of(row, rows) else row


def at_worst(row: Operation, rows: Sequence[Operation], budget: int) -> Operation:
    """Return an arm's row with its whole budget as spent, in minor units: no figure tells what it has spent since."""
    most = max(reserve_of(row, rows), budget)
    return replace(row, spent=most) if most > commitment_of(row, rows) else row
