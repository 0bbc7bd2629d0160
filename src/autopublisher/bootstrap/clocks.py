"""Choice of the clock: the machine's in live mode, the simulator's in stub mode, brought along or found running."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.clock_system import SystemClock
from autopublisher.bootstrap.simulator_process import announced
from autopublisher.domain.errors import UnavailableError
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.settings import Settings


@dataclass(frozen=True)
class StandingClock:
    """Clock of stub mode while no simulator runs: no time passes, so it stands where it was seen last."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment

    def real_seconds_until(self, moment: datetime) -> None:
        """Return None: waiting does not help."""


@contextmanager
def opened_clock(settings: Settings, graph_url: str, token: str) -> Iterator[Clock]:
    """Open the clock that goes with a Marketing API: in stub mode the simulator's, whose controls ask for ``token``."""
    if not settings.is_stub:
        yield SystemClock()
        return
    with SimulatedClock(graph_url, token) as clock:
        yield clock


@contextmanager
def opened_clock_to_look(settings: Settings, open_unit: OpenUnitOfWork) -> Iterator[Clock]:
    """Open the clock for what only looks, for which no simulator is started."""
    url, token = settings.meta_graph_url or "", ""
    if settings.supervises_simulator:
        try:
            found = announced(settings.home)
        except UnavailableError:
            yield StandingClock(_last_moment(open_unit))
            return
        url, token = found.url, found.token
    with opened_clock(settings, url, token) as clock:
        yield clock


def _last_moment(open_unit: OpenUnitOfWork) -> datetime:
    """Return the last look's moment or the newest run's last change; the present where nothing has happened yet."""
    with open_unit().reading() as unit:
        looks = [watch.looked_at for watch in unit.watches.all() if watch.looked_at is not None]
        runs = [run.updated_at for run in unit.runs.find(RunFilter(newest_first=True, limit=1))]
    return max([*looks, *runs], default=SystemClock().now())
