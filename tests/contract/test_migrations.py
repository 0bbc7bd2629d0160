"""The migrations lead to exactly the tables the code uses, whoever runs them and however many at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from autopublisher.adapters.db import migrations
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import current_revision, is_current, upgrade
from autopublisher.adapters.db.tables import METADATA
from autopublisher.domain.errors import NewerDatabaseError

pytestmark = pytest.mark.slow

UPGRADE = """
import sys
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
print("ready", flush=True)
sys.stdin.readline()
upgrade(open_engine(sys.argv[1]))
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_an_empty_database_is_at_no_revision(engine: Engine) -> None:
    assert (current_revision(engine), is_current(engine)) == (None, False)


def test_upgrading_leads_to_the_tables_the_code_uses(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_an_upgraded_database_is_current(engine: Engine) -> None:
    upgrade(engine)
    assert is_current(engine)


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        columns = "id, name, role, password_hash, created_at, active"
        values = "'u', 'ana', 'admin', 'h', '2026-01-01', TRUE"
        connection.execute(text(f"INSERT INTO users ({columns}) VALUES ({values})"))  # noqa: S608 - no input
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar() == 1


def test_downgrading_leaves_nothing_behind(engine: Engine) -> None:
    upgrade(engine)
    settings = Config()
    settings.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    settings.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_a_database_of_a_later_release_is_refused(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="revision 9999") as caught:
        upgrade(engine)
    assert "Install the newer release" in caught.value.remedy


def test_references_are_enforced_again_after_upgrading(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)foreign key"):
        connection.execute(
            text("INSERT INTO creatives VALUES ('c', 'nobody', 'n', 'k', 's', '2026-01-01', 'image/png')")
        )


def test_processes_that_upgrade_at_once_all_succeed(engine: Engine, database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    complaints = [process.communicate()[1] for process in processes]
    assert ([process.returncode for process in processes], complaints) == ([0, 0], ["", ""])
    assert is_current(engine)
