"""Several servers over one PostgreSQL: who may sign in, and who is signed in, is the same at each of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.memory.work import MemoryTickQueue, MemoryWorker
from autopublisher.adapters.tokens_hmac import HmacTokens
from autopublisher.api.app import create_app
from autopublisher.api.services import Services
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId
from autopublisher.domain.people import SignInFailures
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.approvals import Approvals
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.intake import Intake
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.reports import Reports
from autopublisher.flows.requests.sign_in_throttle import FREE_ATTEMPTS, TooManyAttemptsError
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.repositories import OpenUnitOfWork

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
Serve = Callable[[], TestClient]


@pytest.fixture
def serve(postgres_engine: Engine) -> Serve:
    """Return what starts a server, each with threads and memory of its own."""
    open_unit = partial(SqlUnitOfWork, postgres_engine)
    people = People(open_unit, ManualClock(NOW), HmacTokens(b"one key for all"), MemoryPasswords())
    people.add_user("ana", PASSWORD, Role.ADMIN)
    return lambda: TestClient(create_app(services_over(open_unit)))


def services_over(open_unit: OpenUnitOfWork) -> Services:
    clock, euro = ManualClock(NOW), Money(100, "EUR")
    facts = AdAccountFacts(ActId("act_1"), "Shop", 1, "EUR", "Europe/Madrid", euro)
    meta, ticks = MemoryMetaAds(clock, facts, MinimumBudgets(euro, euro, euro, euro)), MemoryTickQueue(clock)
    intake = Intake(open_unit, meta, clock, ticks)
    return Services(
        intake=intake,
        planner=Planner(open_unit, intake, clock, timedelta(hours=1)),
        approvals=Approvals(open_unit, clock, ticks),
        reports=Reports(open_unit, clock),
        people=People(open_unit, clock, HmacTokens(b"one key for all"), MemoryPasswords()),
        accounts=Accounts(open_unit, meta, MemoryStorage(), clock),
        monitor=Monitor(open_unit, clock, MemoryWorker(ticks), mode="stub", enabled=True),
        exposures=Exposures(open_unit, clock, MoneyGate()),
        memories=AccountMemories(open_unit),
        stops=Stops(open_unit, clock, ticks),
        clock=clock,
        enabled=True,
        mode="stub",
        version="0",
    )


def sign_in(server: TestClient, password: str) -> int:
    answer = server.post("/auth/token", json={"username": "ana", "password": password})
    if answer.status_code == 200:
        server.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer.status_code


def people_of(server: TestClient) -> People:
    services: Services = server.app.state.services  # type: ignore[attr-defined] # of a FastAPI
    return services.people


@pytest.mark.postgres
def test_wrong_passwords_at_any_server_count_at_all_of_them(serve: Serve) -> None:
    servers = [serve(), serve(), serve()]
    tried = [sign_in(servers[number % 3], "wrong password") for number in range(FREE_ATTEMPTS)]
    assert tried == [401] * FREE_ATTEMPTS
    for one in (*servers, serve()):  # asked without the route, which keeps a refusal back for seconds
        with pytest.raises(TooManyAttemptsError):
            people_of(one).sign_in("ana", PASSWORD, "testclient")


@pytest.mark.postgres
def test_a_right_password_at_one_server_is_forgiven_at_all_of_them(serve: Serve) -> None:
    one, other = serve(), serve()
    for _ in range(2):
        assert [sign_in(one, "wrong password") for _ in range(FREE_ATTEMPTS - 1)] == [401] * 4
        assert sign_in(other, PASSWORD) == 200


@pytest.mark.postgres
def test_a_session_holds_at_every_server_and_ends_at_all_of_them_at_once(serve: Serve) -> None:
    servers = [serve(), serve(), serve()]
    assert sign_in(servers[0], PASSWORD) == 200
    token = servers[0].headers["Authorization"]
    for one in servers:
        one.headers["Authorization"] = token
    assert [one.get("/meta/autopilot/runs").status_code for one in servers] == [200] * 3
    people_of(servers[1]).revoke(token.removeprefix("Bearer "))
    assert [one.get("/meta/autopilot/runs").status_code for one in servers] == [401] * 3


def test_failures_of_sign_ins_are_kept_by_key_until_they_are_old_or_too_many(
    open_unit: OpenUnitOfWork,
) -> None:
    kept = [SignInFailures(f"key {hour}", hour + 1, NOW + timedelta(hours=hour)) for hour in range(5)]
    with open_unit() as unit:
        unit.sign_ins.put(kept)
        unit.sign_ins.put([SignInFailures("key 4", 9, NOW + timedelta(hours=4), NOW + timedelta(hours=5))])
        unit.sign_ins.forget(["key 3", "unknown"])
        unit.sign_ins.thin(NOW + timedelta(minutes=1), 2)
        unit.commit()
    with open_unit().reading() as unit:
        found = unit.sign_ins.of([one.key for one in kept])
    assert {key: one.failures for key, one in found.items()} == {"key 2": 3, "key 4": 9}
    assert found["key 4"].closed_until == NOW + timedelta(hours=5)
