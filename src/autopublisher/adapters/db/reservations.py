"""Stored counts: spans and commitments in tables of their own, and in each run's row the rule by which they were counted.

A run without a rule has no count. The rule goes with the change that makes the count wrong, by a trigger (revision 0015), so
both may be left behind, to be replaced.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    func,
    not_,
    or_,
    select,
    union_all,
    update,
)

from autopublisher.adapters.db.embedded import among
from autopublisher.adapters.db.open_runs import open_runs
from autopublisher.adapters.db.runs import run_from_row
from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import (
    accounts,
    commitments,
    reservations,
    runs,
)
from autopublisher.adapters.json_text import to_json
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.money.spans import Span
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.domain.runs.reservations import rule_of
from autopublisher.domain.runs.run import Run
from autopublisher.ports.reservations import Count, CountedRun, OpenRun, RunGroup

_PLACE = (reservations.c.period, reservations.c.first, reservations.c.last)


class SqlReservations:
    """Implements ``ports.reservations.ReservationRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def uncounted(
        self, group: RunGroup, stretch: int, after: RunId | None = None, limit: int = 500
    ) -> Sequence[Run]:
        """Return by id the runs without a count by their account's time zone and ``stretch``; only ids above ``after``."""
        query, given = _uncounted(_bounds(group), postgres=self._session.is_postgres), _given(group)
        rule = f" {rule_of(stretch)}"
        found = self._session.rows(query, **given, rule=rule, after=after or "", most=limit)
        return [run_from_row(row) for row in found]

    def claim(self, run_ids: Sequence[RunId]) -> Sequence[Run]:
        """Return these runs by id as they are now, locked; one that is locked already is left out."""
        query = select(runs).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)
        locking = query.with_for_update(key_share=True, skip_locked=True)
        return [run_from_row(row) for row in self._session.rows(locking)]

    def put(self, counted: Sequence[CountedRun]) -> None:
        """Store the counts of runs that this transaction has claimed."""
        ids = [one.run.id for one in counted]
        for table in (reservations, commitments):
            self._session.change(table.delete().where(table.c.run_id.in_(ids)))
        spans = [_to_row(one.run, span) for one in counted for span in one.count.spans]
        self._session.append(reservations, spans)
        records = [{"run_id": one.run.id, "record": one.count.commitments.to_record()} for one in counted]
        self._session.append(commitments, records)
        for rule, alike in groupby(sorted(counted, key=_rule), key=_rule):
            those = runs.c.id.in_([one.run.id for one in alike])
            self._session.change(update(runs).where(those).values(counted_by=rule))

    def counts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Count]:
        """Return by run the counts of those that have one."""
        query = select(runs.c.id, runs.c.counted_by, commitments.c.record).join(commitments)
        held = self._session.rows(query.where(runs.c.id.in_(run_ids), runs.c.counted_by.is_not(None)))
        ordered = select(reservations).where(reservations.c.run_id.in_(run_ids)).order_by(*_PLACE)
        spans: dict[RunId, list[Span]] = {RunId(row["id"]): [] for row in held}
        for row in self._session.rows(ordered):
            if row["run_id"] in spans:
                spans[row["run_id"]].append(_from_row(row))
        return {
            row["id"]: Count(
                row["counted_by"], tuple(spans[row["id"]]), Commitments.from_record(row["record"])
            )
            for row in held
        }

    def open_runs(
        self, act_id: ActId, alive_since: datetime, without: Sequence[RunId] = ()
    ) -> Sequence[OpenRun]:
        """Return by id what was last counted of an account's runs, with what Meta showed of them."""
        return open_runs(self._session, act_id, alive_since, without)

    def spans(self, group: RunGroup, first: date, last: date) -> Sequence[Span]:
        """Return what a group's runs reserve from ``first`` to ``last``, spans of the same days added up into one."""
        query = _spans(_bounds(group), postgres=self._session.is_postgres)
        days = {"from_day": first.isoformat(), "to_day": last.isoformat()}
        return [_from_row(row) for row in self._session.rows(query, **_given(group), **days)]


def _bounds(group: RunGroup) -> tuple[str, ...]:
    """Return by what a group is bounded besides its moment."""
    return tuple(name for name in ("act_id", "currency") if getattr(group, name) is not None)


def _given(group: RunGroup) -> Mapping[str, Any]:
    named = {name: getattr(group, name) for name in _bounds(group)}
    return {**named, "since": group.alive_since, "without": to_json(sorted(group.without))}


@cache
def _uncounted(bounds: tuple[str, ...], *, postgres: bool) -> Select[Any]:
    """Return the statement of ``uncounted``: it takes as long to put together as to run, and is asked before each write."""
    rule = accounts.c.timezone + bindparam("rule", type_=Text)
    # Each account's are three places in an index, however many runs it has; without an outer join SQLite reads them all.
    ways = (runs.c.counted_by.is_(None), runs.c.counted_by < rule, runs.c.counted_by > rule)
    ids = union_all(*(_ids(bounds, way, postgres=postgres) for way in ways))
    later = runs.c.id > bindparam("after", type_=runs.c.id.type)
    return select(runs).where(runs.c.id.in_(ids), later).order_by(runs.c.id).limit(bindparam("most"))


def _ids(bounds: tuple[str, ...], way: ColumnElement[bool], *, postgres: bool) -> Select[Any]:
    in_group = _in_group(runs, runs.c.id, bounds, postgres=postgres)
    theirs = and_(accounts.c.act_id == runs.c.act_id, way, *in_group)
    query = select(runs.c.id).select_from(accounts.outerjoin(runs, theirs)).correlate(None)
    return query.where(accounts.c.act_id == bindparam("act_id")) if "act_id" in bounds else query


@cache
def _spans(bounds: tuple[str, ...], *, postgres: bool) -> Select[Any]:
    """Return the statement of ``spans``, kept for the same reason."""
    query = select(*_PLACE, func.sum(reservations.c.most).label("most")).where(
        *_in_group(reservations, reservations.c.run_id, bounds, postgres=postgres),
        reservations.c.last >= bindparam("from_day"),
        reservations.c.first <= bindparam("to_day"),
    )
    return query.group_by(*_PLACE)


def _in_group(
    table: Table, run_id: ColumnElement[str], bounds: tuple[str, ...], *, postgres: bool
) -> list[ColumnElement[bool]]:
    ended_at = table.c.ended_at
    return [
        *(table.c[name] == bindparam(name) for name in bounds),
        or_(ended_at.is_(None), ended_at >= bindparam("since")),
        not_(among(run_id, bindparam("without", type_=Text), postgres=postgres)),
    ]


def _rule(counted: CountedRun) -> str:
    return counted.count.rule


def _to_row(run: Run, span: Span) -> Row:
    return {
        "run_id": run.id,
        "period": span.period,
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
        "most": span.most,
        "act_id": run.act_id,
        "currency": run.currency,
        "ended_at": run.ending.at,
    }


def _from_row(row: Row) -> Span:
    days = (date.fromisoformat(row["first"]), date.fromisoformat(row["last"]))
    return Span(row["period"], *days, int(row["most"]))
