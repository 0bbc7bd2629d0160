"""Backups: one file of the database, its pictures and a manifest, made while others work, and put back in one piece.

A backup is older than Meta as soon as it is made. What restoring leaves in the database says so (``Restoration``), and
until an account has been compared with what Meta shows, nothing is written there but pauses.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, Engine, func, select

from autopublisher import __version__
from autopublisher.adapters.archive import Archive, ArchiveWriter, opened_archive
from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.accounts import SqlAccounts
from autopublisher.adapters.db.claims import SqlClaims
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.installations import SqlInstallations
from autopublisher.adapters.db.people import end_tokens
from autopublisher.adapters.db.records import SqlObservations
from autopublisher.adapters.db.revisions import current_revision, is_current, knows
from autopublisher.adapters.db.session import Session
from autopublisher.adapters.db.snapshot import replace_everything, rows_out, snapshot, table_names
from autopublisher.adapters.db.tables import METADATA, creatives
from autopublisher.adapters.storage_sql import keep_file
from autopublisher.adapters.work_dbos_lease import FileLease
from autopublisher.adapters.work_dbos_store import forget_ticks
from autopublisher.bootstrap.database import opened_database, units_of
from autopublisher.bootstrap.files import storage_of
from autopublisher.bootstrap.home_mark import HomeMark
from autopublisher.bootstrap.liveness import workers_alive
from autopublisher.bootstrap.secret_file import secret_key, write_private
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.accounts.installation import Installation, InstallationMessage, Restoration
from autopublisher.domain.errors import ConflictError, NotFoundError
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.ids import InstallationId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import remedied
from autopublisher.ports.repositories import RunFilter
from autopublisher.ports.storage import Storage
from autopublisher.settings import Settings

FORMAT = 1
_TABLES, _PICTURES, _KEY = "tables/", "pictures/", "secret_key"
_SUFFIX = ".jsonl"


class Manifest(BaseModel):
    """What a backup says of itself; ``rows`` by table, ``missing_pictures`` had no bytes when it was made."""

    model_config = ConfigDict(frozen=True)

    product: Literal["autopublisher"] = "autopublisher"
    format: int
    version: str
    revision: str
    taken_at: datetime
    database: str
    installation: str
    rows: Mapping[str, int]
    pictures: int
    missing_pictures: Sequence[str] = ()
    has_key: bool = False


# --- making one -------------------------------------------------------------------------------------


def make_backup(settings: Settings, path: Path, *, with_key: bool) -> Manifest:
    """Write a backup of everything as it is at this moment, while others go on working.

    Raises ConflictError where the file exists or the database is another release's, NotFoundError where there is no
    database, UnavailableError where something cannot be read or written.
    """
    with _current_database(settings) as engine, ArchiveWriter(path) as archive:
        storage, taken_at = storage_of(engine, settings.files_folder, SystemClock()), SystemClock().now()
        rows, keys = {}, []
        with snapshot(engine) as connection:
            present = SqlInstallations(Session(connection)).present()
            for name in table_names():
                archive.add(f"{_TABLES}{name}{_SUFFIX}", rows_out(connection, name))
                rows[name] = _count(connection, name)
            keys = sorted(connection.scalars(select(creatives.c.storage_key).distinct()))
        missing = [key for key in keys if not _add_picture(archive, storage, key)]
        if with_key:
            archive.add(_KEY, [secret_key(settings)])
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            revision=current_revision(engine) or "",
            taken_at=taken_at,
            database=engine.dialect.name,
            installation="" if present is None else present.id,
            rows=rows,
            pictures=len(keys) - len(missing),
            missing_pictures=missing,
            has_key=with_key,
        )
        archive.seal(manifest.model_dump(mode="json"))
    return manifest


@contextmanager
def _current_database(settings: Settings) -> Iterator[Engine]:
    """Open the database as it is: a backup neither makes one nor changes its tables."""
    file = settings.database_file
    if file is not None and not file.is_file():
        raise NotFoundError(what=Thing.DATABASE(), id=file)
    engine = open_engine(settings.database)
    try:
        if not is_current(engine):
            other = Fault.BACKUP_OF_ANOTHER_RELEASE(revision=str(current_revision(engine)))
            raise ConflictError(*remedied(other))
        yield engine
    finally:
        engine.dispose()


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(select(func.count()).select_from(METADATA.tables[name])).scalar_one())


def _add_picture(archive: ArchiveWriter, storage: Storage, key: str) -> bool:
    """Write a picture's bytes, if the store still has them."""
    try:
        content = storage.read(key)
    except NotFoundError:
        return False
    archive.add(f"{_PICTURES}{key}", [content])
    return True


# --- putting one back -------------------------------------------------------------------------------


def restore_backup(
    settings: Settings, path: Path, actor: str, *, replace: bool, take_over: bool = False
) -> Manifest:
    """Replace everything by what a backup holds, and mark the database as restored.

    Everything is checked before anything is touched. All tokens and sessions end. With ``take_over`` it may write to its ad
    accounts again, as soon as whoever has claimed them must have noticed; without, it writes nothing but pauses.

    Raises ConflictError where the file is no whole backup of this or an earlier release, where a worker runs, or where the
    database has runs and ``replace`` is not set.
    """
    with opened_archive(path) as archive, ExitStack() as held:
        manifest = _manifest(path, archive)
        _hold_still(settings, held)
        now = SystemClock().now()
        restoration = Restoration(str(uuid4()), now, manifest.taken_at, actor, took_over=take_over)
        with opened_database(settings.database) as engine:
            _refuse_to_lose_runs(engine, replace=replace)
            _put_back(engine, settings, archive, restoration)
            HomeMark(settings.home, units_of(engine)).renew()
        if manifest.has_key:
            write_private(settings.home / _KEY, archive.read(_KEY).decode())
    return manifest


def _manifest(path: Path, archive: Archive) -> Manifest:
    try:
        manifest = Manifest.model_validate(archive.manifest)
    except ValidationError:
        raise ConflictError(*remedied(Fault.BACKUP_FOREIGN(path=str(path)))) from None
    if manifest.format > FORMAT or not knows(manifest.revision):
        newer = Fault.BACKUP_NEWER(
            path=str(path), version=manifest.version, revision=manifest.revision, own=__version__
        )
        raise ConflictError(*remedied(newer))
    return manifest


def _hold_still(settings: Settings, held: ExitStack) -> None:
    """Refuse where a worker runs; on SQLite none can start until the restoring has ended."""
    file = settings.database_file
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        lease = FileLease(file)
        try:
            lease.take()
        except ConflictError as taken:
            raise _at_work(1) from taken
        held.callback(lease.release)
    elif alive := workers_alive(settings.database):
        raise _at_work(alive)


def _at_work(workers: int) -> ConflictError:
    return ConflictError(*remedied(Fault.WORKERS_AT_WORK(workers=workers)))


def _refuse_to_lose_runs(engine: Engine, *, replace: bool) -> None:
    with units_of(engine)() as unit:
        runs = unit.runs.count(RunFilter())
    if runs and not replace:
        raise ConflictError(*remedied(Fault.RUNS_WOULD_BE_LOST(runs=runs)))


def _put_back(engine: Engine, settings: Settings, archive: Archive, restoration: Restoration) -> None:
    keys = archive.names(_PICTURES)
    in_database = engine.dialect.name == "postgresql"
    if not in_database:  # before the rows that name them
        storage = storage_of(engine, settings.files_folder, SystemClock())
        for key in keys:
            storage.write(key, archive.read(f"{_PICTURES}{key}"))

    def rest(connection: Connection) -> None:
        for key in keys if in_database else ():
            keep_file(connection, key, archive.read(f"{_PICTURES}{key}"), restoration.at)
        forget_ticks(connection)
        _mark(Session(connection), restoration)

    names = {name: name.removesuffix(_SUFFIX) for name in archive.names(_TABLES)}
    tables = {table: archive.lines(f"{_TABLES}{name}") for name, table in names.items()}
    replace_everything(engine, str(archive.manifest["revision"]), tables, rest)


def _mark(session: Session, restoration: Restoration) -> None:
    """Say in the database that it was restored: where it lay before it lies no longer."""
    installations, claims = SqlInstallations(session), SqlClaims(session)
    present = installations.present() or Installation(InstallationId(str(uuid4())), restoration.at)
    installations.save(dataclasses.replace(present, restoration=restoration))
    for account in SqlAccounts(session).all():
        claim = claims.of(account.act_id) or Claim(account.act_id)
        claims.put(claim.moved(None, take_over=restoration.took_over))
    ended = end_tokens(session, restoration.at)  # one that was revoked since the backup would be valid again
    data = {"restoration": restoration.id, "backup_at": restoration.backup_at.isoformat()}
    tag = "installation:database:restored"
    said = InstallationMessage.RESTORED(restored=restoration.said, ended=ended)
    event = Event(restoration.at, tag, restoration.by, said, None, data)
    SqlObservations(session).add_events([event])
