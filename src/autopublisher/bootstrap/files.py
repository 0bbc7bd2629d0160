"""Choice of the pictures' storage: the database where several machines may share it, else the data folder."""

from pathlib import Path

from sqlalchemy import Engine

from autopublisher.adapters.storage_moved import MovedStorage
from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.adapters.storage_sql import SqlStorage
from autopublisher.ports.clock import Clock
from autopublisher.ports.storage import Storage


def storage_of(engine: Engine, folder: Path, clock: Clock) -> Storage:
    """Return the store of an installation's files.

    On PostgreSQL ``folder``, where earlier releases kept them, is still read if this machine has it; SQLite serves one
    machine, and its files stay in the folder.
    """
    if not _is_shared(engine):
        return ObstoreStorage.in_folder(folder)
    shared = SqlStorage(engine, clock)
    return MovedStorage(shared, ObstoreStorage.in_folder(folder)) if folder.is_dir() else shared


def place_of_files(engine: Engine, folder: Path) -> str:
    """Say in words where ``storage_of`` keeps files."""
    if not _is_shared(engine):
        return f"kept in {folder}"
    former = f"; those of earlier releases in {folder}, on this machine only" if folder.is_dir() else ""
    return f"kept in the database{former}"


def _is_shared(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"
