"""How often an answer goes to the database: counted, for what goes back and forth is what makes it slow."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.domain.access import Role
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run

RUN = RunId("11111111-2222-4333-8444-555555555555")
BUDGETS = {
    f"/meta/autopilot/status/{RUN}": 2,  # who asks, and the run
    "/meta/autopilot/runs": 6,  # who asks, the runs, their campaigns and their money, accounts and watches
    "/": 8,  # the same, the stops that hold, and the accounts' zones
    f"/runs/{RUN}": 4,
    "/approvals": 6,
}
"""The most statements of each answer."""


class FileDatabase:
    """A database of a file, in the place of the one in memory."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.unit_of_work = partial(SqlUnitOfWork, engine)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[FileDatabase]:
    engine = open_engine(f"sqlite:///{tmp_path}/counted.db")
    upgrade(engine)
    yield FileDatabase(engine)
    engine.dispose()


def test_what_only_shows_is_read_in_few_statements(
    app: FastAPI,
    bearer: Callable[[Role], dict[str, str]],
    put_run: Callable[..., Run],
    database: FileDatabase,
) -> None:
    put_run(RUN)
    headers = bearer(Role.ADMIN)
    cookies = {"ap_session": headers["Authorization"].removeprefix("Bearer ")}
    browser = TestClient(app, headers=headers, cookies=cookies)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    counts = {}
    for address in BUDGETS:
        statements.clear()
        assert browser.get(address).status_code == 200
        counts[address] = len(statements)
    assert all(counts[address] <= most for address, most in BUDGETS.items()), counts
