"""Ends a run that failed, was cancelled or has nothing to publish: nothing of ours stays active, and Meta says so."""

from datetime import timedelta

from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.run import Run, RunStatus
from autopublisher.flows.closing import closing_report
from autopublisher.flows.executor import Executor
from autopublisher.flows.statuses import TREE, Statuses
from autopublisher.flows.steps import Step, event
from autopublisher.flows.waiting import NotYet
from autopublisher.ports.clock import Clock

_AGAIN = timedelta(seconds=30)
_OFF = frozenset({"PAUSED", "DELETED", "ARCHIVED"})


class WindingDown:
    """Stops everything of a run, then gives it its final status."""

    def __init__(self, executor: Executor, statuses: Statuses, clock: Clock) -> None:
        self._executor = executor
        self._statuses = statuses
        self._clock = clock

    def __call__(self, run: Run) -> Step:
        """Settle the journal, pause what may have delivered, delete what never did, verify, and end the run."""
        for row in self._statuses.rows(run):
            if not row.is_settled:
                self._executor.settle(run, row)
        started = [row for row in self._statuses.created(run) if self._statuses.was_started(run, row)]
        self._statuses.pause(run, started)
        self._statuses.account_for_strays(run)
        rows = [row for row in self._statuses.created(run) if self._exists(run, row)]
        tree = [row for row in rows if row.spec.kind in TREE]
        self._statuses.pause(run, tree)
        if run.ends_as is not RunStatus.COMPLETED:
            self._delete_unused(run, rows)
        self._verify(run, tree)
        now = self._clock.now()
        status = run.ends_as or RunStatus.FAILED
        reason = run.failure or "as asked"
        message = f"Ended as {status.value} ({reason}); {len(tree)} objects verified off at Meta"
        report = closing_report(self._statuses.rows(run), self._statuses.models(run))
        ended = run.moved(status, now, attention=None, report=report)
        return Step(ended, (event(run, now, status.value, message),))

    def _exists(self, run: Run, row: Operation) -> bool:
        """Tell whether Meta still knows the object; one deleted by us earlier needs nothing more."""
        deleted = f"delete/{row.key}/"
        if any(
            other.key.startswith(deleted) and other.state is OperationState.CONFIRMED
            for other in self._statuses.rows(run)
        ):
            return False
        try:
            return self._statuses.read(run, row).get("status") not in {"DELETED", "ARCHIVED"}
        except MetaNotFoundError:
            if self._statuses.is_gone(run, row):
                return False
            raise NotYet(self._clock.now() + _AGAIN, f"Meta lists {row.key} but does not show it") from None

    def _delete_unused(self, run: Run, rows: list[Operation]) -> None:
        """Walk the journal backwards and delete arms that were never switched on; the rest stays for its history."""
        used = {
            row.key.rsplit("/", 1)[0]
            for row in self._statuses.created(run)
            if row.spec.kind in TREE and self._statuses.was_started(run, row)
        }
        for row in reversed(rows):
            if self._is_ours(run, row) and not any(row.key.startswith(f"{arm}/") for arm in used):
                self._statuses.delete(run, row)

    def _is_ours(self, run: Run, row: Operation) -> bool:
        """Tell whether this run made the object: Meta answers an identical creative with an older one's id."""
        if row.spec.kind is not ObjectKind.CREATIVE:
            return row.spec.action is Action.CREATE
        return (row.spec.token or "-") in str(self._statuses.read(run, row).get("name", ""))

    def _verify(self, run: Run, tree: list[Operation]) -> None:
        on = [row.key for row in tree if self._read_status(run, row) not in _OFF]
        if on:
            raise NotYet(self._clock.now() + _AGAIN, "still active at Meta: " + ", ".join(on))

    def _read_status(self, run: Run, row: Operation) -> str:
        try:
            return str(self._statuses.read(run, row).get("status"))
        except MetaNotFoundError:
            return "DELETED"
