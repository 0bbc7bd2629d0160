"""Dossiers of runs, each read by one statement: on PostgreSQL, too, all of it is of one moment."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Select, Table, Text, and_, bindparam, func, or_, select, tuple_

from autopublisher.adapters.db.accounts import account_from_row
from autopublisher.adapters.db.campaigns import campaign_from_row
from autopublisher.adapters.db.embedded import EmbeddedRows
from autopublisher.adapters.db.journal import operation_from_values
from autopublisher.adapters.db.records import event_from_values, object_from_values, snapshot_from_row
from autopublisher.adapters.db.runs import run_from_row
from autopublisher.adapters.db.session import Row, Session, Values, WideStatement
from autopublisher.adapters.db.tables import (
    META_TABLES,
    accounts,
    campaigns,
    decisions,
    events,
    insight_snapshots,
    operations,
    runs,
    stops,
    variants,
    watches,
)
from autopublisher.adapters.noted_stops import StopsWithNoted
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import RunNotFoundError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.request.variants import Variant
from autopublisher.ports.dossiers import Dossier

_T = TypeVar("_T")

_RUN: Final = bindparam("run_id", type_=Text)
_ACCOUNT = select(runs.c.account_id).where(runs.c.id == _RUN).scalar_subquery()
_ACT = select(runs.c.act_id).where(runs.c.id == _RUN).scalar_subquery()


def _last_decision() -> ColumnElement[bool]:
    last = select(func.max(decisions.c.sequence)).where(decisions.c.run_id == _RUN).scalar_subquery()
    return and_(decisions.c.run_id == _RUN, decisions.c.sequence == last)


def _last_snapshots() -> ColumnElement[bool]:
    table = insight_snapshots.c
    last = select(table.variant, func.max(table.at)).where(table.run_id == _RUN).group_by(table.variant)
    return and_(table.run_id == _RUN, tuple_(table.variant, table.at).in_(last))


_OBJECTS = tuple(dict.fromkeys(META_TABLES.values()))
_PARTS: Final = {
    runs: runs.c.id == _RUN,
    accounts: accounts.c.id == _ACCOUNT,
    watches: watches.c.act_id == _ACT,
    campaigns: campaigns.c.run_id == _RUN,
    variants: variants.c.run_id == _RUN,
    operations: operations.c.owner == _RUN,
    insight_snapshots: _last_snapshots(),
    decisions: _last_decision(),
    events: events.c.run_id == _RUN,
    stops: and_(stops.c.lifted_at.is_(None), or_(stops.c.act_id.is_(None), stops.c.act_id == _ACT)),
    **{table: table.c.run_id == _RUN for table in _OBJECTS},
}
"""Which rows of which table belong to a dossier."""

_ORDER: Final = {variants: "letter", operations: "sequence", insight_snapshots: "variant", events: "id"}
_ROWS: Final = {table: EmbeddedRows(table, _ORDER.get(table)) for table in _PARTS}


def _statement(postgres: bool) -> Select[*tuple[Any, ...]]:  # noqa: FBT001 - as a wide statement is built
    return select(*(_ROWS[table].sql(which, postgres=postgres) for table, which in _PARTS.items()))


_DOSSIER: Final = WideStatement(_statement)


class SqlDossiers:
    """Implements ``ports.dossiers.DossierRepository``; ``stops`` adds those that stand in notes alone."""

    def __init__(self, session: Session, stops: StopsWithNoted) -> None:
        self._session = session
        self._stops = stops

    def of(self, run_id: RunId) -> Dossier:
        """Return a run's dossier; raises RunNotFoundError."""
        parts = _Parts(self._session.wide(_DOSSIER, run_id=run_id))
        run = parts.only(runs, run_from_row)
        account = parts.only(accounts, account_from_row)
        if run is None or account is None:
            raise RunNotFoundError(id=run_id)
        objects = [one for table in _OBJECTS for one in parts.all(table, object_from_values)]
        return Dossier(
            run=run,
            account=account,
            watch=parts.only(watches, lambda row: Watch(**row)),
            campaign=parts.only(campaigns, campaign_from_row),
            variants=[Variant(**row) for row in parts.rows(variants)],
            rows=parts.all(operations, operation_from_values),
            objects=sorted(objects, key=attrgetter("key")),
            latest=[snapshot_from_row(row) for row in parts.rows(insight_snapshots)],
            decision=parts.only(decisions, lambda row: Decision(**row)),
            events=parts.all(events, event_from_values),
            stops=self._stops.holding_among([Stop(**row) for row in parts.rows(stops)], run.act_id),
        )


class _Parts:
    """What the statement has given, table by table."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = dict(zip(_PARTS, texts, strict=True))

    def rows(self, table: Table) -> Sequence[Row]:
        return _ROWS[table].rows(self._texts[table])

    def all(self, table: Table, make: Callable[[Values], _T]) -> list[_T]:
        return [make(values) for values in _ROWS[table].values(self._texts[table])]

    def only(self, table: Table, make: Callable[[Row], _T]) -> _T | None:
        return next(map(make, self.rows(table)), None)
