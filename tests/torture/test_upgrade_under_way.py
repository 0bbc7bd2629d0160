"""Databases that earlier releases left, with a run in every status, brought to this one: every run goes on to its end."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from autopublisher.adapters.db import migrations
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.revisions import current_revision, is_current
from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import FINAL, RunStatus
from metasim.server import SimulatorThread
from support.auditor import RemoteAuditor, assert_complete, assert_ended_right
from support.command import CommandLine
from support.crashing_processes import World, alive, furnish, wait_until, work
from support.older import load, remembered, revisions
from support.pictures import picture
from support.simulated import ACCOUNT
from support.torture import IS_FULL
from support.under_way import RUNS_AT_ONCE, Driver, approve, driver

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

BUDGETED_BEFORE = frozenset({RunStatus.PUBLISHING_FINAL, RunStatus.COMPLETED})
"""Where an older release has computed the final budget: the first one may have left out a minor unit, which it settled
by rounding. It is too late for those runs; what was settled for others is put right by revision 0004."""


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


def waiting_ticks(database_url: str) -> dict[str, str]:
    """Return what has become of each tick in the queue, by its id."""
    engine = open_engine(database_url)
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    rows = sa.table("workflow_status", sa.column("workflow_uuid"), sa.column("status"), schema=schema)
    with engine.connect() as connection:
        found = connection.execute(sa.select(rows.c.workflow_uuid, rows.c.status)).all()
    engine.dispose()
    return {str(tick): str(status) for tick, status in found}


def seen_to_their_ends(
    world: World, now: Driver, runs: dict[RunStatus, RunId], auditor: RemoteAuditor
) -> None:
    """Run a worker until every run has ended, and see that each did as it had to."""

    def all_ended() -> bool:
        found = [now.run(run_id) for run_id in runs.values()]
        for run in found:
            if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
                approve(now.product, run.id)
        return all(run.is_final for run in found)

    with alive(work, world):
        wait_until("every run has ended", all_ended)
    for status, run_id in runs.items():
        run = now.run(run_id)
        assert run.status is (status if status in FINAL else RunStatus.COMPLETED), (status, run.ending.why)
        assert_ended_right(auditor, run, 1 if status in BUDGETED_BEFORE else 0)
        if run.status is RunStatus.COMPLETED:
            assert_complete(auditor, run)


@pytest.mark.parametrize("revision", revisions() if IS_FULL else revisions()[-1:])
def test_a_database_that_an_older_release_wrote_goes_on(
    revision: str, database_url: str, tmp_path: Path
) -> None:
    load(revision, database_url)
    left_waiting = waiting_ticks(database_url)
    with SimulatorThread(remembered(revision, tmp_path)) as simulator:
        world = World(tmp_path / "home", database_url, simulator.url, RUNS_AT_ONCE)
        put_pictures(world)
        upgraded_by_two_at_once(world, tmp_path)
        with driver(world.settings) as now:
            runs = {run.status: run.id for run in now.runs()}
            assert set(runs) == set(RunStatus)
            seen_to_their_ends(world, now, runs, RemoteAuditor(simulator.url))
    ended = waiting_ticks(database_url)
    assert left_waiting
    assert {tick: ended[tick] for tick in left_waiting} == dict.fromkeys(left_waiting, "SUCCESS")


def put_pictures(world: World) -> None:
    """Put the creatives' pictures where the older release had them."""
    storage = ObstoreStorage.in_folder(world.home / "storage")
    for number in range(2):
        storage.write(f"creatives/{ACCOUNT}-{number}", picture(number))


def test_runs_of_the_first_release_in_every_status_go_on_to_their_ends(
    database_url: str, tmp_path: Path, auditor: RemoteAuditor
) -> None:
    world = World(tmp_path / "home", database_url, auditor.url, RUNS_AT_ONCE)
    furnish(world)
    with driver(world.settings) as first:
        runs = first.in_every_status()
    brought_back_to_the_first_release(database_url)
    upgraded_by_two_at_once(world, tmp_path)
    with driver(world.settings) as now:
        seen_to_their_ends(world, now, runs, auditor)
