"""A backup holds everything as of one moment, and restoring it puts back that or changes nothing."""

import json
import os
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, func, select, table, text

from autopublisher.adapters.archive import ArchiveWriter, opened_archive
from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db.snapshot import rows_out, snapshot, table_names
from autopublisher.adapters.work_dbos_lease import lease_for
from autopublisher.adapters.work_dbos_store import driver_url
from autopublisher.bootstrap.backup import Manifest, make_backup, restore_backup
from autopublisher.bootstrap.database import opened_database, units_of
from autopublisher.bootstrap.files import storage_of
from autopublisher.bootstrap.people import opened_people
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Creative
from autopublisher.domain.accounts.claims import ELSEWHERE, ClaimState
from autopublisher.domain.accounts.installation import Restoration
from autopublisher.domain.errors import (
    AutoPublisherError,
    ConflictError,
    NotAuthenticatedError,
    NotFoundError,
    UnavailableError,
)
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import CreativeId
from autopublisher.ports.repositories import RunFilter
from autopublisher.settings import Settings
from postgres_server import Copied
from support.older import EARLY, at_revision, load, load_and_upgrade, tables
from support.wording import english

pytestmark = pytest.mark.slow

PICTURE = b"\x89PNG\r\n\x1a\n a picture"
MARKED = {"installation", "events", "claims", "tokens"}
"""Tables in which restoring leaves a word of itself, or ends what was valid."""


def settings_of(home: Path, url: str | None = None) -> Settings:
    return Settings(auto_publisher_home=home, database_url=None if url is None else SecretStr(url))


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    with opened_database(settings.database) as engine:
        yield engine


@pytest.fixture
def furnished(tmp_path: Path, database_copy: Copied) -> Settings:
    """An installation with runs at every status, and a picture."""
    settings = settings_of(tmp_path / "home", database_copy(load_and_upgrade))
    with opened(settings) as engine, units_of(engine)() as unit:
        account = unit.accounts.all()[0]
        storage_of(engine, settings.files_folder, SystemClock()).write("creatives/kept", PICTURE)
        now = SystemClock().now()
        unit.creatives.add(
            Creative(CreativeId("kept"), account.id, "Kept", "creatives/kept", "0" * 64, now, "image/png")
        )
        unit.commit()
    return settings


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """An installation on another machine, where nothing is yet."""
    return settings_of(tmp_path / "elsewhere")


def content(settings: Settings) -> dict[str, list[Any]]:
    with opened(settings) as engine, snapshot(engine) as connection:
        return {name: [json.loads(row) for row in rows_out(connection, name)] for name in table_names()}


def without_marks(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: rows for name, rows in tables.items() if name not in MARKED}


def rewritten(path: Path, to: Path, drop: Collection[str] = (), **changes: Any) -> Path:
    """Return another sealed backup that differs in its manifest, and lacks parts."""
    with opened_archive(path) as archive, ArchiveWriter(to) as writer:
        for name in archive.manifest["parts"]:
            if name not in drop:
                writer.add(name, [archive.read(name)])
        told = {name: value for name, value in archive.manifest.items() if name != "parts"}
        writer.seal({**told, **changes})
    return to


def runs_in(settings: Settings) -> int:
    with opened(settings) as engine, units_of(engine)() as unit:
        return unit.runs.count(RunFilter())


# --- there and back ---------------------------------------------------------------------------------


def test_everything_comes_back_on_another_machine(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    before = content(furnished)
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    restore_backup(elsewhere, tmp_path / "kept.backup", "ana", replace=False)
    assert without_marks(content(elsewhere)) == without_marks(before)
    assert before["runs"]
    with opened(elsewhere) as engine:
        storage = storage_of(engine, elsewhere.files_folder, SystemClock())
        assert storage.read("creatives/kept") == PICTURE


@pytest.mark.postgres
def test_what_a_file_held_comes_back_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    file, server = settings_of(tmp_path / "file"), settings_of(tmp_path / "server", postgres_url)
    file.home.mkdir()
    load(EARLY, file.database)
    before = content(file)
    make_backup(file, tmp_path / "kept.backup", with_key=False)
    restore_backup(server, tmp_path / "kept.backup", "ana", replace=False)
    assert without_marks(content(server)) == without_marks(before)
    with opened(server) as engine, engine.begin() as connection:
        numbered = "INSERT INTO events (at, tag, actor, message, data) VALUES (now(), 't', 'a', 'm', '{}')"
        connection.execute(text(numbered))  # its number is no number that was loaded


def test_a_restored_database_says_so(furnished: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    manifest = make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    restore_backup(elsewhere, tmp_path / "kept.backup", "ana", replace=False)
    with opened(elsewhere) as engine, units_of(engine)() as unit:
        present = unit.installations.present()
    last = content(elsewhere)["events"][-1]
    assert present is not None
    assert present.id == manifest.installation
    assert isinstance(present.restoration, Restoration)
    assert present.restoration.backup_at == manifest.taken_at
    assert (last["tag"], last["actor"]) == ("installation:database:restored", "ana")
    assert (last["code"], last["message"]) == ("installation.restored", "")


@pytest.mark.parametrize("told", [True, False])
def test_a_restored_database_takes_its_accounts_over_only_when_told(
    furnished: Settings, elsewhere: Settings, tmp_path: Path, *, told: bool
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    restore_backup(elsewhere, tmp_path / "kept.backup", "ana", replace=False, take_over=told)
    with opened(elsewhere) as engine, units_of(engine)() as unit:
        claims = [unit.claims.of(account.act_id) for account in unit.accounts.all()]
    assert claims
    for claim in claims:
        assert claim is not None
        assert (claim.place, claim.state, claim.take_over) == (ELSEWHERE, ClaimState.PENDING, told)


def test_no_token_and_no_session_of_a_backup_is_valid_once_it_is_put_back(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    secret = "a password of hers"
    with opened_people(furnished) as people:
        user = people.add_user("eve", secret, Role.ADMIN)
        session, _ = people.sign_in("eve", secret)
        tokens = [session, people.issue_token(user, "script", None), people.issue_token(user, "left", None)]
        make_backup(furnished, tmp_path / "kept.backup", with_key=True)
        people.revoke(tokens[-1])
    for settings, replace in ((furnished, True), (elsewhere, False)):
        restore_backup(settings, tmp_path / "kept.backup", "ana", replace=replace)
        last = content(settings)["events"][-1]
        assert json.loads(last["params"])["ended"] == 3
        with opened_people(settings) as people:
            for token in tokens:
                with pytest.raises(NotAuthenticatedError):
                    people.identify(token)
            again, _ = people.sign_in("eve", secret)
            assert people.identify(again).name == "eve"


def test_no_tick_of_the_replaced_runs_stays(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    restore_backup(furnished, tmp_path / "kept.backup", "ana", replace=True)
    with opened(furnished) as engine, engine.connect() as connection:
        ticks = table("workflow_status", schema="dbos" if engine.dialect.name == "postgresql" else None)
        assert connection.execute(select(func.count()).select_from(ticks)).scalar_one() == 0


def test_a_backup_of_the_release_before_is_brought_to_this_one(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    made = tmp_path / "made.db"
    at_revision(f"sqlite:///{made}", "0005")
    younger = {f"tables/{name}.jsonl" for name in set(table_names()) - set(tables(made))}
    older = rewritten(tmp_path / "kept.backup", tmp_path / "older.backup", younger, revision="0005")
    restore_backup(elsewhere, older, "ana", replace=False)
    assert without_marks(content(elsewhere)) == without_marks(content(furnished))


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(furnished: Settings, tmp_path: Path) -> None:
    ended = threading.Event()

    def write(engine: Engine) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with engine.begin() as connection:  # two tables, one transaction
                name = {"name": f"n{number}"}
                connection.execute(text("UPDATE users SET name = :name WHERE id = 'u'"), name)
                connection.execute(text("UPDATE accounts SET name = :name"), name)

    with opened(furnished) as engine:
        with engine.begin() as connection:
            added = (
                "INSERT INTO users (id, name, role, password_hash, created_at, active)"
                " VALUES ('u', 'n0', 'admin', 'h', '2026-01-01T00:00:00+00:00', TRUE)"
            )
            connection.execute(text(added))
            connection.execute(text("UPDATE accounts SET name = 'n0'"))
        writer = threading.Thread(target=write, args=(engine,))
        writer.start()
        try:
            for number in range(5):
                make_backup(furnished, tmp_path / f"{number}.backup", with_key=False)
        finally:
            ended.set()
            writer.join()
    for number in range(5):
        with opened_archive(tmp_path / f"{number}.backup") as archive:
            names = {
                kind: {json.loads(row)["name"] for row in archive.lines(f"tables/{kind}.jsonl")}
                for kind in ("accounts", "users")
            }
        assert names["accounts"] <= names["users"]  # the one name both were given last


# --- what a backup is -------------------------------------------------------------------------------


def test_only_its_owner_can_read_it(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    assert stat.S_IMODE((tmp_path / "kept.backup").stat().st_mode) == 0o600


def test_the_manifest_says_what_it_holds(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    with opened_archive(tmp_path / "kept.backup") as archive:
        manifest = Manifest.model_validate(archive.manifest)
        sums = {name: told["sha256"] for name, told in archive.manifest["parts"].items()}
    assert manifest.rows["runs"] == len(content(furnished)["runs"])
    assert (manifest.pictures, manifest.has_key) == (1, False)
    assert "tables/operations.jsonl" in sums
    assert all(len(digits) == 64 for digits in sums.values())


def test_the_secret_key_is_in_it_only_when_asked_for(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    for name, with_key in (("with", True), ("without", False)):
        make_backup(furnished, tmp_path / name, with_key=with_key)
    key = (furnished.home / "secret_key").read_bytes()
    restore_backup(elsewhere, tmp_path / "without", "ana", replace=False)
    assert not (elsewhere.home / "secret_key").exists()
    restore_backup(elsewhere, tmp_path / "with", "ana", replace=True)
    assert (elsewhere.home / "secret_key").read_bytes() == key
    assert stat.S_IMODE((elsewhere.home / "secret_key").stat().st_mode) == 0o600


def test_a_picture_that_is_lost_already_is_named(furnished: Settings, tmp_path: Path) -> None:
    with opened(furnished) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE creatives SET storage_key = 'creatives/lost' WHERE id = 'kept'"))
    manifest = make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    assert "creatives/lost" in manifest.missing_pictures


# --- what is refused --------------------------------------------------------------------------------


def test_an_earlier_file_is_never_overwritten(furnished: Settings, tmp_path: Path) -> None:
    (tmp_path / "kept.backup").write_text("precious")
    with pytest.raises(ConflictError, match=Fault.BACKUP_TAKEN):
        make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    assert (tmp_path / "kept.backup").read_text() == "precious"


def test_without_a_database_there_is_nothing_to_keep_and_none_is_made(
    elsewhere: Settings, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError):
        make_backup(elsewhere, tmp_path / "kept.backup", with_key=False)
    assert not elsewhere.home.exists()


def test_a_database_of_another_release_is_kept_by_that_release(tmp_path: Path, database_url: str) -> None:
    load(EARLY, database_url)
    with pytest.raises(ConflictError, match=f"revision={EARLY}"):
        make_backup(settings_of(tmp_path / "home", database_url), tmp_path / "kept.backup", with_key=False)


@pytest.mark.parametrize("lost", [1, 64, 4000, "all but 50"])
def test_a_file_that_was_cut_off_is_refused_and_nothing_is_touched(
    furnished: Settings, tmp_path: Path, lost: Any
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    whole = (tmp_path / "kept.backup").read_bytes()
    (tmp_path / "cut.backup").write_bytes(whole[:50] if isinstance(lost, str) else whole[:-lost])
    before = content(furnished)
    with pytest.raises(ConflictError, match=Fault.BACKUP_CUT):
        restore_backup(furnished, tmp_path / "cut.backup", "ana", replace=True)
    assert content(furnished) == before


def test_a_flipped_bit_is_noticed_wherever_it_is(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    whole = (tmp_path / "kept.backup").read_bytes()
    places = {0, 10, len(whole) - 1, len(whole) - 70, *range(0, len(whole), len(whole) // 60)}
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        (tmp_path / "flipped.backup").write_bytes(flipped)
        with pytest.raises(ConflictError, match=r"fault\.backup_(cut|part|parts) "):
            restore_backup(elsewhere, tmp_path / "flipped.backup", "ana", replace=True)
    assert not elsewhere.home.exists()


def test_a_part_that_is_not_what_the_manifest_names_is_refused(
    furnished: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    path = tmp_path / "kept.backup"
    with opened_archive(path) as archive:
        other = {name: {**told, "sha256": "0" * 64} for name, told in archive.manifest["parts"].items()}

    class Lying(ArchiveWriter):
        def add(self, name: str, chunks: Any) -> None:
            super().add(name, chunks)
            self._parts[name] = other[name]

    with opened_archive(path) as archive, Lying(tmp_path / "lying.backup") as writer:
        for name in archive.manifest["parts"]:
            writer.add(name, [archive.read(name)])
        writer.seal({name: value for name, value in archive.manifest.items() if name != "parts"})
    with pytest.raises(ConflictError, match=Fault.BACKUP_PART):
        restore_backup(elsewhere, tmp_path / "lying.backup", "ana", replace=True)


@pytest.mark.parametrize("newer", [{"format": 2}, {"revision": "9999"}])
def test_a_backup_of_a_newer_release_is_refused_with_what_to_install(
    furnished: Settings, elsewhere: Settings, tmp_path: Path, newer: dict[str, Any]
) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    path = rewritten(tmp_path / "kept.backup", tmp_path / "newer.backup", version="7.1.0", **newer)
    with pytest.raises(ConflictError, match=r"version=7\.1\.0") as refused:
        restore_backup(elsewhere, path, "ana", replace=True)
    assert "Install AutoPublisher 7.1.0" in english(refused.value.remedy)


def test_runs_are_not_replaced_unless_that_is_said(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    before = content(furnished)
    with pytest.raises(ConflictError, match=Fault.RUNS_WOULD_BE_LOST) as refused:
        restore_backup(furnished, tmp_path / "kept.backup", "ana", replace=False)
    assert "--replace" in english(refused.value.remedy)
    assert content(furnished) == before


def test_nothing_is_restored_under_a_working_worker(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    lease = lease_for(driver_url(furnished.database), None)
    lease.take()
    try:
        with pytest.raises(ConflictError, match=Fault.WORKERS_AT_WORK):
            restore_backup(furnished, tmp_path / "kept.backup", "ana", replace=True)
    finally:
        lease.release()


def test_a_restoring_that_fails_half_way_changes_nothing(furnished: Settings, tmp_path: Path) -> None:
    make_backup(furnished, tmp_path / "kept.backup", with_key=False)
    orphaned = rewritten(tmp_path / "kept.backup", tmp_path / "orphaned.backup", {"tables/accounts.jsonl"})
    before = content(furnished)
    with pytest.raises(AutoPublisherError):
        restore_backup(furnished, orphaned, "ana", replace=True)
    assert content(furnished) == before


def test_a_full_disk_is_a_sentence_and_leaves_nothing(furnished: Settings, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000));"
        "from autopublisher.cli import app; app(['backup', sys.argv[1]])"
    )
    folder = tmp_path / "full"
    folder.mkdir()
    with opened(furnished) as engine:
        large = random.Random(7).randbytes(200_000)  # noqa: S311 - what nothing can compress
        storage_of(engine, furnished.files_folder, SystemClock()).write("creatives/kept", large)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "kept.backup")],
        env={**os.environ, "AUTO_PUBLISHER_HOME": str(furnished.home), "DATABASE_URL": furnished.database},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "kept.backup cannot be written (File too large)" in done.stderr
    assert "No half of a file was left there" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(furnished: Settings, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="No such file or directory"):
        make_backup(furnished, tmp_path / "nowhere" / "kept.backup", with_key=False)
