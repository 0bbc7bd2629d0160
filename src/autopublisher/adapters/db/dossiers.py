"""Dossiers of runs, each read by one statement: on PostgreSQL, too, all of it is of one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from autopublisher.adapters.db.accounts import account_from_row
from autopublisher.adapters.db.campaigns import campaign_from_row
from autopublisher.adapters.db.embedded import Conditions, Found, WideQuery, among
from autopublisher.adapters.db.journal import operation_from_values
from autopublisher.adapters.db.records import event_from_values, object_from_values, snapshot_from_row
from autopublisher.adapters.db.runs import run_from_row
from autopublisher.adapters.db.session import Session, grouped
from autopublisher.adapters.db.snapshot_arms import latest
from autopublisher.adapters.db.tables import (
    META_TABLES,
    accounts,
    campaigns,
    commitments,
    decisions,
    events,
    insight_snapshots,
    operations,
    runs,
    stops,
    variants,
    watches,
)
from autopublisher.adapters.json_text import to_json
from autopublisher.adapters.noted_stops import StopsWithNoted
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import RunNotFoundError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.ports.dossiers import SHOWN_KINDS, Dossier, RunFacts

_OBJECTS: Final = tuple(dict.fromkeys(META_TABLES.values()))
_SHOWN: Final = tuple(META_TABLES[kind] for kind in sorted(SHOWN_KINDS))
_ORDER: Final = {variants: "letter", operations: "sequence", insight_snapshots: "variant", events: "id"}

_RUN: Final = bindparam("run_id", type_=Text)
_IDS: Final = bindparam("run_ids", type_=Text)
"""The ids of many runs, as one JSON text: the statement stays the same however many there are."""


def _of_one(_postgres: bool) -> Conditions:  # noqa: FBT001 - as a wide query is built
    account = select(runs.c.account_id).where(runs.c.id == _RUN).scalar_subquery()
    act_id = select(runs.c.act_id).where(runs.c.id == _RUN).scalar_subquery()
    concerned = or_(stops.c.act_id.is_(None), stops.c.act_id == act_id)
    last = select(func.max(decisions.c.sequence)).where(decisions.c.run_id == _RUN).scalar_subquery()
    return {
        runs: runs.c.id == _RUN,
        accounts: accounts.c.id == account,
        watches: watches.c.act_id == act_id,
        campaigns: campaigns.c.run_id == _RUN,
        variants: variants.c.run_id == _RUN,
        decisions: and_(decisions.c.run_id == _RUN, decisions.c.sequence == last),
        events: events.c.run_id == _RUN,
        stops: and_(stops.c.lifted_at.is_(None), concerned),
        operations: operations.c.owner == _RUN,
        insight_snapshots: latest(lambda run_id: run_id == _RUN),
        **{table: table.c.run_id == _RUN for table in _OBJECTS},
    }


def _money(postgres: bool) -> Conditions:  # noqa: FBT001 - as above
    row = operations.c
    duplicates = row.key.startswith(f"{Purpose.DUPLICATE}/")
    concerns_money = or_(row.reserves != 0, row.spent.is_not(None), row.target.is_not(None), duplicates)
    has_count = and_(_is_asked(runs.c.id, postgres=postgres), runs.c.counted_by.is_not(None))
    counted = select(runs.c.id).where(has_count)
    return {
        commitments: commitments.c.run_id.in_(counted),
        operations: and_(_is_asked(row.owner, postgres=postgres), row.owner.not_in(counted), concerns_money),
        insight_snapshots: latest(partial(_is_asked, postgres=postgres)),
        **{table: _is_asked(table.c.run_id, postgres=postgres) for table in _SHOWN},
    }


def _is_asked(run_id: Column[str], *, postgres: bool) -> ColumnElement[bool]:
    return among(run_id, _IDS, postgres=postgres)


_DOSSIER: Final = WideQuery(_of_one, _ORDER)
_MONEY: Final = WideQuery(_money, _ORDER, unread={"baseline"})


class SqlDossiers:
    """Implements ``ports.dossiers.DossierRepository``; ``stops`` adds those that stand in notes alone."""

    def __init__(self, session: Session, stops: StopsWithNoted) -> None:
        self._session = session
        self._stops = stops

    def of(self, run_id: RunId) -> Dossier:
        """Return a run's dossier; raises RunNotFoundError."""
        found = _DOSSIER.ask(self._session, run_id=run_id)
        run = found.only(runs, run_from_row)
        account = found.only(accounts, account_from_row)
        if run is None or account is None:
            raise RunNotFoundError(id=run_id)
        return Dossier(
            run=run,
            account=account,
            watch=found.only(watches, lambda row: Watch(**row)),
            campaign=found.only(campaigns, campaign_from_row),
            variants=[Variant(**row) for row in found.rows(variants)],
            facts=_facts_in(found, _OBJECTS, [run_id])[run_id],
            decision=found.only(decisions, lambda row: Decision(**row)),
            events=found.all(events, event_from_values),
            stops=self._stops.holding_among([Stop(**row) for row in found.rows(stops)], run.act_id),
        )

    def money_facts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, RunFacts]:
        """Return of each of many runs, as they stood at one moment, the facts that its money is told from."""
        if not run_ids:
            return {}
        found = _MONEY.ask(self._session, run_ids=to_json(list(run_ids)))
        counted = {row["run_id"]: Commitments.from_record(row["record"]) for row in found.rows(commitments)}
        facts = _facts_in(found, _SHOWN, run_ids)
        return {run_id: replace(one, commitments=counted.get(run_id)) for run_id, one in facts.items()}


def _facts_in(found: Found, tables: Sequence[Table], run_ids: Sequence[RunId]) -> Mapping[RunId, RunFacts]:
    journals: dict[str, list[Operation]] = {}
    for row in found.all(operations, operation_from_values):
        journals.setdefault(row.owner.id, []).append(row)
    models = [one for table in tables for one in found.all(table, object_from_values)]
    objects = grouped(sorted(models, key=attrgetter("key")))
    latest = grouped(map(snapshot_from_row, found.rows(insight_snapshots)))
    return {
        run_id: RunFacts(
            journals.get(run_id, []),
            {one.key: one for one in objects.get(run_id, ())},
            latest.get(run_id, []),
        )
        for run_id in run_ids
    }
