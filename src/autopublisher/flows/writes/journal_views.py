"""Journal view: what a tick knows of each run it works on, read once and kept in step with all that the tick writes.

Theory of operation. Of a run's journal only the tick's own worker writes while the tick lasts; another worker that was
thought dead is noticed by the journal's compare-and-swap, whatever a view says. So within ``session`` a run's rows are read
once, follow every commit of ours, and are read again only where Meta shows something that the rows do not explain
(``forget``). What was read of objects at Meta is kept in the view and saved with the step that came of it: a tick that dies
before reads them again. What Meta has shown is not asked for twice in a tick, unless something was written in between.
Outside a session every question is answered from the database.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.installation import Installation, Restoration
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Decision, MetaObject
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

_MOST_REMEMBERED = 1000
"""Runs whose variants are kept in memory."""


@dataclass(frozen=True)
class JournalView:
    """A run's journal by sequence, its objects as last read by key, its last decision, and what else its phases ask for."""

    rows: tuple[Operation, ...]
    models: Mapping[str, MetaObject]
    variants: tuple[Variant, ...]
    decision: Decision | None
    account: Account

    @property
    def ids(self) -> dict[str, str]:
        """The Meta id of every write that has one, by key."""
        return {row.key: row.meta_id for row in self.rows if row.meta_id is not None}

    @property
    def done(self) -> int:
        """How many different things are done: the same done again, to the same object, counts once."""
        confirmed = (row for row in self.rows if row.state is OperationState.CONFIRMED)
        return len({(row.purpose, row.spec.target or row.key) for row in confirmed})

    def row(self, key: str) -> Operation | None:
        """Return the row with this key, or None."""
        return next((row for row in self.rows if row.key == key), None)

    def created(self, *purposes: Purpose) -> list[Operation]:
        """Return the confirmed creates, for these purposes or for any, oldest first."""
        return [
            row
            for row in self.rows
            if row.spec.action is Action.CREATE
            and row.state is OperationState.CONFIRMED
            and (not purposes or row.purpose in purposes)
        ]

    def with_row(self, new: Operation) -> "JournalView":
        """Return the view with a row in its present state, or with one row more."""
        if self.row(new.key) is None:
            return replace(self, rows=(*self.rows, new))
        return replace(self, rows=tuple(new if row.key == new.key else row for row in self.rows))

    def with_models(self, models: Iterable[MetaObject]) -> "JournalView":
        """Return the view with these objects as they were read now."""
        return replace(self, models={**self.models, **{model.key: model for model in models}})


@dataclass(frozen=True)
class Shown:
    """What Meta has shown of an object in this tick, and which fields it was asked for."""

    state: ObjectState
    fields: frozenset[str]


@dataclass
class _Session:
    views: dict[RunId, JournalView] = field(default_factory=dict)
    unsaved: dict[tuple[RunId, str], MetaObject] = field(default_factory=dict)
    installation: tuple[Installation | None, ...] = ()
    shown: dict[tuple[RunId, str], Shown] = field(default_factory=dict)


class _OfThread(threading.local):
    session: _Session | None = None


class JournalViews:
    """The views of the tick that this thread is doing."""

    def __init__(self, open_unit: OpenUnitOfWork) -> None:
        self._open_unit = open_unit
        self._thread = _OfThread()
        self._variants: dict[RunId, tuple[Variant, ...]] = {}

    @contextmanager
    def session(self) -> Iterator[None]:
        """Keep views for as long as the block lasts, and save at its end what was read of objects and not saved yet."""
        outer, self._thread.session = self._thread.session, _Session()
        try:
            yield
            if self._thread.session.unsaved:
                with self._open_unit() as unit:
                    self.save_models(unit)
                    unit.commit()
        finally:
            self._thread.session = outer

    def load(self, unit: UnitOfWork, run: Run) -> None:
        """Read a run's view, and whose database it is, in a transaction that is open anyway."""
        if self._thread.session is not None:
            self._thread.session.views[run.id] = self._read(unit, run)
            self._thread.session.installation = (unit.installations.present(),)

    def of(self, run: Run) -> JournalView:
        """Return what is known of a run."""
        session = self._thread.session
        known = None if session is None else session.views.get(run.id)
        if known is not None:
            return known
        with self._open_unit().reading() as unit:
            view = self._read(unit, run)
        if session is not None:
            session.views[run.id] = view
        return view

    def account(self, run: Run) -> Account:
        """Return the account of a run."""
        session = self._thread.session
        if session is not None and run.id in session.views:
            return session.views[run.id].account
        with self._open_unit().reading() as unit:
            return unit.accounts.get(run.account_id)

    def restoration(self) -> Restoration | None:
        """Return the last restoring of a backup; None where none ever was."""
        session = self._thread.session
        if session is not None and session.installation:
            (present,) = session.installation
        else:
            with self._open_unit().reading() as unit:
                present = unit.installations.present()
        if session is not None:
            session.installation = (present,)
        return None if present is None else present.restoration

    def forget(self, run: Run) -> None:
        """Have the run's rows read again when they are next asked for."""
        if self._thread.session is not None:
            self._thread.session.views.pop(run.id, None)

    def follow(self, row: Operation, model: MetaObject | None = None) -> None:
        """Take in a row that was saved, and the object saved with it."""
        session, owner = self._thread.session, row.owner
        if session is None or not isinstance(owner, RunOwner):
            return
        session.shown.clear()  # a write may have changed what any object shows
        if owner.run_id not in session.views:
            return
        known = session.views[owner.run_id]
        if known.row(row.key) is None and row.sequence != len(known.rows) + 1:
            del session.views[owner.run_id]  # somebody else has written rows that this view lacks
            return
        view = known.with_row(row)
        if model is not None:
            view = view.with_models([model])
            session.unsaved.pop((model.run_id, model.key), None)
        session.views[owner.run_id] = view

    def keep_shown(
        self, run: Run, shown: Mapping[str, ObjectState], fields: Mapping[ObjectKind, Sequence[str]]
    ) -> None:
        """Keep by key what Meta has just shown of objects that it was asked for these fields of."""
        if self._thread.session is not None:
            self._thread.session.shown |= {
                (run.id, key): Shown(state, frozenset(fields[state.kind])) for key, state in shown.items()
            }

    def shown(
        self, run: Run, rows: Iterable[Operation], fields: Mapping[ObjectKind, Sequence[str]]
    ) -> dict[str, ObjectState]:
        """Return by key what Meta has shown of objects since the tick's last write, of those it was asked all fields of."""
        known = {} if self._thread.session is None else self._thread.session.shown
        found = {row.key: known.get((run.id, row.key)) for row in rows}
        return {
            key: one.state
            for key, one in found.items()
            if one is not None and one.fields.issuperset(fields[one.state.kind])
        }

    def keep_models(self, run: Run, models: Iterable[MetaObject]) -> None:
        """Keep objects as they were read now; they are saved with the step, and at once outside a session."""
        models, session = list(models), self._thread.session
        if session is None:
            with self._open_unit() as unit:
                unit.records.put_objects(models)
                unit.commit()
            return
        session.unsaved |= {(model.run_id, model.key): model for model in models}
        session.views[run.id] = self.of(run).with_models(models)

    def save_models(self, unit: UnitOfWork) -> None:
        """Save in the caller's transaction what was read of objects and is not saved yet."""
        if self._thread.session is None:
            return
        unit.records.put_objects(list(self._thread.session.unsaved.values()))
        self._thread.session.unsaved.clear()

    def _read(self, unit: UnitOfWork, run: Run) -> JournalView:
        models = {model.key: model for model in unit.records.objects(run.id)}
        if self._thread.session is not None:
            models |= {
                key: one for (run_id, key), one in self._thread.session.unsaved.items() if run_id == run.id
            }
        return JournalView(
            rows=tuple(unit.journal.of_run(run.id)),
            models=models,
            variants=self._variants_of(unit, run),
            decision=unit.decisions.latest([run.id]).get(run.id),
            account=unit.accounts.get(run.account_id),
        )

    def _variants_of(self, unit: UnitOfWork, run: Run) -> tuple[Variant, ...]:
        """Return a run's variants, which stay for good once it has any."""
        known = self._variants.get(run.id) or tuple(unit.records.variants(run.id))
        if known and run.id not in self._variants:
            if len(self._variants) >= _MOST_REMEMBERED:
                self._variants.clear()
            self._variants[run.id] = known
        return known
