"""Choice of the pictures' storage: the database where several machines may share it, else the data folder."""

from pathlib import Path

from sqlalchemy import Engine

from autopublisher.adapters.storage_moved import MovedStorage
from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.adapters.storage_sql import SqlStorage
from autopublisher.domain.messages import Code, Message
from autopublisher.ports.clock import Clock
from autopublisher.ports.storage import Storage


class Place(Code):
    """Where pictures are kept."""

    FOLDER = "place.folder"
    DATABASE = "place.database"
    DATABASE_AND_FOLDER = "place.database_and_folder"


def storage_of(engine: Engine, folder: Path, clock: Clock) -> Storage:
    """Return the store of an installation's files.

    On PostgreSQL ``folder``, where earlier releases kept them, is still read if this machine has it; SQLite serves one
    machine, and its files stay in the folder.
    """
    if not _is_shared(engine):
        return ObstoreStorage.in_folder(folder)
    shared = SqlStorage(engine, clock)
    return MovedStorage(shared, ObstoreStorage.in_folder(folder)) if folder.is_dir() else shared


def place_of_files(engine: Engine, folder: Path) -> Message:
    """Return where ``storage_of`` keeps files."""
    if not _is_shared(engine):
        return Place.FOLDER(folder=str(folder))
    return Place.DATABASE_AND_FOLDER(folder=str(folder)) if folder.is_dir() else Place.DATABASE()


def _is_shared(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"
