"""Workers that stop without ending: frozen within a call or a transaction, killed, or told to go.

PostgreSQL keeps a frozen process's session, its lock and its row locks as long as the process exists, so the others must
notice that nothing comes from it any more. What it does when it wakes must not matter.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import sqlalchemy as sa

from autopublisher.adapters.db.engine import open_engine
from autopublisher.bootstrap import Product, Work
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run, RunStatus
from support.auditor import RemoteAuditor, assert_complete, assert_ended_right, objects, twice
from support.crashing_processes import World, alive, furnish, is_stopped, wait_until, work
from support.staging import with_test
from support.torture import sized, spread
from support.under_way import approve

TAKEN_OVER_WITHIN_SECONDS = 30.0
ENDED_WITHIN_SECONDS = 100.0
"""A worker waits three times for up to 20 s when it ends: for its sweep, its ticks, and its watch of the others."""

FREEZES = sized(2, 40)
LIFE = 320
"""Nearly as many moments as a worker has that sees a run from its beginning to its end."""

ONCE = ("admitted", "test_started", "test_stopped", "approved", "scaled", "completed")


class Stage:
    """One run on a database several workers may share, seen from outside all of them."""

    def __init__(self, product: Product, world: World, auditor: RemoteAuditor) -> None:
        self.world = world
        self.auditor = auditor
        self._product = product
        self.run_id: RunId = product.services.intake.submit(with_test(settle_hours=6), "manager").id

    @property
    def run(self) -> Run:
        with self._product.outside.open_unit() as unit:
            return unit.runs.get(self.run_id)

    def approve(self) -> None:
        self._product.services.approvals.publish_winner(self.run_id, "manager", variant="B")

    def approve_if_it_waits(self) -> None:
        """Approve as soon as that is asked for; if the run moves at that moment, the next call tries again."""
        run = self.run
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            approve(self._product, self.run_id)

    def ends_or(self, holds: Callable[[], bool]) -> bool:
        """Tell whether the run has ended or something holds, approving what waits."""
        self.approve_if_it_waits()
        return holds() or self.run.is_final

    def is_in(self, *statuses: RunStatus) -> bool:
        return self.run.status in statuses

    def reaches(self, status: RunStatus) -> None:
        wait_until(f"the run is {status}", lambda: self.is_in(status) or self.run.is_final)
        run = self.run
        assert run.status is status, (run.status, run.ending.why, run.attention)

    def calls(self, method: str, edge: str) -> int:
        made = self.auditor.ask("GET", "requests")["data"]
        return sum(one["method"] == method and one["path"].endswith(edge) for one in made)

    def events(self) -> Counter[str]:
        with self._product.outside.open_unit() as unit:
            found = unit.observations.events(self.run_id)
        return Counter(one.tag.rsplit(":", 1)[1] for one in found if one.tag.startswith("orchestrator:run:"))

    def ticks(self, status: str) -> int:
        """Count ticks by the state the engine has them in."""
        engine = open_engine(self.world.database_url)
        table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
        query = sa.text(f"SELECT count(*) FROM {table} WHERE status = :status")  # noqa: S608 - two fixed names
        with engine.connect() as connection:
            found: int = connection.execute(query, {"status": status}).scalar_one()
        engine.dispose()
        return found


@contextmanager
def staged(database_url: str, tmp_path: Path, auditor: RemoteAuditor) -> Iterator[Stage]:
    world = World(tmp_path / "home", database_url, auditor.url)
    furnish(world)
    with Product(world.settings, Work.NONE) as product:
        yield Stage(product, world, auditor)


def send(process: ForkServerProcess, number: int) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)


def hold_back(auditor: RemoteAuditor, edge: str, seconds: float) -> None:
    """Have Meta take a write at once and answer late."""
    match = {"method": "POST", "path_regex": f"{edge}$"}
    auditor.ask("POST", "faults", json={"kind": "slow", "seconds": seconds, "match": match})


@pytest.mark.postgres
def test_a_worker_frozen_within_a_call_is_replaced_and_does_no_harm_when_it_wakes(
    postgres_url: str, tmp_path: Path, auditor: RemoteAuditor
) -> None:
    with staged(postgres_url, tmp_path, auditor) as stage, ExitStack() as stack:
        hold_back(auditor, "campaigns", 5)
        frozen = stack.enter_context(alive(work, stage.world))
        wait_until("the first campaign is being created", lambda: stage.calls("POST", "campaigns") > 0)
        send(frozen, signal.SIGSTOP)
        version = stage.run.version
        stack.enter_context(alive(work, stage.world))
        wait_until(
            "another worker has taken over",
            lambda: stage.run.version > version,
            TAKEN_OVER_WITHIN_SECONDS + 5,
        )
        stage.reaches(RunStatus.WAITING_APPROVAL)
        send(frozen, signal.SIGCONT)
        stage.approve()
        stage.reaches(RunStatus.COMPLETED)
        assert_ended_right(auditor, stage.run)
        assert_complete(auditor, stage.run)
        assert {name: stage.events()[name] for name in ONCE} == dict.fromkeys(ONCE, 1)
        send(frozen, signal.SIGTERM)
        frozen.join(60)
        assert frozen.exitcode == 0


@pytest.mark.postgres
@pytest.mark.parametrize("moment", spread(LIFE, FREEZES, random.Random(7)))  # noqa: S311 - no secret
def test_a_worker_frozen_at_any_moment_keeps_nothing_locked_and_makes_nothing_twice(
    postgres_url: str, tmp_path: Path, auditor: RemoteAuditor, moment: int
) -> None:
    with staged(postgres_url, tmp_path, auditor) as stage, ExitStack() as stack:
        frozen = stack.enter_context(alive(work, stage.world, moment))
        wait_until("the worker is frozen", lambda: stage.ends_or(lambda: is_stopped(frozen)))
        assert is_stopped(frozen), f"a worker's life has fewer than {moment} moments"
        version = stage.run.version
        stack.enter_context(alive(work, stage.world))
        wait_until(
            "another worker has taken over",
            lambda: stage.ends_or(lambda: stage.run.version > version),
            TAKEN_OVER_WITHIN_SECONDS + 5,
        )
        # Half of them wake while the run goes on, the others when all is done and whatever they do is too much.
        if moment % 2:
            wait_until("the run has ended", lambda: stage.ends_or(lambda: False))
        send(frozen, signal.SIGCONT)
        wait_until("the run has ended", lambda: stage.ends_or(lambda: False))
        send(frozen, signal.SIGTERM)  # it ends what it was in the middle of
        frozen.join(ENDED_WITHIN_SECONDS)
        assert frozen.exitcode == 0
        assert stage.run.status is RunStatus.COMPLETED, (stage.run.ending.why, stage.run.attention)
        assert twice(objects(auditor, stage.run_id)) == {}
        assert_ended_right(auditor, stage.run)
        assert_complete(auditor, stage.run)
        assert {name: stage.events()[name] for name in ONCE} == dict.fromkeys(ONCE, 1)


@pytest.mark.postgres
def test_a_killed_workers_tick_is_taken_over(
    postgres_url: str, tmp_path: Path, auditor: RemoteAuditor
) -> None:
    with staged(postgres_url, tmp_path, auditor) as stage, ExitStack() as stack:
        hold_back(auditor, "campaigns", 5)
        killed = stack.enter_context(alive(work, stage.world))
        wait_until("the first campaign is being created", lambda: stage.calls("POST", "campaigns") > 0)
        stack.enter_context(alive(work, stage.world))
        version = stage.run.version
        killed.kill()
        wait_until(
            "another worker has taken over", lambda: stage.run.version > version, TAKEN_OVER_WITHIN_SECONDS
        )
        stage.reaches(RunStatus.WAITING_APPROVAL)
        assert stage.events()["test_started"] == 1


def test_a_worker_told_to_go_ends_its_tick_and_leaves_nothing_behind(
    database_url: str, tmp_path: Path, auditor: RemoteAuditor
) -> None:
    hold_back(auditor, "campaigns", 2)
    with staged(database_url, tmp_path, auditor) as stage, alive(work, stage.world) as leaving:
        wait_until("the first campaign is being created", lambda: stage.calls("POST", "campaigns") > 0)
        version = stage.run.version
        send(leaving, signal.SIGTERM)
        leaving.join(60)
        assert leaving.exitcode == 0
        assert stage.run.version == version + 1
        assert stage.ticks("PENDING") == 0
