"""Runs brought to every status by hand, without a worker; also a program.

A later tree's ``support.older`` starts this file with this tree's product and test support on the path, so its command
line stays as it is: ``python -P under_way.py HOME DATABASE_URL GRAPH_URL``.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx2
from pydantic import SecretStr

from autopublisher.bootstrap import Product
from autopublisher.bootstrap.product import Work
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.errors import ConflictError, StaleRunError
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_orchestrator
from autopublisher.ports.repositories import RunFilter
from autopublisher.ports.work import Tick
from autopublisher.settings import Settings, StubClock
from support.crashing_machine import START
from support.installation import DEFAULTS
from support.pictures import picture
from support.simulated import ACCOUNT, ACT, CREATIVES
from support.staging import with_test

PATH = (
    RunStatus.COMPLETED,
    RunStatus.PUBLISHING_FINAL,
    RunStatus.SCALING_BUDGET,
    RunStatus.WAITING_APPROVAL,
    RunStatus.SELECTING_WINNER,
    RunStatus.ANALYZING_RESULTS,
    RunStatus.AB_TESTING,
    RunStatus.CREATING_CAMPAIGNS,
    RunStatus.PENDING,
)
"""The statuses a run goes through."""

RUNS_AT_ONCE = 20
POLL = timedelta(hours=8)
TICKS = 100


class Orchestrator(Protocol):
    """Does a tick; where its class lives differs from release to release."""

    def advance(self, tick: Tick) -> object:
        """Do what a tick is about."""
        ...


@dataclass(frozen=True)
class Driver:
    """Brings runs to a status by hand, without a worker."""

    product: Product
    orchestrator: Orchestrator

    def run(self, run_id: RunId) -> Run:
        with self.product.outside.open_unit() as unit:
            return unit.runs.get(run_id)

    def runs(self) -> list[Run]:
        with self.product.outside.open_unit() as unit:
            return list(unit.runs.find(RunFilter(limit=1000)))

    def submitted(self, name: str) -> RunId:
        request = replace(with_test(settle_hours=6), campaign_name=name)
        return self.product.services.intake.submit(request, "manager").id

    def in_every_status(self) -> dict[RunStatus, RunId]:
        """Return a run in each status there is."""
        ended = {RunStatus.CANCELLED: self.cancelled(), RunStatus.FAILED: self.failed()}
        # Those that have only begun come last: a test keeps the schedule it was admitted with.
        return ended | self.brought_to(*PATH[:-2]) | self.brought_to(*PATH[-2:])

    def brought_to(self, *statuses: RunStatus) -> dict[RunStatus, RunId]:
        """Bring a run to each status, all at the same time, so that none rests for longer than it has to."""
        found = {status: self.submitted(f"was {status}") for status in statuses}
        for _ in range(TICKS * len(statuses)):
            runs = {status: self.run(run_id) for status, run_id in found.items()}
            moving = [run for status, run in runs.items() if run.status is not status]
            if not moving:
                return found
            first = min(moving, key=lambda run: (run.next_tick_at or run.created_at, run.id))
            assert first.status not in FINAL, first.ending.why
            if first.status is RunStatus.WAITING_APPROVAL and first.release.approval is None:
                approve(self.product, first.id)
            self.tick(first.id)
        raise AssertionError({status: self.run(run_id).status for status, run_id in found.items()})

    def tick(self, run_id: RunId) -> None:
        run = self.run(run_id)
        clock = self.product.outside.clock
        assert hasattr(clock, "advance_to")
        clock.advance_to(run.next_tick_at)
        self.orchestrator.advance(Tick(run.id, run.version, run.act_id))

    def cancelled(self) -> RunId:
        run_id = self.brought_to(RunStatus.AB_TESTING)[RunStatus.AB_TESTING]
        self.product.services.approvals.cancel(run_id, "manager")
        while self.run(run_id).status not in FINAL:
            self.tick(run_id)
        return run_id

    def failed(self) -> RunId:
        """Have Meta refuse an ad set, so that the run takes back what it made."""
        match = {"method": "POST", "path_regex": "adsets$"}
        fault = {"kind": "error_200", "code": 100, "is_transient": False, "match": match}
        token = getattr(self.product, "simulator_token", "")  # an older release's simulator asks for none
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.product.meta_url}/_sim/faults"
        answer = httpx2.post(address, json=fault, headers=headers, trust_env=False)
        assert answer.is_success, answer.text
        run_id = self.submitted("was failed")
        while self.run(run_id).status not in FINAL:
            self.tick(run_id)
        return run_id


@contextmanager
def driver(settings: Settings) -> Iterator[Driver]:
    """Drive the product of these settings, which runs nothing by itself meanwhile."""
    with Product(settings, Work.NONE) as product:
        out = product.outside
        pace = EngineConfig(poll=POLL, most_runs_at_once=RUNS_AT_ONCE)
        parts = (out.open_unit, out.meta, out.storage, out.clock, out.ticks, pace)
        yield Driver(product, build_orchestrator(*parts))


def approve(product: Product, run_id: RunId) -> None:
    """Approve B; if the run moves at that moment, the next look tries again."""
    try:
        product.services.approvals.publish_winner(run_id, "manager", variant="B")
    except (ConflictError, StaleRunError):
        return


def registered(product: Product) -> None:
    """Register the ad account with two creatives."""
    with product.outside.open_unit() as unit:
        unit.accounts.add(Account(ACCOUNT, ACT, ACT, "EUR", "Europe/Madrid", AdDefaults(**DEFAULTS), START))
        for number, name in enumerate(CREATIVES[:2]):
            key = f"creatives/{ACCOUNT}-{number}"
            product.outside.storage.write(key, picture(number))
            unit.creatives.add(Creative(name, ACCOUNT, f"Creative {number}", key, f"{number:064x}", START))
        unit.commit()


def main(home: str, database_url: str, graph_url: str) -> None:
    """Write a database with a run in every status."""
    settings = Settings(
        auto_publisher_home=Path(home),
        auto_publisher_max_concurrent_runs=RUNS_AT_ONCE,
        auto_publisher_poll_minutes=int(POLL.total_seconds() // 60),
        database_url=SecretStr(database_url),
        meta_graph_url=graph_url,
        stub_clock=StubClock.JUMP,
    )
    with driver(settings) as old:
        registered(old.product)
        old.in_every_status()


if __name__ == "__main__":
    main(*sys.argv[1:])
