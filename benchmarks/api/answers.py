"""Answers of the application within this process: their processor time, statements and size."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from benchmarks.api.application import Application
from benchmarks.control_plane.crowds import crowd, looked_at, mixed, sizes
from benchmarks.databases import Database
from benchmarks.measuring import Line, Setting, repeated
from benchmarks.seeding import run_id_of

CROWD = 100
"""Runs of an installation in whose answers their number plays no part."""

STATUSES, PAGES = 50, 10
"""Statuses, and pages, in one sample."""


def status(setting: Setting) -> Iterator[Line]:
    """The status of one run that is being tested, among others: application and database, without a network."""
    for kind in setting.kinds:
        database = crowd(setting, kind, CROWD)
        yield _asked("status", f"/meta/autopilot/status/{run_id_of(1)}", database, setting, STATUSES)


def pages(setting: Setting) -> Iterator[Line]:
    """The dashboard's pages and lists with 25 rows."""
    for kind in setting.kinds:
        runs = mixed(setting, kind, CROWD)
        yield _asked("runs page", "/", runs, setting)
        yield _asked("runs, API", "/meta/autopilot/runs?limit=25", runs, setting)
        yield _asked("approvals page", "/approvals", runs, setting)
        yield _asked("page of one run", f"/runs/{run_id_of(1)}", runs, setting)


def exposure(setting: Setting) -> Iterator[Line]:
    """The exposure of an account with many runs, as the API and the page give it after a look."""
    for kind in setting.kinds:
        for size in sizes(setting):
            database = crowd(setting, kind, size)
            looked_at(database)
            for case, path in (("exposure, API", "/meta/autopilot/exposure"), ("exposure page", "/exposure")):
                yield replace(_asked(case, path, database, setting, 1), size=size)


def _asked(case: str, path: str, database: Database, setting: Setting, times: int = PAGES) -> Line:
    with closing(Application(database)) as application:

        def work() -> None:
            application.get(path, times)

        line = repeated(case, work, database, setting.repeats, times=times, within=True)
        return replace(line, counts={**line.counts, "bytes": float(application.get(path))})
