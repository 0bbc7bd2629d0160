"""Steps: what a phase hands to the orchestrator, the run as it should become and what is written with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from autopublisher.domain.journal.records import Decision, Event
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import UnitOfWork

SYSTEM = "autopublisher"
"""The actor of everything the product does by itself."""


@dataclass(frozen=True)
class Step:
    """One tick's result: ``run`` with its next status and ``next_tick_at``, to be saved with all the rest or not at all.

    ``claim`` is called in the transaction that saves the step, before anything is written: it holds what the step takes (a
    place, money) and raises Deferred where that has been taken meanwhile; the run then waits as it was. Unless it
    ``progresses``, only plans have changed, so that tries which failed before still count.
    """

    run: Run
    events: tuple[Event, ...] = ()
    decisions: tuple[Decision, ...] = ()
    claim: Callable[[UnitOfWork], None] | None = None
    progresses: bool = True


class Phase(Protocol):
    """The work of one status. It may be repeated: whatever it did at Meta is in the journal."""

    def __call__(self, run: Run) -> Step:
        """Do what can be done now; raises Deferred, OperationRefused or an AutoPublisherError."""
        ...


def event(
    run: Run,
    at: datetime,
    action: str,
    message: Message,
    data: Mapping[str, Any] | None = None,
    *,
    actor: str = SYSTEM,
) -> Event:
    """Return an audit event of a run: ``action`` becomes the tag's last part."""
    return Event(at, f"orchestrator:run:{action}", actor, message, run.id, data or {})
