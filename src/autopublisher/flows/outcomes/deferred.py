"""Signals by which a phase says that it cannot go on now: to be resumed at a moment, or not at all."""

from collections.abc import Sequence
from datetime import datetime

from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import Message
from autopublisher.domain.reconciliation.found import found_names
from autopublisher.domain.runs.run_messages import RunMessage


class Deferred(Exception):  # noqa: N818 - a signal to come back later, not an error
    """Nothing more can be done before ``until``; ``attention`` tells people why, where they should know.

    ``until`` None: no moment will help, somebody has to act.
    """

    def __init__(self, until: datetime | None, attention: Message | None = None) -> None:
        super().__init__(str(attention or f"waiting until {until}"))
        self.until = until
        self.attention = attention


class Unread(Deferred):
    """What Meta would have to show first cannot be read now; the error is this one's cause."""


class Stopped(Deferred):
    """The kill switch holds the run's account; the run goes on when the stop is lifted."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(None, stop.said)


class Unclaimed(Deferred):
    """The account is not this installation's to write to, or not yet."""


class Held(Deferred):
    """Meta holds more of the run than its journal has; the run goes on when a person says so."""

    def __init__(self, rows: Sequence[Operation]) -> None:
        super().__init__(None, RunMessage.OLDER(found=tuple(found_names(rows))))


class OperationRefused(Exception):  # noqa: N818 - an outcome of the journal, handled by every phase
    """A write will not happen: Meta refused it, or it was given up; the run has to be wound down."""

    def __init__(self, operation: Operation) -> None:
        self.said = RunMessage.WRITE_REFUSED(
            key=operation.key, why=operation.error or WriteMessage.NO_ANSWER()
        )
        super().__init__(f"{operation.key}: {operation.error}")
        self.operation = operation
