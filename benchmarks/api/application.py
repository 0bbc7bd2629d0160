"""The web application over a database, called within this process: what an answer costs, without a network before it."""

import asyncio
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from benchmarks.control_plane.crowds import present
from benchmarks.databases import Database
from fastapi import FastAPI

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.adapters.tokens_hmac import HmacTokens
from autopublisher.api.app import create_app
from autopublisher.api.reserved_threads import in_stop_thread, in_watch_thread
from autopublisher.api.services import Services
from autopublisher.dashboard.pages import lost_page, pages
from autopublisher.dashboard.session import SESSION_COOKIE, Desk
from autopublisher.domain.access import Role
from autopublisher.domain.errors import NotFoundError
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.writes.money_gate import MoneyGate
from support.crashing_machine import CrashingMachine

NAME, PASSWORD = "manager", "correct horse battery staple"  # of a database that lives for a minute
HOST = b"localhost"


class Application:
    """The application, and a manager who asks it."""

    def __init__(self, database: Database) -> None:
        clock = ManualClock(present())
        services = _services(database, clock)
        self.app = _app(services)
        self.headers = _headers_of(services.people)
        self._loop = asyncio.new_event_loop()

    def get(self, path: str, times: int = 1) -> int:
        """Ask for a page or a resource so many times; return how many bytes came.

        The threads that answer end with the run of the loop, so what is asked once pays for them as no server does.
        """
        return self._loop.run_until_complete(self._repeated(path, times))

    async def _repeated(self, path: str, times: int) -> int:
        return [await self._get(path) for _ in range(times)][-1]

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _get(self, path: str) -> int:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(_scope(path, self.headers), receive, send)
        assert sent[0]["status"] == HTTPStatus.OK, (path, sent)
        return sum(len(message.get("body", b"")) for message in sent)


def _scope(path: str, headers: Mapping[bytes, bytes]) -> dict[str, Any]:
    route, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", HOST), *headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def _headers_of(people: People) -> Mapping[bytes, bytes]:
    """Let a manager in who has both a token and a session."""
    try:
        user = people.user(NAME)
    except NotFoundError:
        user = people.add_user(NAME, PASSWORD, Role.MANAGER)
    token = people.issue_token(user, "benchmark", None)
    bearer, cookie = f"Bearer {token}", f"{SESSION_COOKIE}={token}"
    return {b"authorization": bearer.encode(), b"cookie": cookie.encode()}


def _services(database: Database, clock: ManualClock) -> Services:
    unit, meta, ticks = database.open_unit, CrashingMachine().meta, MemoryTickQueue(clock)
    intake = Intake(unit, meta, clock, ticks)
    return Services(
        intake=intake,
        planner=Planner(unit, intake, clock, timedelta(hours=1)),
        approvals=Approvals(unit, clock, ticks),
        reports=Reports(unit, clock),
        people=People(unit, SystemClock(), HmacTokens(b"a key of a benchmark"), MemoryPasswords()),
        accounts=Accounts(unit, meta, MemoryStorage(), clock),
        monitor=Monitor(unit, clock, MemoryWorker(ticks), mode="stub", enabled=True),
        exposures=Exposures(unit, clock, MoneyGate()),
        memories=AccountMemories(unit),
        stops=Stops(unit, clock, ticks),
        clock=clock,
        enabled=True,
        mode="stub",
        version="benchmark",
    )


def _app(services: Services) -> FastAPI:
    desk = Desk(
        people=services.people,
        reports=services.reports,
        approvals=services.approvals,
        monitor=services.monitor,
        stops=services.stops,
        exposures=services.exposures,
        clock=services.clock,
        in_stop_thread=in_stop_thread,
        in_watch_thread=in_watch_thread,
    )
    return create_app(services, pages=(pages(desk),), lost_page=lost_page(desk))
