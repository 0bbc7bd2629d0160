"""Pacing across processes: each tick of an ad account goes on from what the last one learnt of Meta's limits.

Theory of operation. A tick's first transaction takes the account's pacing from the database, and marks what is left of its
burst there as used; its last one writes back what the client knows by then, and a tick that ends without one writes it
alone. A process that dies in between leaves a burst nobody is given twice: the next one makes a single call, hears the
usage, and waits.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.pacing import MetaPacing
from autopublisher.ports.repositories import KeptPacing, OpenUnitOfWork, UnitOfWork

_log = structlog.get_logger(__name__)


@dataclass
class _Ticking:
    """The tick of this thread: what was kept when it began, what it is about to write, and what it has written."""

    act_id: ActId
    is_recalled: bool = False
    begun: KeptPacing | None = None
    to_be_kept: Pacing | None = None
    kept: Pacing | None = None


class _OfThread(threading.local):
    ticking: _Ticking | None = None


class TickPacing:
    """Has what a tick calls at Meta count for its account, whatever process it runs in."""

    def __init__(self, open_unit: OpenUnitOfWork, meta: MetaPacing, clock: Clock) -> None:
        self._open_unit = open_unit
        self._meta = meta
        self._clock = clock
        self._thread = _OfThread()

    @contextmanager
    def ticking(self, act_id: ActId) -> Iterator[None]:
        """Do an account's tick in the block; however it ends, what was learnt in it is kept."""
        outer, self._thread.ticking = self._thread.ticking, _Ticking(act_id)
        try:
            with self._meta.working_for(act_id):
                yield
        finally:
            self._keep_alone(self._thread.ticking)
            self._thread.ticking = outer

    def recall(self, unit: UnitOfWork) -> None:
        """Have the client go on from what is kept; the last thing in the tick's first transaction, which it may commit."""
        ticking = self._thread.ticking
        if ticking is None:
            return
        ticking.is_recalled, kept = True, unit.pacings.get(ticking.act_id)
        if kept is None:
            return
        now = self._clock.now()
        pacing = kept.pacing.as_of(now, kept.kept_at)
        meanwhile = KeptPacing(pacing.with_bursts_used(), now)
        if not _says_the_same(meanwhile.pacing, kept.pacing):
            unit.pacings.put(ticking.act_id, meanwhile)
            unit.commit()
            kept = meanwhile
        ticking.begun = kept
        self._meta.recall(ticking.act_id, pacing)

    def keep(self, unit: UnitOfWork) -> None:
        """Write back what the client knows now, unless another tick has done so meanwhile: this one was thought dead."""
        ticking = self._thread.ticking
        if ticking is None:
            return
        pacing, begun = self._meta.pacing(ticking.act_id), ticking.begun
        ticking.to_be_kept = pacing
        if _says_the_same(pacing, Pacing() if begun is None else begun.pacing):
            return
        if _moment(unit.pacings.get(ticking.act_id)) == _moment(begun):
            unit.pacings.put(ticking.act_id, KeptPacing(pacing, self._clock.now()))

    def kept(self) -> None:
        """Note that the transaction of ``keep`` was committed."""
        if self._thread.ticking is not None:
            self._thread.ticking.kept = self._thread.ticking.to_be_kept

    def _keep_alone(self, ticking: _Ticking) -> None:
        known = ticking.kept or (Pacing() if ticking.begun is None else ticking.begun.pacing)
        if not ticking.is_recalled or _says_the_same(self._meta.pacing(ticking.act_id), known):
            return
        try:
            with self._open_unit() as unit:
                self.keep(unit)
                unit.commit()
        except UnavailableError as error:
            # The tick has done its work, and what is kept gives nobody more than is left.
            _log.warning("pacing_not_saved", act_id=ticking.act_id, reason=str(error))


def _says_the_same(one: Pacing, other: Pacing) -> bool:
    return one.to_record() == other.to_record()


def _moment(kept: KeptPacing | None) -> object:
    return None if kept is None else kept.kept_at
