"""Ticks of one ad account follow each other through many processes: each goes on from what the last learnt of Meta's limits.

Theory of operation. Before a tick the account's pacing is taken from the database, and what is left of its burst is marked
there as used; after the tick what the client knows by then is written back, however the tick ended. A process that dies
in between leaves a burst nobody is given twice: the next one makes a single call, hears the usage, and waits.
"""

from collections.abc import Callable

import structlog

from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.pacing import MetaPacing
from autopublisher.ports.repositories import KeptPacing, OpenUnitOfWork
from autopublisher.ports.work import Tick

_log = structlog.get_logger(__name__)


class PacedTicks:
    """A tick handler around another: what it calls at Meta counts for the tick's account, whatever process it runs in."""

    def __init__(
        self, handler: Callable[[Tick], None], open_unit: OpenUnitOfWork, meta: MetaPacing, clock: Clock
    ) -> None:
        self._handler = handler
        self._open_unit = open_unit
        self._meta = meta
        self._clock = clock

    def __call__(self, tick: Tick) -> None:
        """Handle the tick; raises what the handler raises, and UnavailableError before it has begun."""
        begun = self._recalled(tick.act_id)
        try:
            with self._meta.working_for(tick.act_id):
                self._handler(tick)
        finally:
            self._keep(tick.act_id, begun)

    def _recalled(self, act_id: ActId) -> KeptPacing | None:
        """Have the client go on from what is kept; return what is kept while the tick runs, None where nothing is."""
        with self._open_unit() as unit:
            kept = unit.pacings.get(act_id)
            if kept is None:
                return None
            now = self._clock.now()
            pacing = kept.pacing.as_of(now, kept.kept_at)
            meanwhile = KeptPacing(pacing.with_bursts_used(), now)
            if not _says_the_same(meanwhile.pacing, kept.pacing):
                unit.pacings.put(act_id, meanwhile)
                unit.commit()
                kept = meanwhile
        self._meta.recall(act_id, pacing)
        return kept

    def _keep(self, act_id: ActId, begun: KeptPacing | None) -> None:
        """Write back what the client knows now, unless another tick has done so meanwhile: this one was thought dead."""
        pacing = self._meta.pacing(act_id)
        if _says_the_same(pacing, Pacing() if begun is None else begun.pacing):
            return
        try:
            with self._open_unit() as unit:
                kept = unit.pacings.get(act_id)
                if _moment(kept) == _moment(begun):
                    unit.pacings.put(act_id, KeptPacing(pacing, self._clock.now()))
                    unit.commit()
        except UnavailableError as error:
            # The tick has done its work, and what is kept gives nobody more than is left.
            _log.warning("pacing_not_kept", act_id=act_id, reason=str(error))


def _says_the_same(one: Pacing, other: Pacing) -> bool:
    return one.to_record() == other.to_record()


def _moment(kept: KeptPacing | None) -> object:
    return None if kept is None else kept.kept_at
