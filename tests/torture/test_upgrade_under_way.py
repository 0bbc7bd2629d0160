"""A database of the first release, with a run in every status, brought to this one: every run goes on to its end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from autopublisher.adapters.db import migrations
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import current_revision, is_current
from autopublisher.bootstrap import Product, Work
from autopublisher.domain.ids import RunId
from autopublisher.domain.run import FINAL, Run, RunStatus
from autopublisher.flows.machine import Pace, build_orchestrator
from autopublisher.flows.orchestrator import Orchestrator
from autopublisher.ports.work import Tick
from support.command import CommandLine
from support.judge import DistantJudge, assert_complete, assert_ended_right
from support.lives import World, alive, approve, furnish, wait_until, work
from support.staging import with_test

FIRST_REVISION = "0001"
FIRST_FIELDS = frozenset(
    {
        "approval",
        "approval_expires_at",
        "attention",
        "build_ends_at",
        "build_starts_at",
        "control_by",
        "created_by",
        "edited_at",
        "eliminated",
        "ends_as",
        "failed_ticks",
        "failure",
        "final_budget",
        "leader",
        "objective",
        "plan_digest",
        "proven",
        "report",
        "request_digest",
        "settles_at",
        "stopped_at",
        "test_ends_at",
        "test_starts_at",
        "warnings",
        "winner",
    }
)
"""What the first release kept of a run beside its columns."""

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

TICKS = 100


@dataclass(frozen=True)
class Driver:
    """Brings runs to a status by hand, without a worker."""

    product: Product
    orchestrator: Orchestrator

    def run(self, run_id: RunId) -> Run:
        with self.product.outside.open_unit() as unit:
            return unit.runs.get(run_id)

    def submitted(self, name: str) -> RunId:
        request = replace(with_test(settle_hours=6), campaign_name=name)
        return self.product.services.intake.submit(request, "manager").id

    def brought_to(self, *statuses: RunStatus) -> dict[RunStatus, RunId]:
        """Bring a run to each status, all at the same time, so that none rests for longer than it has to."""
        found = {status: self.submitted(f"was {status}") for status in statuses}
        for _ in range(TICKS * len(statuses)):
            runs = {status: self.run(run_id) for status, run_id in found.items()}
            moving = [run for status, run in runs.items() if run.status is not status]
            if not moving:
                return found
            first = min(moving, key=lambda run: (run.next_tick_at or run.created_at, run.id))
            assert first.status not in FINAL, first.failure
            if first.status is RunStatus.WAITING_APPROVAL and first.approval is None:
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

    def failed(self, judge: DistantJudge) -> RunId:
        """Have Meta refuse an ad set, so that the run takes back what it made."""
        match = {"method": "POST", "path_regex": "adsets$"}
        fault = {"kind": "error_200", "code": 100, "is_transient": False, "match": match}
        judge.ask("POST", "faults", json=fault)
        run_id = self.submitted("was failed")
        while self.run(run_id).status not in FINAL:
            self.tick(run_id)
        return run_id


@contextmanager
def driver(world: World) -> Iterator[Driver]:
    with Product(world.settings, Work.NONE) as product:
        out = product.outside
        pace = Pace(poll=timedelta(hours=8), most_runs_at_once=world.runs_at_once)
        parts = (out.open_unit, out.meta, out.storage, out.clock, out.ticks, pace)
        yield Driver(product, build_orchestrator(*parts))


def brought_back_to_the_first_release(database_url: str) -> None:
    """Undo the later revisions, and forget what later releases remember of a run."""
    engine = open_engine(database_url)
    settings = Config()
    settings.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    settings.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, FIRST_REVISION)
    runs = sa.table("runs", sa.column("id"), sa.column("details", sa.JSON()))
    with engine.begin() as connection:
        for run_id, details in connection.execute(sa.select(runs.c.id, runs.c.details)).all():
            known = json.loads(details) if isinstance(details, str) else details
            first = {name: value for name, value in known.items() if name in FIRST_FIELDS}
            connection.execute(sa.update(runs).where(runs.c.id == run_id).values(details=first))
    assert current_revision(engine) == FIRST_REVISION
    engine.dispose()


def upgraded_by_two_at_once(world: World, folder: Path) -> None:
    variables = {"DATABASE_URL": world.database_url, "AUTO_PUBLISHER_HOME": str(world.home)}
    processes = [CommandLine(folder).start("db", "upgrade", **variables) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    engine = open_engine(world.database_url)
    assert is_current(engine)
    engine.dispose()


def test_runs_of_the_first_release_in_every_status_go_on_to_their_ends(
    database_url: str, tmp_path: Path, judge: DistantJudge
) -> None:
    world = World(tmp_path / "home", database_url, judge.url, runs_at_once=20)
    furnish(world)
    with driver(world) as first:
        ended = {RunStatus.CANCELLED: first.cancelled(), RunStatus.FAILED: first.failed(judge)}
        # Those that have only begun come last: a test keeps the schedule it was admitted with.
        under_way = first.brought_to(*PATH[:-2]) | first.brought_to(*PATH[-2:])
    brought_back_to_the_first_release(database_url)
    upgraded_by_two_at_once(world, tmp_path)
    with driver(world) as now, alive(work, world):

        def all_ended() -> bool:
            runs = [now.run(run_id) for run_id in under_way.values()]
            for run in runs:
                if run.status is RunStatus.WAITING_APPROVAL and run.approval is None:
                    approve(now.product, run.id)
            return all(run.is_final for run in runs)

        wait_until("every run has ended", all_ended)
        for status, run_id in (under_way | ended).items():
            run = now.run(run_id)
            assert run.status is (status if status in FINAL else RunStatus.COMPLETED), (status, run.failure)
            assert_ended_right(judge, run)
            if run.status is RunStatus.COMPLETED:
                assert_complete(judge, run)
