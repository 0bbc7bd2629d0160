"""The file store, the same in a folder, in memory and in a database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select

from autopublisher.adapters.db.tables import files
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.storage_moved import MovedStorage
from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.adapters.storage_sql import SqlStorage
from autopublisher.bootstrap.files import Place, place_of_files, storage_of
from autopublisher.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from autopublisher.domain.faults import Fault
from autopublisher.ports.storage import Storage

CROOKED = [
    "",
    "/etc/passwd",
    "..",
    "../secret",
    "a/../../secret",
    "a/./b",
    "a//b",
    "a/",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "%2e%2e/secret",
    ".hidden",
    "a" * 600,
]


NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=["sqlite", POSTGRES])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture(params=["memory", "obstore memory", "obstore folder", "moved", "sqlite", POSTGRES])
def storage(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Storage:
    match request.param:
        case "memory":
            return MemoryStorage()
        case "obstore memory":
            return ObstoreStorage.in_memory()
        case "obstore folder":
            return ObstoreStorage.in_folder(tmp_path / "files")
        case "moved":
            return MovedStorage(MemoryStorage(), ObstoreStorage.in_folder(tmp_path / "files"))
        case kind:
            return SqlStorage(request.getfixturevalue(f"{kind}_engine"), clock)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\0", bytes(range(256)) * 5000])
def test_what_is_written_is_read(storage: Storage, content: bytes) -> None:
    storage.write("creatives/2026/red-1.png", content)
    assert storage.read("creatives/2026/red-1.png") == content


def test_writing_again_replaces(storage: Storage) -> None:
    storage.write("red.png", b"first and longer")
    storage.write("red.png", b"second")
    assert storage.read("red.png") == b"second"


def test_what_was_never_written_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFoundError, match=r"red\.png was not found"):
        storage.read("red.png")


@pytest.mark.parametrize("key", CROOKED)
def test_nothing_is_written_under_a_key_that_could_lead_elsewhere(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidRequestError, match=Fault.STORAGE_KEY):
        storage.write(key, b"content")


@pytest.mark.parametrize("key", CROOKED)
def test_nothing_is_read_under_a_key_that_could_lead_elsewhere(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidRequestError, match=Fault.STORAGE_KEY):
        storage.read(key)


def test_files_outlive_the_store_that_wrote_them(tmp_path: Path) -> None:
    ObstoreStorage.in_folder(tmp_path).write("a/red.png", b"content")
    assert ObstoreStorage.in_folder(tmp_path).read("a/red.png") == b"content"


def test_a_folder_that_cannot_hold_the_file_is_unavailable(tmp_path: Path) -> None:
    storage = ObstoreStorage.in_folder(tmp_path)
    storage.write("red", b"a file where a folder would have to be")
    with pytest.raises(UnavailableError, match=Fault.STORE_UNWRITABLE):
        storage.write("red/one", b"content")


# --- in the database ---------------------------------------------------------------------------------


def test_files_in_a_database_are_there_for_whoever_opens_it(engine: Engine, clock: ManualClock) -> None:
    SqlStorage(engine, clock).write("a/red.png", b"content")
    assert SqlStorage(engine, clock).read("a/red.png") == b"content"


def test_writing_again_leaves_one_row_with_the_moment_of_the_last_time(
    engine: Engine, clock: ManualClock
) -> None:
    storage = SqlStorage(engine, clock)
    storage.write("red.png", b"content")
    clock.advance_to(NOW + timedelta(hours=1))
    storage.write("red.png", b"content")
    with engine.connect() as connection:
        assert connection.execute(select(files.c.written_at)).scalars().all() == [NOW + timedelta(hours=1)]


@pytest.mark.postgres
def test_a_database_that_does_not_answer_is_unavailable(clock: ManualClock) -> None:
    storage = SqlStorage(create_engine("postgresql+psycopg://ana@127.0.0.1:1/shop"), clock)
    with pytest.raises(UnavailableError, match=Fault.DATABASE_SILENT):
        storage.read("red.png")
    with pytest.raises(UnavailableError, match=Fault.DATABASE_SILENT):
        storage.write("red.png", b"content")


# --- after a move ------------------------------------------------------------------------------------


def test_what_the_former_store_has_is_found_until_the_present_one_has_it() -> None:
    present, former = MemoryStorage(), MemoryStorage()
    former.write("red.png", b"old")
    moved = MovedStorage(present, former)
    assert moved.read("red.png") == b"old"
    moved.write("red.png", b"new")
    assert (moved.read("red.png"), former.read("red.png")) == (b"new", b"old")


@pytest.mark.postgres
def test_a_former_store_is_not_asked_because_the_present_one_does_not_answer(clock: ManualClock) -> None:
    former = MemoryStorage()
    former.write("red.png", b"old")
    silent = SqlStorage(create_engine("postgresql+psycopg://ana@127.0.0.1:1/shop"), clock)
    with pytest.raises(UnavailableError):
        MovedStorage(silent, former).read("red.png")


# --- the store of an installation --------------------------------------------------------------------


def count_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(files)).scalar_one()


@pytest.mark.postgres
def test_on_postgresql_files_go_to_the_database_and_never_to_the_folder(
    postgres_engine: Engine, clock: ManualClock, tmp_path: Path
) -> None:
    storage_of(postgres_engine, tmp_path / "none", clock).write("red.png", b"content")
    assert storage_of(postgres_engine, tmp_path / "other", clock).read("red.png") == b"content"
    assert list(tmp_path.iterdir()) == []
    assert place_of_files(postgres_engine, tmp_path / "none") == Place.DATABASE()


@pytest.mark.postgres
def test_on_postgresql_the_folder_of_an_earlier_release_is_still_read(
    postgres_engine: Engine, clock: ManualClock, tmp_path: Path
) -> None:
    ObstoreStorage.in_folder(tmp_path).write("old.png", b"old")
    storage = storage_of(postgres_engine, tmp_path, clock)
    storage.write("new.png", b"new")
    assert (storage.read("old.png"), storage.read("new.png")) == (b"old", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["old.png"]
    assert place_of_files(postgres_engine, tmp_path) == Place.DATABASE_AND_FOLDER(folder=str(tmp_path))


def test_on_sqlite_files_stay_in_the_folder(
    sqlite_engine: Engine, clock: ManualClock, tmp_path: Path
) -> None:
    folder = tmp_path / "storage"
    storage_of(sqlite_engine, folder, clock).write("red.png", b"content")
    assert (folder / "red.png").read_bytes() == b"content"
    assert count_of(sqlite_engine) == 0
    assert place_of_files(sqlite_engine, folder) == Place.FOLDER(folder=str(folder))
