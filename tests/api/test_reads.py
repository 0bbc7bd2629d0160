"""What only shows: no GET route asks Meta anything, and none but health's proof of writing takes the write lock."""

import re
from collections.abc import Callable
from typing import Self

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run

RUN = RunId("11111111-2222-4333-8444-555555555555")

PROVES_WRITING = {"/meta/autopilot/health", "/system"}
"""Whether the database takes writes is seen by writing."""


class WatchedDatabase(MemoryDatabase):
    """Counts the units of work that may write."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = 0

    def unit_of_work(self) -> MemoryUnitOfWork:
        return WatchedUnit(self)


class WatchedUnit(MemoryUnitOfWork):
    """A unit of work that is counted unless it only reads."""

    def __init__(self, database: WatchedDatabase) -> None:
        super().__init__(database)
        self._watched, self._writes = database, 1

    def reading(self) -> Self:
        self._writes = 0
        return super().reading()

    def __enter__(self) -> Self:
        self._watched.writing += self._writes
        return super().__enter__()


@pytest.fixture
def database() -> WatchedDatabase:
    return WatchedDatabase()


@pytest.fixture
def browser(app: FastAPI, bearer: Callable[[Role], dict[str, str]]) -> TestClient:
    """Return a client that may see everything, both as a program and as a person."""
    headers = bearer(Role.ADMIN)
    token = headers["Authorization"].removeprefix("Bearer ")
    return TestClient(app, follow_redirects=False, headers=headers, cookies={"ap_session": token})


def shown_at(app: FastAPI, account: Account) -> list[str]:
    """Return the address of every GET route, with ids that exist."""
    given = {"run_id": RUN, "account_id": account.id}
    paths = [one.path for one in routes_of(app) if "GET" in (one.methods or ())]
    query = {"/meta/creatives": f"?meta_account_id={account.id}"}
    return [re.sub(r"{(\w+)}", lambda name: given[name[1]], path) + query.get(path, "") for path in paths]


def routes_of(owner: object) -> list[APIRoute]:
    found: list[APIRoute] = []
    for route in getattr(owner, "routes", ()):
        found += (
            [route] if isinstance(route, APIRoute) else routes_of(getattr(route, "original_router", None))
        )
    return found


def test_what_only_shows_asks_meta_nothing_and_waits_for_no_write(
    *,
    app: FastAPI,
    browser: TestClient,
    put_run: Callable[..., Run],
    account: Account,
    meta: MemoryMetaAds,
    database: WatchedDatabase,
) -> None:
    put_run(RUN)
    meta.calls.clear()
    asked, written, statuses = set(), set(), {}
    for address in shown_at(app, account):
        database.writing = 0
        statuses[address] = browser.get(address).status_code
        asked |= {(address, call.method) for call in meta.calls}
        written |= {address} if database.writing else set()
        meta.calls.clear()
    assert len(statuses) >= 18
    assert {address for address, status in statuses.items() if status != 200} == set()
    assert (asked, written) == (set(), PROVES_WRITING)
