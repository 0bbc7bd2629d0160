"""Object control: switches objects of a run on and off and reads them back; Meta's answer says whether it worked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.accounts.stops import unpaused_activation
from autopublisher.domain.errors import (
    MetaError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaThrottledError,
)
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose, change_key
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
    changes_of,
)
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import Difference
from autopublisher.domain.meta.object_state import GONE, ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS, differences
from autopublisher.domain.reconciliation.baseline import baseline_of
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS, edits
from autopublisher.domain.reconciliation.findings import last_requested, set_since, was_recalled
from autopublisher.domain.reconciliation.found import found_in
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, Held, Unread
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.writes.bookkeeping import as_read
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.listings import shown_together
from autopublisher.flows.writes.problems import Problems
from autopublisher.flows.writes.wanted import wanted_of
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.repositories import OpenUnitOfWork

TREE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
"""Kinds with a delivery status, parents first: the order of stopping; starting goes the other way."""

_STARTED_TOGETHER = ((ObjectKind.AD, ObjectKind.AD_SET), (ObjectKind.CAMPAIGN,))
"""Kinds that are switched on together, in this order: nothing delivers before its campaign is on."""

_NEW_FIELDS: Mapping[ObjectKind, tuple[str, ...]] = {
    **READ_FIELDS,
    ObjectKind.AD_SET: SWEEP_FIELDS[ObjectKind.AD_SET],
}
"""What is read of what is new: of ad sets also what their baseline is made of."""

_AGAIN = timedelta(seconds=30)

READ_LAG = timedelta(minutes=15)
"""After so long a read shows what was confirmed before it; what differs then is somebody else's doing."""


class ObjectControl:
    """Reads and sets the state of a run's objects."""

    def __init__(
        self, open_unit: OpenUnitOfWork, executor: Executor, clients: MetaClients, clock: Clock
    ) -> None:
        self.views, self.gate = executor.views, executor.gate
        self._open_unit = open_unit
        self._executor = executor
        self._clients = clients
        self._clock = clock

    def account_for_orphans(
        self,
        run: Run,
        plan: Sequence[OperationSpec] = (),
        listing: Sequence[ObjectState] | None = None,
        *,
        anew: bool = False,
    ) -> Mapping[str, ObjectState]:
        """Bring objects of the run that its journal does not know into it; returns what Meta lists, by key.

        The listing may lag behind a write by seconds. Raises Held where Meta holds more than the journal accounts for and
        the run is not on its way to an end.
        """
        listed = self._executor.account_for_orphans(run, plan, listing, anew=anew)
        ids = {row.key: row.meta_id or MetaId("") for row in self.created(run)}
        shown = {key: listed[meta_id] for key, meta_id in ids.items() if meta_id in listed}
        self._keep(run, shown, READ_FIELDS if listing is None else None)
        rows = self.rows(run)
        if found_in(rows) and not run.is_ending:
            raise Held(rows)
        return shown

    def account(self, run: Run) -> AdAccountFacts:
        """Return what Meta says of the run's account now."""
        return self._clients.for_account(run.act_id).account()

    def rows(self, run: Run) -> Sequence[Operation]:
        """Return the run's journal."""
        return self.views.of(run).rows

    def models(self, run: Run) -> Sequence[MetaObject]:
        """Return the run's objects as they were last read."""
        return list(self.views.of(run).models.values())

    def created(self, run: Run, *purposes: Purpose) -> list[Operation]:
        """Return the confirmed creates, for these purposes or for any, oldest first."""
        return self.views.of(run).created(*purposes)

    def recount(self, run: Run, changes: Sequence[tuple[Operation, Operation]]) -> None:
        """Save what rows reserve or have spent, each as it was and as it is; raises as the journal does."""
        self._executor.recount(run, changes)

    def read(
        self,
        run: Run,
        row: Operation,
        fields: Mapping[ObjectKind, tuple[str, ...]] = READ_FIELDS,
    ) -> ObjectState:
        """Read one object at Meta and bring its model up to date."""
        kind = row.spec.kind
        shown = self._clients.for_account(run.act_id).read(kind, row.meta_id or MetaId(""), fields[kind])
        self._keep(run, {row.key: shown}, fields)
        return shown

    def _keep(
        self,
        run: Run,
        shown: Mapping[str, ObjectState],
        fields: Mapping[ObjectKind, tuple[str, ...]] | None = None,
    ) -> None:
        """Bring the models of what was read up to date; with ``fields`` it was read now and need not be read again."""
        if fields is not None:
            self.views.keep_shown(run, shown, fields)
        models, now = self.views.of(run).models, self._clock.now()
        self.views.keep_models(run, [as_read(models[key], shown[key], now) for key in shown if key in models])

    def read_all(
        self,
        run: Run,
        rows: Sequence[Operation],
        fields: Mapping[ObjectKind, tuple[str, ...]] = READ_FIELDS,
    ) -> Mapping[str, ObjectState]:
        """Read many objects by key, in one question where that can be; what its answer lacks is read by itself.

        What this tick has read already, with nothing written since, is not read again. A listing may lag behind a write by
        seconds: whoever finds something amiss in it reads that object again.
        """
        known = self.listed(run, rows, fields)
        return known | {row.key: self.read(run, row, fields) for row in rows if row.key not in known}

    def listed(
        self,
        run: Run,
        rows: Sequence[Operation],
        fields: Mapping[ObjectKind, tuple[str, ...]] = READ_FIELDS,
    ) -> dict[str, ObjectState]:
        """Return by key what one question, or an earlier one with nothing written since, shows of objects."""
        known = self.views.shown(run, rows, fields)
        keys = {row.meta_id or MetaId(""): row.key for row in rows if row.key not in known}
        kinds = {row.meta_id or MetaId(""): row.spec.kind for row in rows if row.key not in known}
        found = shown_together(self._clients.for_account(run.act_id), run.id, kinds, fields)
        listed = {keys[meta_id]: state for meta_id, state in found.items()}
        self._keep(run, listed, fields)
        return known | listed

    def differences(self, run: Run, rows: Sequence[Operation], *, new: bool = False) -> list[Message]:
        """Read objects and return how they differ from what their creates and later updates asked for.

        What differs is read again, and after it the journal: whoever changes an object of ours writes it down beforehand, so
        that another worker busy with the same tick (one that was thought dead) is not taken for somebody else. Of objects
        that are ``new``, not switched on yet, the baselines are kept as well.
        """
        journal = self.rows(run)
        found: list[Message] = []
        shown = self.read_all(run, rows, _NEW_FIELDS if new else READ_FIELDS)
        if new:
            self._keep_baselines(run, journal, shown)
        for key, state in shown.items():
            row = next(one for one in rows if one.key == key)
            if differences(wanted_of(row, journal), state.raw):
                again = self.read(run, row)
                self.views.forget(run)
                unlike = differences(wanted_of(row, self.rows(run)), again.raw)
                found += [Difference.OF(key=key, what=each) for each in unlike]
        return found

    def _keep_baselines(
        self, run: Run, journal: Sequence[Operation], shown: Mapping[str, ObjectState]
    ) -> None:
        """Keep how Meta shows the ad sets that have no baseline yet, but for what somebody has changed already."""
        first_seen = []
        for model in self.models(run):
            if model.kind is ObjectKind.AD_SET and model.baseline is None and model.key in shown:
                amiss = edits(last_requested(journal, model.key), shown[model.key])
                baseline = baseline_of(shown[model.key], [one.field for one in amiss])
                first_seen.append(replace(model, baseline=baseline))
        self.views.keep_models(run, first_seen)
        with self._open_unit() as unit:  # before anything is switched on, after which no baseline is taken
            self.views.save_models(unit)
            unit.commit()

    def last_requested(self, run: Run, purpose: Purpose, of: Sequence[Operation]) -> Mapping[str, Any]:
        """Return what the latest update of these for a purpose asked for, so that a repeated tick asks the same of all."""
        keys = {row.key for row in of}
        updates = [row for row in self.rows(run) if row.spec.target in keys and row.purpose is purpose]
        asked = [row.spec.params for row in updates]
        return asked[-1] if asked else {}

    def update_if_needed(self, run: Run, row: Operation, params: Mapping[str, Any], purpose: Purpose) -> None:
        """Make one object show ``params`` at Meta, by a journaled update unless it shows them already."""
        if not differences(params, self.read(run, row).raw):
            return
        done = self._perform(run, row, Action.UPDATE, params, purpose)
        if dict(done.spec.params) != dict(
            params
        ):  # an earlier wish was still open, and had to be settled first
            self._perform(run, row, Action.UPDATE, params, purpose)

    def update(self, run: Run, row: Operation, params: Mapping[str, Any], purpose: Purpose) -> None:
        """Have one object show ``params``, always by a journaled update, so that the journal knows of what was asked."""
        done = self._perform(run, row, Action.UPDATE, params, purpose)
        if dict(done.spec.params) != dict(params):
            self._perform(run, row, Action.UPDATE, params, purpose)

    def _update_together(
        self, run: Run, rows: Sequence[Operation], params: Mapping[str, Any], purpose: Purpose
    ) -> None:
        """Have several objects show ``params``, by journaled updates of which as many as may leave together."""
        begun = [row for row in rows if self._is_begun(run, row, purpose)]
        specs = {
            row.key: self._change(run, row, Action.UPDATE, params, purpose)
            for row in rows
            if row not in begun
        }
        taken = {spec.target for spec in self._executor.perform_all(run, list(specs.values()))}
        for row in (*begun, *(one for one in rows if one.key in taken)):
            self.update(run, row, params, purpose)

    def update_all(
        self, run: Run, rows: Sequence[Operation], params: Mapping[str, Any], purpose: Purpose
    ) -> None:
        """Have several objects show ``params``; Meta is not asked again about those whose journal says that they do.

        So a tick that was held back goes on where the last one stopped, however many objects there are.
        """
        for row in rows:
            if differences(params, wanted_of(row, self.rows(run))):
                self.update(run, row, params, purpose)

    def perform(self, run: Run, spec: OperationSpec) -> Operation:
        """Return the CONFIRMED row of a write, doing whatever is still missing; raises as the executor does."""
        return self._executor.perform(run, spec)

    def perform_all(self, run: Run, specs: Sequence[OperationSpec]) -> Sequence[OperationSpec]:
        """Perform creates of which none needs another, together where they may; returns those whose keys were taken."""
        return self._executor.perform_all(run, specs)

    def settle(self, run: Run, row: Operation) -> Operation:
        """Return a row nobody wants any more in a settled state; raises Deferred where only time can tell."""
        return self._executor.settle(run, row)

    def give_up(self, run: Run, purpose: Purpose) -> None:
        """Settle all open writes of a kind that nobody wants any more."""
        for row in self.rows(run):
            if row.purpose is purpose and not row.is_settled:
                self.settle(run, row)

    def delete(self, run: Run, row: Operation) -> None:
        """Delete one object and see that Meta shows it as deleted."""
        if self.read(run, row).status != "DELETED":
            self._perform(run, row, Action.DELETE, {}, Purpose.DELETE)

    def activate(self, run: Run, rows: Sequence[Operation]) -> None:
        """Switch objects on, children first, so that nothing delivers before everything is in place.

        What somebody else has paused since we switched it on stays paused. Raises RunFailed where an object had to be
        switched off because more could be spent than is set aside for it.
        """
        journal = self.rows(run)
        recalled = [row.key for row in rows if was_recalled(journal, row.key)]
        if recalled:
            raise RunFailed(RunMessage.FREED(keys=tuple(recalled)))
        shown = self.read_all(run, [row for row in rows if row.spec.kind in TREE])
        freed = [row.key for row in rows if row.key in shown and self._is_freed(run, row, shown[row.key])]
        if freed:
            raise RunFailed(RunMessage.FREED(keys=tuple(freed)))
        for level in _STARTED_TOGETHER:
            parts = [row for kind in level for row in rows if row.spec.kind is kind]
            off = [
                row
                for row in parts
                if self._is_begun(run, row, Purpose.ACTIVATE)
                or not (shown[row.key].is_active or self._was_on_long_ago(journal, row))
            ]
            self._update_together(run, off, {"status": "ACTIVE"}, Purpose.ACTIVATE)

    def _is_freed(self, run: Run, row: Operation, shown: ObjectState) -> bool:
        """Tell whether Meta shows that an object could spend more than is set aside for it; raises Deferred while unsure.

        A listing, and for a while a read, may be older than our own last change of a budget.
        """
        if not _frees_money(row, self.rows(run), shown):
            return False
        again = self.read(run, row)
        self.views.forget(run)
        rows = self.rows(run)
        fields = _frees_money(row, rows, again)
        now = self._clock.now()
        if any(set_since(rows, row.key, name, now - READ_LAG) for name in fields):
            raise Deferred(now + _AGAIN, WriteMessage.ASKED_NOT_SHOWN(key=row.key, fields=tuple(fields)))
        return bool(fields)

    def pause(self, run: Run, rows: Sequence[Operation]) -> None:
        """Switch objects off, campaigns first, so that delivery stops with the first answer."""
        shown = self._shown(run, [row for row in rows if row.spec.kind in TREE])
        self.views.forget(run)  # whoever switched one on meanwhile wrote that down beforehand
        problems = Problems()
        for kind in TREE:
            parts = [row for row in rows if row.spec.kind is kind]
            on = [row for row in parts if not self._is_off(run, row, shown.get(row.key))]
            new = [row for row in on if row.key in shown and not self._is_begun(run, row, Purpose.PAUSE)]
            with problems.noted():
                self._pause_each(run, new)
            for row in (one for one in on if one not in new):
                with problems.noted():
                    self._stop(run, row, shown.get(row.key))
        problems.raise_first()

    def _pause_each(self, run: Run, rows: Sequence[Operation]) -> None:
        """Switch objects off by one request each and see with one question that they are."""
        specs = [self._change(run, row, Action.UPDATE, {"status": "PAUSED"}, Purpose.PAUSE) for row in rows]
        taken = {spec.target for spec in self._executor.perform_each(run, specs)}
        for row in (one for one in rows if one.key in taken):
            self._perform(run, row, Action.UPDATE, {"status": "PAUSED"}, Purpose.PAUSE)

    def _is_begun(self, run: Run, row: Operation, purpose: Purpose) -> bool:
        """Tell whether a change of an object for a purpose is not settled yet."""
        return any(not one.is_settled for one in changes_of(self.rows(run), row.key, purpose))

    def stop(self, run: Run, row: Operation) -> str:
        """Switch one object off for the kill switch and return the status Meta shows; raises as ``pause`` does.

        What somebody else has paused long ago is left as their doing, so that nothing of ours switches it on again.
        """
        seen = self._seen(run, row)
        self.views.forget(run)  # whoever switched it on meanwhile wrote that down beforehand
        owing = self._unpaused_activation(run, row)
        if seen is not None and (seen in GONE or (seen == "PAUSED" and not self._is_fresh(owing))):
            return seen
        self._perform(run, row, Action.UPDATE, {"status": "PAUSED"}, Purpose.STOP)
        return "PAUSED"

    def recall(self, run: Run, row: Operation) -> None:
        """Switch one object off because more could be spent than is set aside for it; raises as ``pause`` does."""
        self._perform(run, row, Action.UPDATE, {"status": "PAUSED"}, Purpose.RECALL)

    def owes_pause(self, run: Run, row: Operation) -> bool:
        """Tell whether an activation of ours was sent that no confirmed pause has answered."""
        return self._unpaused_activation(run, row) is not None

    def _shown(self, run: Run, rows: Sequence[Operation]) -> Mapping[str, str]:
        """Return the statuses Meta shows, or nothing where it does not: stopping does not wait for knowing."""
        try:
            return {key: str(shown.status) for key, shown in self.read_all(run, rows).items()}
        except MetaError:
            return {}

    def _is_off(self, run: Run, row: Operation, status: str | None) -> bool:
        """Tell whether an object with this status needs no pause; an activation of ours always is answered with one."""
        return status in GONE or (status == "PAUSED" and not self.owes_pause(run, row))

    def _stop(self, run: Run, row: Operation, shown: str | None) -> None:
        """Switch one object off; an activation of ours is answered with a pause whatever a (late) read shows."""
        seen = self._seen(run, row) if shown is None else shown
        if seen in GONE or (seen == "PAUSED" and not self.owes_pause(run, row)):
            return
        self._perform(run, row, Action.UPDATE, {"status": "PAUSED"}, Purpose.PAUSE)

    def _seen(self, run: Run, row: Operation) -> str | None:
        """Return the status Meta shows, None where it does not show it now: stopping does not wait for knowing.

        Raises MetaNotFoundError of what the account's list lacks as well, and where the token is no longer good.
        """
        try:
            return str(self.read(run, row).status)
        except MetaNotFoundError:
            if self._is_surely_gone(run, row):
                raise
            return None
        except (MetaThrottledError, MetaOutcomeUnknownError, MetaRefusedError):
            return None

    def _is_surely_gone(self, run: Run, row: Operation) -> bool:
        try:
            return self.is_gone(run, row)
        except MetaError:
            return False

    def _unpaused_activation(self, run: Run, row: Operation) -> Operation | None:
        return unpaused_activation(self.rows(run), row.key)

    def _was_on_long_ago(self, journal: Sequence[Operation], row: Operation) -> bool:
        """Tell whether the last we did to its status was to switch it on, so long ago that no read is late any more."""
        changes = [one for one in journal if one.spec.target == row.key and "status" in one.spec.params]
        last = changes[-1] if changes else None
        if last is None or last.spec.params["status"] != "ACTIVE" or last.settled_at is None:
            return False
        confirmed = last.state is OperationState.CONFIRMED
        return confirmed and self._clock.now() - last.settled_at >= READ_LAG

    def _is_fresh(self, activation: Operation | None) -> bool:
        """Tell whether a read that shows PAUSED may still be older than this activation."""
        if activation is None or activation.settled_at is None:
            return activation is not None
        return self._clock.now() - activation.settled_at < READ_LAG

    def is_gone(self, run: Run, row: Operation) -> bool:
        """Tell whether an object Meta does not show by id is gone: only if its account, readable, does not list it."""
        listed = self._clients.for_account(run.act_id).find(row.spec.kind, row.spec.token or "", ["id"])
        return all(one.id != row.meta_id for one in listed)

    def shown_now(self, run: Run, row: Operation) -> ObjectState:
        """Read one object; of what Meta no longer knows only that it is DELETED.

        Raises Deferred where Meta lists it but does not show it.
        """
        try:
            return self.read(run, row)
        except MetaNotFoundError as error:
            if self.is_gone(run, row):
                return ObjectState.known_to_be(row.spec.kind, row.meta_id or MetaId(""), "DELETED")
            unseen = WriteMessage.LISTED_NOT_SHOWN(key=row.key)
            raise Unread(self._clock.now() + _AGAIN, unseen) from error

    def status_now(self, run: Run, row: Operation) -> str:
        """Return the status of ``shown_now``."""
        return str(self.shown_now(run, row).status)

    def was_started(self, run: Run, row: Operation) -> bool:
        """Tell whether switching this object on was ever sent to Meta."""
        changes = changes_of(self.rows(run), row.key, Purpose.ACTIVATE)
        return any(other.sent_at is not None for other in changes)

    def _perform(
        self, run: Run, row: Operation, action: Action, params: Mapping[str, Any], purpose: Purpose
    ) -> Operation:
        earlier = changes_of(self.rows(run), row.key, purpose)
        open_one = next((other for other in earlier if not other.is_settled), None)
        if open_one is not None and self._is_overtaken(run, open_one):
            self._executor.settle(run, open_one)  # the journal's order is that of what happened
            open_one = None
        if open_one is not None:
            return self._executor.perform(run, open_one.spec)
        done = self._executor.perform_anew(run, self._change(run, row, action, params, purpose))
        # A row that was written since the journal was read is somebody else's, and says nothing of what is asked here.
        return self._perform(run, row, action, params, purpose) if done is None else done

    def _change(
        self, run: Run, row: Operation, action: Action, params: Mapping[str, Any], purpose: Purpose
    ) -> OperationSpec:
        """Return the next change of an object for a purpose."""
        number = len(changes_of(self.rows(run), row.key, purpose)) + 1
        key = change_key(purpose, row.key, number)
        return OperationSpec(key, action, row.spec.kind, params, target=row.key, variant=row.spec.variant)

    def _is_overtaken(self, run: Run, open_one: Operation) -> bool:
        """Tell whether a younger row has changed the same fields of the object meanwhile."""
        return any(
            other.sequence > open_one.sequence
            and other.spec.target == open_one.spec.target
            and not other.spec.params.keys().isdisjoint(open_one.spec.params)
            for other in self.rows(run)
        )


def _frees_money(row: Operation, journal: Sequence[Operation], shown: ObjectState) -> list[str]:
    """Return the fields by which an object could spend more than was asked for, its status aside."""
    found = edits(last_requested(journal, row.key), shown)
    return [one.field for one in found if one.threat and one.field != "status"]
