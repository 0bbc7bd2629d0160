"""A data folder from which runs were admitted is not started on a database that knows nothing of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.bootstrap.backup import make_backup, restore_backup
from autopublisher.bootstrap.database import opened_database, opened_units, units_of
from autopublisher.bootstrap.home_mark import HomeMark, MarkedTicks
from autopublisher.domain.errors import LostDatabaseError
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.work import Tick
from autopublisher.settings import Settings
from postgres_server import Copied
from support.older import load, load_and_upgrade

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(auto_publisher_home=tmp_path / "home", database_url=SecretStr(database_url))


@contextmanager
def opened(settings: Settings) -> Iterator[OpenUnitOfWork]:
    with opened_database(settings.database) as engine:
        yield units_of(engine)


def start(settings: Settings, *, new_database: bool = False) -> None:
    with opened(settings) as open_unit:
        HomeMark(settings.home, open_unit).check(new_database=new_database)


def lose(settings: Settings) -> None:
    """Empty the database, as one that was deleted and made again is."""
    with opened_database(settings.database) as engine, engine.begin() as connection:
        tables = "tokens operations variants meta_campaigns meta_ad_sets meta_ads meta_creatives decisions"
        for table in (*tables.split(), "insight_snapshots", "events", "campaigns", "runs", "installation"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of our own


@pytest.fixture
def with_runs(tmp_path: Path, database_copy: Copied) -> Settings:
    """An installation with runs that an earlier release has admitted."""
    url = database_copy(load_and_upgrade)
    return Settings(auto_publisher_home=tmp_path / "home", database_url=SecretStr(url))


@pytest.fixture
def admitted(with_runs: Settings) -> Settings:
    """An installation that has admitted runs and was started since."""
    start(with_runs)
    return with_runs


def test_a_lost_database_is_noticed_at_the_next_start(admitted: Settings) -> None:
    lose(admitted)
    with pytest.raises(LostDatabaseError, match="runs were admitted from") as refused:
        start(admitted)
    assert "--new-database" in refused.value.remedy
    with pytest.raises(LostDatabaseError), opened_units(admitted.database, admitted.home):
        pass


def test_beginning_anew_has_to_be_said_once(admitted: Settings) -> None:
    lose(admitted)
    start(admitted, new_database=True)
    start(admitted)


def test_starts_that_never_admitted_a_run_do_not_count(settings: Settings) -> None:
    start(settings)
    (settings.home / "storage").mkdir(parents=True, exist_ok=True)
    (settings.home / "secret_key").write_text("k" * 64)
    lose(settings)
    start(settings)


def test_a_run_that_was_only_refused_does_not_count(with_runs: Settings) -> None:
    with opened_database(with_runs.database) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE runs SET admitted_at = NULL"))
    start(with_runs)
    lose(with_runs)
    start(with_runs)


def test_the_folder_is_marked_as_soon_as_a_run_is_admitted(with_runs: Settings) -> None:
    with opened_database(with_runs.database) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE runs SET admitted_at = NULL"))
    with opened(with_runs) as open_unit:
        mark = HomeMark(with_runs.home, open_unit)
        mark.check()
        with open_unit() as unit:
            run = unit.runs.find(RunFilter(statuses=frozenset({RunStatus.AB_TESTING})))[0]

        def admit(tick: Tick) -> None:
            with open_unit() as unit:
                let_in(unit, tick.run_id or run.id)

        MarkedTicks(admit, mark)(Tick(run.id, run.version, ActId("act_1")))
    lose(with_runs)
    with pytest.raises(LostDatabaseError):
        start(with_runs)


def idle(tick: Tick) -> None:
    """Do nothing about a tick."""
    del tick


def let_in(unit: UnitOfWork, run_id: RunId) -> None:
    run = unit.runs.get(run_id)
    now = SystemClock().now()
    unit.runs.save(replace(run, version=run.version + 1, admitted_at=now), was=run.version)
    unit.commit()


def test_a_restored_database_is_the_folders_again(admitted: Settings, tmp_path: Path) -> None:
    make_backup(admitted, tmp_path / "kept.backup", with_key=False)
    lose(admitted)
    restore_backup(admitted, tmp_path / "kept.backup", "ana", replace=False)
    start(admitted)


def test_a_restored_database_of_before_the_first_run_is_the_folders_too(
    settings: Settings, tmp_path: Path
) -> None:
    start(settings)
    make_backup(settings, tmp_path / "early.backup", with_key=False)
    load_runs_into(settings)
    start(settings)
    restore_backup(settings, tmp_path / "early.backup", "ana", replace=True)
    start(settings)


def load_runs_into(settings: Settings) -> None:
    other = settings.model_copy(update={"auto_publisher_home": settings.home / "other", "database_url": None})
    (settings.home / "other").mkdir(parents=True)
    load("0003", other.database)
    with opened(other):
        pass
    make_backup(other, settings.home / "runs.backup", with_key=False)
    restore_backup(settings, settings.home / "runs.backup", "ana", replace=True)


def test_a_file_copied_without_its_write_ahead_log_is_noticed(tmp_path: Path) -> None:
    settings = Settings(auto_publisher_home=tmp_path / "home")
    start(settings)  # the file has its tables
    make_backup(settings, tmp_path / "early.backup", with_key=False)
    file = settings.database_file
    assert file is not None
    early = shutil.copy(file, tmp_path / "early.db")
    load_runs_into(settings)
    start(settings)
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        file.with_name(name).unlink(missing_ok=True)
    shutil.copy(early, file)
    with pytest.raises(LostDatabaseError):
        start(settings)


def test_a_folder_that_cannot_be_written_stops_no_tick(admitted: Settings, tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    with opened(admitted) as open_unit:
        mark = HomeMark(tmp_path / "no-folder", open_unit)
        MarkedTicks(idle, mark)(Tick(RunId("r"), 1, ActId("act_1")))
    assert not mark.exists
