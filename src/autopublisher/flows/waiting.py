"""Signals by which a phase says that it cannot go on now: to be resumed at a moment, or not at all."""

from datetime import datetime

from autopublisher.domain.operations import Operation


class NotYet(Exception):  # noqa: N818 - a signal to come back later, not an error
    """Nothing more can be done before ``until``; ``attention`` tells people why, where they should know."""

    def __init__(self, until: datetime, attention: str | None = None) -> None:
        super().__init__(attention or f"waiting until {until}")
        self.until = until
        self.attention = attention


class OperationRefused(Exception):  # noqa: N818 - an outcome of the journal, handled by every phase
    """A write will not happen: Meta refused it, or it was given up; the run has to be wound down."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"{operation.key}: {operation.error}")
        self.operation = operation
