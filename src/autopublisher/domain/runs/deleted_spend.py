"""Deleted spend: what Meta has booked in an ad account since a run was made, and no list of Meta's shows whose it was.

Theory of operation. Meta counts a deleted object in its account's total and gives it no row of its own, so the total less
the rows is what deleted objects have spent. After a backup was put back some of them may have been the run's: made since the
backup, and in no journal. Nobody can say whose they were, so all of it counts as spent by each run that was put back. The
journal has it as a row that made nothing, one for each restoring, beside what has to be looked at once more.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from autopublisher.domain.accounts.installation import Restoration
from autopublisher.domain.amounts import Money, offset_of
from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.journal.keys import OperationKey, Purpose
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import MetaFault
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunWarning


def unlisted_spend(total: Decimal, rows: Sequence[Decimal], known: Sequence[Decimal], currency: str) -> int:
    """Return the most that neither the listed ``rows`` nor what is deleted and ``known`` have spent, in minor units.

    The others are in major units, each rounded by Meta to the nearest minor one: what that can explain is nothing. Raises
    MetaReadError where the rows have more than the total, for they cannot be of one moment.
    """
    rounding = Decimal(len(rows) + len(known) + 1) / 2
    offset = offset_of(currency)
    if (sum(rows) - total) * offset > rounding:
        raise MetaReadError(MetaFault.TOTAL_TOO_SMALL(total=str(total), rows=str(sum(rows))))
    missing = (total - sum(rows) - sum(known)) * offset
    return int((missing + rounding).to_integral_value(ROUND_CEILING)) if missing > rounding else 0


def deleted_spend_row(restored: Restoration, rows: Sequence[Operation]) -> Operation | None:
    """Return the row of what was deleted before a restoring; None before that was read."""
    return next((row for row in rows if row.key == _key(restored)), None)


def new_row(run: Run, restored: Restoration, sequence: int, now: datetime) -> Operation:
    """Return the row that is to hold what was deleted before a restoring."""
    spec = OperationSpec(_key(restored), Action.CREATE, ObjectKind.CAMPAIGN)
    return Operation(RunOwner(run.id), sequence, spec, OperationState.INTENDED, now)


def counted_before(rows: Sequence[Operation], restored: Restoration) -> int:
    """Return what counts already for an earlier restoring, in minor units: it is in the account's total as well."""
    return sum(commitment_of(row, rows) for row in _of(rows) if row.key != _key(restored))


def with_deleted_spend(run: Run, rows: Sequence[Operation]) -> Run:
    """Return the run with the warnings of what its journal counts for what was deleted."""
    others = [one for one in run.warnings if one.code != RunWarning.DELETED_SPEND]
    return replace(run, warnings=(*others, *deleted_spend_said(run, rows)))


def deleted_spend_said(run: Run, rows: Sequence[Operation]) -> tuple[Message, ...]:
    """Return what is said of each amount that counts."""
    return tuple(
        RunWarning.DELETED_SPEND(
            spent=Money(row.spent, run.currency), since=run.created_at, until=row.settled_at or run.updated_at
        )
        for row in _of(rows)
        if row.spent
    )


def _of(rows: Sequence[Operation]) -> list[Operation]:
    return [row for row in rows if row.purpose is Purpose.DELETED_SPEND]


def _key(restored: Restoration) -> str:
    return OperationKey(Purpose.DELETED_SPEND, restored.id).text
