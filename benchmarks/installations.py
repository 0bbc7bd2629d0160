"""Installations of the benchmarks: in stub mode, seeded, and given time to start on a machine that has other work."""

from pathlib import Path

from benchmarks.databases import POSTGRES, SQLITE, Database
from benchmarks.measuring import Setting
from benchmarks.seeding import filled_with

from autopublisher.domain.runs.run import RunStatus
from support.installation import PASSWORD, Installation

PATIENCE_SECONDS = 900.0
NAME = "manager"


class PatientInstallation(Installation):
    """An installation that is waited for."""

    start_seconds = PATIENCE_SECONDS
    command_seconds = PATIENCE_SECONDS


def seeded(
    setting: Setting, home: Path, *installations: Installation, url: str | None, runs: int, status: RunStatus
) -> Database:
    """Fill the database of installations that share a home with so many runs, and register a manager."""
    home.mkdir()
    installations[0].command("user", "add", NAME, "--role", NAME, "--password-stdin", text=PASSWORD)
    kind = SQLITE if url is None else POSTGRES
    database = setting.databases.opened(kind, url or f"sqlite:///{home / 'autopublisher.db'}")
    filled_with({status: runs}, bare=status is not RunStatus.AB_TESTING)(database)
    database.settle()
    return database
