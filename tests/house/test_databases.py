"""The database fixtures: every test gets an empty database of its own, on both engines."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import URL, Engine, create_engine, inspect, make_url, text

pytestmark = pytest.mark.slow

SERVE_UNTIL_KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
import postgres_server
with postgres_server.throw_away_server(postgres_server.machine_installations()) as server:
    print(server.url.render_as_string(hide_password=False), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_plugin(pytestconfig: pytest.Config) -> ModuleType:
    plugin = pytestconfig.pluginmanager.get_plugin("postgres_server")
    assert isinstance(plugin, ModuleType)
    return plugin


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_its_database_empty(engine: Engine, turn: int) -> None:
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE left_by_turn_{turn} (id INTEGER)"))
    assert inspect(engine).get_table_names() == [f"left_by_turn_{turn}"]


@pytest.mark.postgres
def test_a_machine_without_postgresql_is_served_by_the_python_package(postgres_plugin: ModuleType) -> None:
    with postgres_plugin.throw_away_server(machine=[]) as server:
        database = server.create_database()
        server.drop_database(database)
    assert database.host == "127.0.0.1"


@pytest.mark.postgres
def test_where_nothing_can_serve_the_reasons_are_told(postgres_plugin: ModuleType) -> None:
    nothing = postgres_plugin.throw_away_server(machine=[Path("/nonexistent")], package="no_such_package")
    reasons = r"(?s)/nonexistent.*no_such_package"
    with pytest.raises(postgres_plugin.PostgresUnavailableError, match=reasons), nothing:
        pass


@pytest.mark.postgres
def test_a_stopped_server_leaves_no_folder_behind(postgres_plugin: ModuleType) -> None:
    with postgres_plugin.throw_away_server(postgres_plugin.machine_installations()) as server:
        data = data_folder(server.url)
        assert data.is_dir()
    assert not data.parent.exists()


@pytest.mark.postgres
def test_a_server_does_not_outlive_killed_tests(postgres_plugin: ModuleType) -> None:
    command = [sys.executable, "-c", SERVE_UNTIL_KILLED, str(Path(str(postgres_plugin.__file__)).parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        data = data_folder(make_url(tests.stdout.readline().strip()))
        tests.kill()
    try:
        assert disappears(data / "postmaster.pid")
    finally:
        shutil.rmtree(data.parent)


def data_folder(url: URL) -> Path:
    engine = create_engine(url)
    with engine.connect() as connection:
        folder = str(connection.execute(text("SHOW data_directory")).scalar_one())
    engine.dispose()
    return Path(folder)


def disappears(path: Path) -> bool:
    deadline = time.monotonic() + 60
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not path.exists()
