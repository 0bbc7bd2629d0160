"""Ends a run that failed, was cancelled or has nothing to publish: nothing of ours stays active, and Meta says so."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain.accounts.stops import may_spend_more_until
from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState, changes_of
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.duplicates import family_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.closing import UNPUBLISHED, closing_report
from autopublisher.flows.runs.delivery_history import DeliveryHistory
from autopublisher.flows.runs.split_test import SplitTest
from autopublisher.flows.writes.objects import READ_LAG, TREE, ObjectControl
from autopublisher.ports.clock import Clock

_AGAIN = timedelta(seconds=30)
_A_MOMENT = timedelta(seconds=1)


class Teardown:
    """Stops everything of a run, then gives it its final status."""

    def __init__(
        self,
        control: ObjectControl,
        clock: Clock,
        split_test: SplitTest,
        deliveries: DeliveryHistory,
    ) -> None:
        self._deliveries = deliveries
        self._split_test = split_test
        self._control = control
        self._clock = clock

    def __call__(self, run: Run) -> Step:
        """Pause what may have delivered, settle the journal, delete what never did, verify, and end the run.

        What we have switched on is paused before anything is looked up: a look-up that fails must not keep it on. Studies
        come last, for they hold no money.
        """
        self._pause_what_is_owed(run)
        for row in self._control.rows(run):
            if not row.is_settled and not _waits(row):
                self._control.settle(run, row)
        self._pause_what_is_owed(run)
        listed = self._control.account_for_orphans(run)
        left = [row for row in self._control.created(run) if not self._is_deleted(run, row)]
        tree = [row for row in left if row.spec.kind in TREE and self._exists(run, row, listed)]
        self._control.pause(run, [row for row in tree if not self._is_listed_off(run, row, listed)])
        if run.ending.turned_to is not RunStatus.COMPLETED:
            self._delete_unused(run, left, listed)
        self._outlast_unanswered(run, tree)
        self._verify(run, tree)
        noted = self._split_test.cancel(run) if run.ending.turned_to is not RunStatus.COMPLETED else ()
        now = self._clock.now()
        status = run.ending.turned_to or RunStatus.FAILED
        message = RunMessage.ENDED(
            status=status.value, reason=run.ending.why or RunMessage.AS_ASKED(), number=len(tree)
        )
        report = closing_report(self._control.rows(run), self._control.models(run))
        unpublished = (run.report or {}).get(UNPUBLISHED) if status is RunStatus.COMPLETED else None
        said = None if unpublished is None else Message.from_record(unpublished)
        ended = replace(run, attention=said, report=report).moved(status, now)
        return Step(ended, (*noted, event(run, now, status.value, message)))

    def _pause_what_is_owed(self, run: Run) -> None:
        """Answer every activation of ours with a pause."""
        made = self._control.created(run)
        self._control.pause(run, [row for row in made if self._control.owes_pause(run, row)])

    def _outlast_unanswered(self, run: Run, tree: Sequence[Operation]) -> None:
        """Wait until no unanswered write can make anything spend any more, then pause what it may have switched on.

        That pause is sent whatever a read shows, which for a while may be older than the write.
        """
        rows, now = self._control.rows(run), self._clock.now()
        left = [row for row in tree if not self._is_deleted(run, row)]
        lands = {row.key: may_spend_more_until(rows, row.key) for row in left}
        open_ones = {key: until for key, until in lands.items() if until is not None and until >= now}
        if open_ones:
            until = max(open_ones.values()) + _A_MOMENT
            raise Deferred(until, RunMessage.MAY_LAND(keys=tuple(open_ones)))
        for row in left:
            until_then = lands[row.key]
            if (
                until_then is not None
                and now - until_then < READ_LAG
                and not _paused_since(rows, row, until_then)
            ):
                self._control.update(run, row, {"status": "PAUSED"}, Purpose.PAUSE)

    def _is_deleted(self, run: Run, row: Operation) -> bool:
        """Tell whether we have deleted the object and Meta has shown it."""
        deletes = changes_of(self._control.rows(run), row.key, Purpose.DELETE)
        return any(other.state is OperationState.CONFIRMED for other in deletes)

    def _exists(self, run: Run, row: Operation, listed: Mapping[str, ObjectState]) -> bool:
        """Tell whether Meta still knows the object: what it lists it knows, and anything else is asked for."""
        return row.key in listed or not self._control.shown_now(run, row).is_gone

    def _is_listed_off(self, run: Run, row: Operation, listed: Mapping[str, ObjectState]) -> bool:
        return row.key in listed and listed[row.key].is_off and not self._control.owes_pause(run, row)

    def _delete_unused(self, run: Run, rows: Sequence[Operation], listed: Mapping[str, ObjectState]) -> None:
        """Walk the journal backwards and delete arms that never delivered; the rest stays for its history.

        What Meta refuses to delete (a creative that another ad uses) stays too: it is off, or cannot spend at all.
        """
        used = self._deliveries.families(run)
        journal = self._control.rows(run)
        kept = {row.spec.target for row in journal if _is_refused_delete(row)}
        for row in (each for each in reversed(rows) if each.spec.kind is not ObjectKind.STUDY):
            if family_of(row.key) in used or row.key in kept:
                continue
            if self._exists(run, row, listed) and self._is_ours(run, row):
                self._delete(run, row)

    def _delete(self, run: Run, row: Operation) -> None:
        """Delete an object; raises OperationRefused where that was given up without an answer, to be tried again."""
        try:
            self._control.delete(run, row)
        except OperationRefused as refused:
            if not _is_refused_delete(refused.operation):  # Meta's words are in the run's events
                raise

    def _is_ours(self, run: Run, row: Operation) -> bool:
        """Tell whether this run made the object: Meta answers an identical creative with an older one's id."""
        if row.spec.kind is not ObjectKind.CREATIVE:
            return row.spec.action is Action.CREATE
        return (row.spec.token or "-") in self._control.read(run, row).name

    def _verify(self, run: Run, tree: Sequence[Operation]) -> None:
        """Have Meta show that everything is off, after our last write; what we have deleted it has shown already.

        A listing is proof enough; what it lacks or shows to be on is read by itself.
        """
        left = [row for row in tree if not self._is_deleted(run, row)]
        proven = {key for key, state in self._control.listed(run, left).items() if state.is_off}
        on = [row.key for row in left if row.key not in proven and not self._reads_off(run, row)]
        if on:
            raise Deferred(self._clock.now() + _AGAIN, RunMessage.STILL_ACTIVE(keys=tuple(on)))

    def _reads_off(self, run: Run, row: Operation) -> bool:
        try:
            return self._control.read(run, row).is_off
        except MetaNotFoundError:
            return True


def _waits(row: Operation) -> bool:
    """Tell whether a write is a study's, to be seen to when everything is off."""
    return row.spec.kind is ObjectKind.STUDY and row.spec.action is not Action.UPDATE


def _is_refused_delete(row: Operation) -> bool:
    return row.spec.action is Action.DELETE and row.state in {
        OperationState.REJECTED,
        OperationState.WITHDRAWN,
    }


def _paused_since(rows: Sequence[Operation], row: Operation, moment: datetime) -> bool:
    """Tell whether a confirmed pause of the object was sent after a moment."""
    return any(
        one.spec.target == row.key
        and one.spec.params.get("status") == "PAUSED"
        and one.state is OperationState.CONFIRMED
        and one.sent_at is not None
        and one.sent_at > moment
        for one in rows
    )
