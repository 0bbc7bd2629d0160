"""Stored counts: what runs can spend at worst by day and month, and what they have committed, without their journals.

Theory of operation. What is stored of a run is right or absent. Whatever can change what a run reserves (a row of its
journal, its status, its end) takes the count out in the same transaction, whoever writes it; who asks of many runs counts
those without one from their journals, and stores that if it is about to commit anyway. So a count can be missing, which
costs time, but never be older than the journal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.money.spans import Span
from autopublisher.domain.runs.commitments import Commitments, Shown
from autopublisher.domain.runs.run import Run, RunStatus


@dataclass(frozen=True)
class RunGroup:
    """Runs whose money counts against one limit: those in ``currency`` that have not ended, or at ``alive_since`` or later.

    ``act_id`` is None for every account's, ``currency`` for all; ``without`` are left out.
    """

    act_id: ActId | None
    currency: str | None
    alive_since: datetime
    without: frozenset[RunId] = frozenset()


@dataclass(frozen=True)
class Count:
    """What a run reserves and has committed, as counted by ``rule`` (``Calendars.rule``); the spans are in order."""

    rule: str
    spans: tuple[Span, ...]
    commitments: Commitments


@dataclass(frozen=True)
class CountedRun:
    """A run and its count."""

    run: Run
    count: Count


class OpenRun(NamedTuple):
    """What the exposure adds up of a run: its commitments, objects by key, and the spend of each arm as last ``read_at``."""

    id: RunId
    status: RunStatus
    created_at: datetime
    commitments: Commitments
    shown: Mapping[str, Shown]
    spent: Mapping[str, int]
    read_at: datetime | None


class ReservationRepository(Protocol):
    """Counts of what runs reserve."""

    def uncounted(
        self, group: RunGroup, stretch: int, after: RunId | None = None, limit: int = 500
    ) -> Sequence[Run]:
        """Return by id the runs without a count by their account's time zone and ``stretch``; only ids above ``after``."""
        ...

    def claim(self, run_ids: Sequence[RunId]) -> Sequence[Run]:
        """Return these runs by id as they are now, but for those that another transaction is changing.

        What they reserve stays as it is until this transaction ends.
        """
        ...

    def put(self, counted: Sequence[CountedRun]) -> None:
        """Store the counts of runs that this transaction has claimed."""
        ...

    def counts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Count]:
        """Return by run the counts of those that have one."""
        ...

    def open_runs(
        self, act_id: ActId, alive_since: datetime, without: Sequence[RunId] = ()
    ) -> Sequence[OpenRun]:
        """Return by id what was last counted of an account's runs as in a group, with what Meta showed of them."""
        ...

    def spans(self, group: RunGroup, first: date, last: date) -> Sequence[Span]:
        """Return what a group's runs reserve from ``first`` to ``last``, spans of the same days added up into one."""
        ...
