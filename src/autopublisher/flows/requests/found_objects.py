"""Objects for which a run is held, as its page shows them: what Meta has of it and this database has not made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import key_from
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject, Snapshot
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.reconciliation.found import found_in
from autopublisher.domain.runs.final_campaign import FINAL_ARM
from autopublisher.domain.runs.run import Run

_PARENTS_FIRST = ("campaign", "adset", "creative", "ad")


@dataclass(frozen=True)
class FoundObject:
    """One object for which a run is held: Meta shows it as this, and this journal has not made it, or not switched it on.

    ``spent`` and ``possible`` (spent in the end, at worst) are None where another object has the budget.
    """

    key: str
    kind: ObjectKind
    meta_id: MetaId | None
    name: str
    status: str
    read_at: datetime
    spent: Money | None
    possible: Money | None


def found_objects(
    run: Run, rows: Sequence[Operation], objects: Sequence[MetaObject], latest: Mapping[str, Snapshot]
) -> tuple[FoundObject, ...]:
    """Return the objects for which a run is held, each once."""
    keys = {row.spec.target or row.key for row in found_in(rows)}
    if run.is_ending:
        return ()
    made = {row.key: row for row in rows if row.key in keys}
    models = {model.key: model for model in objects if model.key in made}
    return tuple(
        _found_object(run, made[key], rows, models[key], latest) for key in sorted(models, key=_place)
    )


def _place(key: str) -> tuple[str, int]:
    """Return where an object stands in a list: with its family, parents first."""
    place = key_from(key)
    return replace(place, kind="").text, _PARENTS_FIRST.index(place.kind)


def _found_object(
    run: Run,
    row: Operation,
    rows: Sequence[Operation],
    model: MetaObject,
    latest: Mapping[str, Snapshot],
) -> FoundObject:
    holds = bool(row.spec.reserves)
    known = latest.get(row.spec.variant or FINAL_ARM)
    figure = 0 if known is None else known.figures.spend
    spent = figure if row.spent is None else row.spent
    possible = max(spent, commitment_of(row, rows))
    return FoundObject(
        key=row.key,
        kind=model.kind,
        meta_id=row.meta_id,
        name=model.name,
        status=model.effective_status,
        read_at=model.read_at,
        spent=Money(spent, run.currency) if holds else None,
        possible=Money(possible, run.currency) if holds else None,
    )
