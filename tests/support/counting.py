"""A machine that counts how often it goes to the database and to Meta."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import requests

from autopublisher.adapters.memory.unit_of_work import MemoryUnitOfWork
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.ids import InstallationId
from autopublisher.flows.dispatcher import EngineConfig, build_dispatcher
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.writes.claims import AccountClaims
from support.direct import ADDRESS, DirectMachine, DirectTransport
from support.simulated import ACT


@dataclass
class Counts:
    """Units of work, those that were committed, and requests to Meta by method."""

    units: int = 0
    commits: int = 0
    calls: Counter[str] = field(default_factory=Counter)


class CountedUnit(MemoryUnitOfWork):
    """A unit of work that counts itself."""

    counts: Counts

    def __enter__(self) -> Self:
        self.counts.units += 1
        return super().__enter__()

    def commit(self) -> None:
        self.counts.commits += 1
        super().commit()


class CountedTransport(DirectTransport):
    """Counts the requests it hands over."""

    counts: Counts

    def send(  # type: ignore[override] # as its base
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        self.counts.calls[str(request.method)] += 1
        return super().send(request, **options)


class CountedMachine(DirectMachine):
    """A machine whose ticks are counted, on an account that it claims as the product does."""

    transport_kind: type[CountedTransport] = CountedTransport

    def __init__(self) -> None:
        self.counts = Counts()
        super().__init__(EngineConfig(poll=timedelta(hours=1)))

    def open_unit(self) -> MemoryUnitOfWork:
        unit = CountedUnit(self.database)
        unit.counts = self.counts
        return unit

    def start(self) -> None:
        super().start()
        self.transport = self.transport_kind(self.simulator)
        self.transport.counts = self.counts
        self.meta._session.requests.mount(ADDRESS, self.transport)
        with self.open_unit() as unit:
            unit.installations.add(Installation(InstallationId("counted"), self.clock.now()))
            unit.commit()
        known = (self.open_unit, self.meta, self.clock, "a file", self.pace.look)
        self.claims = AccountClaims(*known, nonce=lambda: "n")
        parts = (self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace)
        self.advance = build_dispatcher(*parts, claims=self.claims)

    def claim(self) -> None:
        """Wait until the account may be written to."""
        for _ in range(60):
            with suppress(Deferred):
                self.claims.need(ACT)
                return
            self.pass_time(60)

    @contextmanager
    def counted(self) -> Iterator[Counts]:
        self.counts.units = self.counts.commits = 0
        self.counts.calls.clear()
        yield self.counts
