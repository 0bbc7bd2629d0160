"""What belongs to a run besides its row: variants, Meta models, decisions, snapshots, events."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, union_all

from autopublisher.adapters.db.embedded import among
from autopublisher.adapters.db.session import Row, Session, Values, grouped, picker
from autopublisher.adapters.db.snapshot_arms import arms_of, latest
from autopublisher.adapters.db.tables import META_TABLES, decisions, events, insight_snapshots, runs, variants
from autopublisher.adapters.json_text import to_json
from autopublisher.domain.errors import ConflictError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.repositories import ObservedArm

_FIGURES = tuple(field.name for field in fields(Figures))
_AD_SETS = META_TABLES[ObjectKind.AD_SET]
_PLACE = ("run_id", "key")
_EVENT_OF = picker(events, ("at", "tag", "actor", "message", "code", "params", "run_id", "data"))
_OBJECT_OF = picker(_AD_SETS, tuple(field.name for field in fields(MetaObject)))
"""Takes a model's fields from a row; the tables of all kinds have the same columns."""


@cache
def _arm_key(letter: str) -> str:
    """Return the key of the ad set of a test arm."""
    return test_key(letter, ObjectKind.AD_SET)


class SqlRunRecords:
    """Implements ``ports.repositories.RunRecordRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_variants(self, added: Sequence[Variant]) -> None:
        """Insert a run's variants; ConflictError where one exists."""
        self._session.append(variants, [vars(one) for one in added], Fault.VARIANTS_EXIST())

    def variants(self, run_id: RunId) -> Sequence[Variant]:
        """Return a run's variants by letter."""
        query = select(variants).where(variants.c.run_id == run_id).order_by(variants.c.letter)
        return [Variant(**row) for row in self._session.rows(query)]

    def put_objects(self, models: Sequence[MetaObject], *, newest: bool = False) -> None:
        """Insert or overwrite Meta models by run and key; ConflictError where an id belongs to another."""
        taken = Fault.META_ID_TAKEN(meta_id=", ".join(model.meta_id for model in models))
        for table in dict.fromkeys(META_TABLES[model.kind] for model in models):
            rows = [vars(model) for model in models if META_TABLES[model.kind] is table]
            once = () if newest else ("read_at",)
            self._session.put_latest(table, rows, _PLACE, taken, later=once, kept=("baseline",))

    def objects(self, run_id: RunId) -> Sequence[MetaObject]:
        """Return a run's Meta models by key."""
        return self._models([run_id])

    def objects_of(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[MetaObject]]:
        """Return the Meta models of many runs by run, each by key; a run without models is left out."""
        return grouped(self._models(run_ids))

    def observed_arms(
        self, act_id: ActId, statuses: frozenset[RunStatus], run_id: RunId
    ) -> Sequence[ObservedArm]:
        """Return by run and letter the test arms of an account's runs at these statuses, and those of ``run_id``."""
        wanted = or_(runs.c.id == run_id, and_(runs.c.act_id == act_id, runs.c.status.in_(statuses)))
        query = (
            select(
                _AD_SETS.c.run_id,
                _AD_SETS.c.variant.label("letter"),
                _AD_SETS.c.meta_id.label("ad_set_id"),
                _AD_SETS.c.key,
                func.coalesce(runs.c.admitted_at, runs.c.created_at, type_=runs.c.created_at.type).label(
                    "since"
                ),
                runs.c.request["ad"]["conversion_event"].as_string().label("conversion_event"),
            )
            .join(runs, runs.c.id == _AD_SETS.c.run_id)
            .where(wanted, _AD_SETS.c.variant.is_not(None))
            .order_by(_AD_SETS.c.run_id, _AD_SETS.c.variant)
        )
        found = self._session.rows(query)
        return [ObservedArm(**row) for row in found if row.pop("key") == _arm_key(row["letter"])]

    def _models(self, run_ids: Sequence[RunId]) -> list[MetaObject]:
        tables = dict.fromkeys(META_TABLES.values())
        found = union_all(*(select(table).where(table.c.run_id.in_(run_ids)) for table in tables))
        models = [object_from_values(values) for values in self._session.values(found)]
        return sorted(models, key=attrgetter("run_id", "key"))


class SqlDecisions:
    """Implements ``ports.repositories.DecisionRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, decision: Decision) -> None:
        """Append a decision; ConflictError where its sequence is taken."""
        if not self._session.insert(decisions, vars(decision)):
            raise ConflictError(Fault.DECISION_EXISTS(number=decision.sequence, run_id=decision.run_id))

    def of_run(self, run_id: RunId) -> Sequence[Decision]:
        """Return a run's decisions by sequence."""
        query = select(decisions).where(decisions.c.run_id == run_id).order_by(decisions.c.sequence)
        return [Decision(**row) for row in self._session.rows(query)]

    def latest(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Decision]:
        """Return the last decision of each of many runs that has one."""
        place = (decisions.c.run_id, func.max(decisions.c.sequence).label("sequence"))
        last = select(*place).where(decisions.c.run_id.in_(run_ids)).group_by(decisions.c.run_id).subquery()
        same = and_(decisions.c.run_id == last.c.run_id, decisions.c.sequence == last.c.sequence)
        found = self._session.rows(select(decisions).join(last, same))
        return {row["run_id"]: Decision(**row) for row in found}


class SqlObservations:
    """Implements ``ports.repositories.ObservationRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Append snapshots; one that is there already (run, variant, moment) is left as it is."""
        self._session.insert_new(insight_snapshots, [_snapshot_to_row(snapshot) for snapshot in snapshots])

    def snapshots(self, run_id: RunId, since: datetime | None = None) -> Sequence[Snapshot]:
        """Return a run's snapshots by moment, then variant: all, or those of a moment and after it."""
        query = select(insight_snapshots).where(insight_snapshots.c.run_id == run_id)
        if since is not None:  # arm by arm, for the moment comes after the arm in the key
            arms = arms_of(lambda each: each == run_id)
            theirs = insight_snapshots.c.variant.in_(select(arms.c.arm).where(arms.c.arm.is_not(None)))
            query = query.where(theirs, insight_snapshots.c.at >= since)
        ordered = query.order_by(insight_snapshots.c.at, insight_snapshots.c.variant)
        return [snapshot_from_row(row) for row in self._session.rows(ordered)]

    def latest_snapshots(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Sequence[Snapshot]]:
        """Return the last snapshot of each variant of many runs by run, by variant; a run without any is left out."""
        wanted = latest(lambda run_id: run_id.in_(run_ids))
        place = (insight_snapshots.c.run_id, insight_snapshots.c.variant)
        query = select(insight_snapshots).where(wanted).order_by(*place)
        return grouped(map(snapshot_from_row, self._session.rows(query)))

    def with_figures(self, run_ids: Sequence[RunId]) -> frozenset[tuple[RunId, str]]:
        """Return which variants of many runs have ever had a figure that is not nothing."""
        table = insight_snapshots.c
        some = or_(*(table[name] != 0 for name in _FIGURES))
        asked = among(table.run_id, literal(to_json(list(run_ids))), postgres=self._session.is_postgres)
        query = select(table.run_id, table.variant).distinct().where(asked, some)
        return frozenset((row["run_id"], row["variant"]) for row in self._session.rows(query))

    def add_events(self, added: Sequence[Event]) -> None:
        """Append audit events."""
        self._session.append(events, [_event_to_row(one) for one in added])

    def events(self, run_id: RunId) -> Sequence[Event]:
        """Return a run's events in the order they were written."""
        query = select(events).where(events.c.run_id == run_id).order_by(events.c.id)
        return [event_from_values(values) for values in self._session.values(query)]


def _event_to_row(event: Event) -> dict[str, Any]:
    return {**vars(event), **event.message.to_record(), "message": ""}


def event_from_values(values: Values) -> Event:
    """Rebuild the event of a row by its columns' order."""
    at, tag, actor, sentence, code, params, run_id, data = _EVENT_OF(values)
    said = Message.from_record(sentence or {"code": code, "params": params})
    return Event(at, tag, actor, said, run_id, data)


def object_from_values(values: Values) -> MetaObject:
    """Rebuild the Meta model of a row by its columns' order."""
    return MetaObject(*_OBJECT_OF(values))


def _snapshot_to_row(snapshot: Snapshot) -> dict[str, Any]:
    place = {"run_id": snapshot.run_id, "variant": snapshot.variant, "at": snapshot.at}
    return {**place, **vars(snapshot.figures)}


def snapshot_from_row(row: Row) -> Snapshot:
    """Rebuild the snapshot."""
    figures = Figures(**{name: row[name] for name in _FIGURES})
    return Snapshot(run_id=row["run_id"], variant=row["variant"], at=row["at"], figures=figures)
