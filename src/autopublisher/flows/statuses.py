"""Switches objects of a run on and off and reads them back; Meta's answer, not our memory, says whether it worked."""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.errors import MetaError, MetaThrottledError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.readback import READ_FIELDS, differences
from autopublisher.domain.run import Run
from autopublisher.flows.executor import Executor, as_read
from autopublisher.flows.waiting import NotYet, OperationRefused
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta_ads import MetaAds
from autopublisher.ports.repositories import OpenUnitOfWork

TREE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
"""Kinds with a delivery status, parents first: the order of stopping; starting goes the other way."""

GONE = frozenset({"DELETED", "ARCHIVED"})
"""Statuses in which nothing can be switched on any more."""


class Statuses:
    """Reads and sets the state of a run's objects."""

    def __init__(self, open_unit: OpenUnitOfWork, executor: Executor, meta: MetaAds, clock: Clock) -> None:
        self._open_unit = open_unit
        self._executor = executor
        self._meta = meta
        self._clock = clock

    def account_for_strays(self, run: Run) -> None:
        """Bring objects of the run that its journal does not know into it."""
        self._executor.account_for_strays(run)

    def rows(self, run: Run) -> Sequence[Operation]:
        """Return the run's journal."""
        with self._open_unit() as unit:
            return unit.journal.of_run(run.id)

    def created(self, run: Run, prefix: str = "") -> list[Operation]:
        """Return the confirmed creates whose key begins with ``prefix``, oldest first."""
        return [
            row
            for row in self.rows(run)
            if row.spec.action is Action.CREATE
            and row.state is OperationState.CONFIRMED
            and row.key.startswith(prefix)
        ]

    def read(self, run: Run, row: Operation) -> Mapping[str, Any]:
        """Read one object at Meta and bring its model up to date."""
        kind = row.spec.kind
        read = self._meta.read(kind, row.meta_id or MetaId(""), READ_FIELDS[kind])
        with self._open_unit() as unit:
            for model in unit.records.objects(run.id):
                if model.key == row.key:
                    unit.records.put_object(as_read(model, read, self._clock.now()))
                    unit.commit()
        return read

    def unlike(self, run: Run, row: Operation) -> list[str]:
        """Read one object and return how it differs from what its create and later updates asked for."""
        rows = self.rows(run)
        ids = {each.key: each.meta_id for each in rows if each.meta_id is not None}
        wanted: dict[str, Any] = {
            name: ids.get(value["$id"]) if isinstance(value, dict) and set(value) == {"$id"} else value
            for name, value in row.spec.params.items()
        }
        for update in rows:
            if update.spec.target != row.key or update.spec.action is not Action.UPDATE:
                continue
            for name, value in update.spec.params.items():
                if update.state is OperationState.CONFIRMED:
                    wanted[name] = value
                elif not update.is_settled:
                    wanted.pop(name, None)  # on its way: either value is right
        return [f"{row.key}: {difference}" for difference in differences(wanted, self.read(run, row))]

    def wish(self, run: Run, prefix: str) -> Mapping[str, Any]:
        """Return what the latest update with this key asked for, so that a repeated tick asks the same of every arm."""
        asked = [row.spec.params for row in self.rows(run) if row.key.startswith(prefix)]
        return asked[-1] if asked else {}

    def ensure(self, run: Run, row: Operation, params: Mapping[str, Any], verb: str) -> None:
        """Make one object show ``params`` at Meta, by a journaled update unless it shows them already."""
        if not differences(params, self.read(run, row)):
            return
        done = self._perform(run, row, Action.UPDATE, params, verb)
        if dict(done.spec.params) != dict(
            params
        ):  # an earlier wish was still open, and had to be settled first
            self._perform(run, row, Action.UPDATE, params, verb)

    def delete(self, run: Run, row: Operation) -> None:
        """Delete one object and see that Meta shows it as deleted."""
        if differences({"status": "DELETED"}, self.read(run, row)):
            self._perform(run, row, Action.DELETE, {}, "delete")

    def activate(self, run: Run, rows: Sequence[Operation]) -> None:
        """Switch objects on, children first, so that nothing delivers before everything is in place."""
        for kind in reversed(TREE):
            for row in rows:
                if row.spec.kind is kind:
                    self.ensure(run, row, {"status": "ACTIVE"}, "activate")

    def pause(self, run: Run, rows: Sequence[Operation]) -> None:
        """Switch objects off, campaigns first, so that delivery stops with the first answer."""
        problem: NotYet | OperationRefused | MetaError | None = None
        for row in (row for kind in TREE for row in rows if row.spec.kind is kind):
            try:
                self._stop(run, row)
            except (NotYet, OperationRefused, MetaError) as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def _stop(self, run: Run, row: Operation) -> None:
        """Switch one object off; an activation of ours is answered with a pause whatever a (late) read shows."""
        try:
            status = self.read(run, row).get("status")
        except MetaThrottledError:
            status = None  # reads are held back where stopping is not
        if status in GONE or (status == "PAUSED" and not self._owes_pause(run, row)):
            return
        self._perform(run, row, Action.UPDATE, {"status": "PAUSED"}, "pause")

    def _owes_pause(self, run: Run, row: Operation) -> bool:
        owes = False
        for other in self.rows(run):
            if other.key.startswith(f"activate/{row.key}/") and other.sent_at is not None:
                owes = True
            elif other.key.startswith(f"pause/{row.key}/") and other.state is OperationState.CONFIRMED:
                owes = False
        return owes

    def is_gone(self, run: Run, row: Operation) -> bool:
        """Tell whether an object Meta does not show by id is gone: only if its account, readable, does not list it."""
        listed = self._meta.find(run.act_id, row.spec.kind, row.spec.token or "", ["id"])
        return all(str(one["id"]) != row.meta_id for one in listed)

    def was_started(self, run: Run, row: Operation) -> bool:
        """Tell whether switching this object on was ever sent to Meta."""
        return any(
            other.key.startswith(f"activate/{row.key}/") and other.sent_at is not None
            for other in self.rows(run)
        )

    def _perform(
        self, run: Run, row: Operation, action: Action, params: Mapping[str, Any], verb: str
    ) -> Operation:
        prefix = f"{verb}/{row.key}/"
        earlier = [other for other in self.rows(run) if other.key.startswith(prefix)]
        open_one = next((other for other in earlier if not other.is_settled), None)
        spec = OperationSpec(
            f"{prefix}{len(earlier) + 1}",
            action,
            row.spec.kind,
            params,
            target=row.key,
            variant=row.spec.variant,
        )
        return self._executor.perform(run, spec if open_one is None else open_one.spec)
