"""Durable work: ticks of runs and of account watches, which survive a crash and never run twice at once for one account."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from autopublisher.domain.ids import ActId, RunId
from autopublisher.ports.repositories import UnitOfWork


class TickKind(StrEnum):
    """Whose tick it is, which says who handles it."""

    RUN = "run"
    ACCOUNT = "account"


@dataclass(frozen=True)
class Tick:
    """One step of a run or, where ``run_id`` is None, one look of an ad account's watch.

    Its workflow id is ``run_id:version`` or ``account:act_id:version``, its queue partition the ad account in both cases:
    a run and the watch of its account never work at the same time.
    """

    run_id: RunId | None
    version: int
    act_id: ActId

    @property
    def kind(self) -> TickKind:
        """Whose tick it is."""
        return TickKind.ACCOUNT if self.run_id is None else TickKind.RUN

    @property
    def workflow_id(self) -> str:
        """The id by which the same tick is only ever run once."""
        subject = f"account:{self.act_id}" if self.run_id is None else self.run_id
        return f"{subject}:{self.version}"


class TickHandler(Protocol):
    """What runs when a tick is due."""

    def __call__(self, tick: Tick) -> None:
        """Advance the run or look at the account; returns quietly when the tick is stale."""
        ...


class TickQueue(Protocol):
    """The way to ask for a tick."""

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Enqueue a tick within the caller's transaction: it exists if and only if the transaction commits."""
        ...


@dataclass(frozen=True)
class WorkHealth:
    """Whether ticks are being run: this process's worker and what lies waiting."""

    running: bool
    executor_id: str
    waiting: int
    in_flight: int


class Worker(Protocol):
    """The engine that runs ticks in this process."""

    def start(self, handler: TickHandler) -> None:
        """Start running ticks; recovers what a dead process left."""
        ...

    def stop(self, drain_seconds: float = 20.0) -> None:
        """Stop taking ticks, let those in flight end, and release everything."""
        ...

    def health(self) -> WorkHealth:
        """Say how the engine is doing."""
        ...
