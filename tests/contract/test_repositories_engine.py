"""Opening a database: every usual form of address, and a plain answer where there is none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId
from autopublisher.domain.people import User

NOBODY_LISTENS = "postgresql://ana:s3cret@127.0.0.1:1/shop"


@pytest.mark.postgres
@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"]
)
def test_every_postgresql_address_runs_on_psycopg_3(postgres_url: str, scheme: str) -> None:
    engine = open_engine(postgres_url.replace("postgresql+psycopg", scheme))
    engine.dispose()
    assert engine.url.drivername == "postgresql+psycopg"


@pytest.mark.postgres
def test_asyncpgs_word_for_encryption_is_understood(postgres_url: str) -> None:
    engine = open_engine(f"{postgres_url}?ssl=disable")
    engine.dispose()
    assert dict(engine.url.query) == {"sslmode": "disable"}


@pytest.mark.postgres
def test_a_password_given_as_an_option_is_used_and_never_shown(postgres_url: str) -> None:
    url = make_url(postgres_url)
    address = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}?password={url.password}"
    engine = open_engine(address)
    engine.dispose()
    assert str(url.password) not in f"{engine!r} {engine.url!r} {engine.url}"


@pytest.mark.postgres
def test_postgresql_reads_what_is_committed(postgres_engine: Engine) -> None:
    with postgres_engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)],
)
def test_sqlite_is_durable_strict_and_patient(sqlite_engine: Engine, pragma: str, value: object) -> None:
    with sqlite_engine.connect() as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_sqlites_write_lock_is_taken_at_once(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as first, sqlite_engine.connect() as second:
        driver = second.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA busy_timeout=0")
        first.begin()
        with pytest.raises(Exception, match="database is locked"):
            second.begin()


def test_a_new_file_can_be_opened_by_many_at_once(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def open_and_close(_: int) -> None:
        for number in range(12):
            start.wait(timeout=60)
            open_engine(f"sqlite:///{tmp_path / f'{number}.db'}").dispose()

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(open_and_close, range(8)))) == 8


def test_an_unreachable_server_is_told_without_its_password() -> None:
    with pytest.raises(UnavailableError, match=Fault.DATABASE_SILENT) as caught:
        open_engine(NOBODY_LISTENS)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "url", ["mysql://ana:s3cret@db/shop", "postgresql:/ana:s3cret@", "", "nonsense s3cret"]
)
def test_an_address_of_no_use_is_told_without_its_password(url: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        open_engine(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_an_sqlite_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(UnavailableError, match=Fault.DATABASE_IN_MEMORY):
        open_engine(url)


def test_a_file_in_no_folder_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="unable to open"):
        open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'shop.db'}")


def test_a_file_that_is_no_database_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(b"These bytes are no database. " * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        open_engine(f"sqlite:///{path}")


def test_a_database_without_tables_is_told_from_one_without_the_row(database_url: str) -> None:
    engine = open_engine(database_url)
    with SqlUnitOfWork(engine) as unit, pytest.raises(UnavailableError, match="accounts"):
        unit.accounts.get(AccountId("account-1"))
    engine.dispose()


def test_values_never_appear_in_errors(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection, pytest.raises(Exception, match="no such table") as caught:
        connection.execute(text("SELECT * FROM nowhere WHERE hash = :hash"), {"hash": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_reader_waits_for_no_writer_and_keeps_none_waiting(sqlite_engine: Engine, user: User) -> None:
    with SqlUnitOfWork(sqlite_engine) as writer:
        writer.people.add(user)
        with SqlUnitOfWork(sqlite_engine).reading() as reader:
            assert reader.people.by_name(user.name) is None
            writer.commit()
            assert (
                reader.people.by_name(user.name) is None
            )  # it sees one state, whatever is committed meanwhile
    with SqlUnitOfWork(sqlite_engine).reading() as later:
        assert later.people.by_name(user.name) == user


def test_a_reader_commits_nothing(sqlite_engine: Engine, user: User) -> None:
    with SqlUnitOfWork(sqlite_engine).reading() as reader:
        reader.people.add(user)
        with pytest.raises(TypeError, match="only reads"):
            reader.commit()
    with SqlUnitOfWork(sqlite_engine).reading() as later:
        assert later.people.by_name(user.name) is None
