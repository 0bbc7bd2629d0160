"""Exposure and spend limits over HTTP."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.runs.run import Run

Bearer = Callable[[Role], dict[str, str]]
PutRun = Callable[..., Run]
PATH = "/meta/autopilot/exposure"


def test_an_account_without_runs_can_spend_nothing(
    client: TestClient, bearer: Bearer, account: Account
) -> None:
    answer = client.get(PATH, headers=bearer(Role.OPERATOR))
    (shown,) = answer.json()["accounts"]
    assert (shown["act_id"], shown["could_still_spend"], shown["runs"]) == (account.act_id, 0.0, [])


def test_an_unknown_account_is_not_found(client: TestClient, bearer: Bearer) -> None:
    answer = client.get(PATH, params={"meta_account_id": "nobody"}, headers=bearer(Role.ADMIN))
    assert (answer.status_code, answer.json()["detail"]) == (404, "Meta account not found")


def test_limits_are_set_shown_and_lifted_in_major_units(
    client: TestClient, bearer: Bearer, account: Account
) -> None:
    path, admin = f"/meta/accounts/{account.id}", bearer(Role.ADMIN)
    client.patch(path, json={"daily_limit": 500.5, "monthly_limit": 9000}, headers=admin)
    shown = client.patch(path, json={"monthly_limit": None}, headers=admin).json()
    assert (shown["daily_limit"], shown["monthly_limit"]) == (500.5, None)


def test_a_change_of_the_limits_leaves_the_defaults(
    client: TestClient, bearer: Bearer, account: Account
) -> None:
    answer = client.patch(
        f"/meta/accounts/{account.id}", json={"daily_limit": 500}, headers=bearer(Role.ADMIN)
    )
    assert answer.json()["defaults"]["page_id"] == account.defaults.page_id


@pytest.mark.parametrize("amount", [0, -5, 1.001])
def test_a_limit_that_is_no_amount_is_refused_by_its_name(
    client: TestClient, bearer: Bearer, account: Account, amount: float
) -> None:
    answer = client.patch(
        f"/meta/accounts/{account.id}", json={"daily_limit": amount}, headers=bearer(Role.ADMIN)
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "daily_limit")


def test_the_limits_of_today_are_shown_with_what_is_left(
    client: TestClient, bearer: Bearer, account: Account
) -> None:
    client.patch(f"/meta/accounts/{account.id}", json={"daily_limit": 500}, headers=bearer(Role.ADMIN))
    (shown,) = client.get(PATH, headers=bearer(Role.MANAGER)).json()["accounts"]
    (line,) = shown["limits"]
    assert (line["scope"], line["period"], line["limit"], line["left"]) == ("account", "day", 500.0, 500.0)


def test_runs_are_paged_from_the_newest_and_the_sums_are_of_all(
    client: TestClient, bearer: Bearer, put_run: PutRun, clock: ManualClock
) -> None:
    ids = [f"run-{number}" for number in range(3)]
    for number, run_id in enumerate(ids):
        put_run(RunId(run_id), created_at=clock.now() + timedelta(minutes=number), idempotency_key=None)
    first, second, both = (
        client.get(PATH + params, headers=bearer(Role.MANAGER)).json()["accounts"][0]
        for params in ("?limit=2", f"?limit=2&before={ids[1]}", "")
    )
    assert [[run["run_id"] for run in page["runs"]] for page in (first, second)] == [
        [ids[2], ids[1]],
        [ids[0]],
    ]
    assert (first["next"], second["next"], both["next"]) == (ids[1], None, None)
    paged = {"runs", "next"}
    assert first.keys() - paged == both.keys() - paged
    assert all(first[name] == second[name] == both[name] for name in first.keys() - paged)
    assert both["open_runs"] == 3


@pytest.mark.parametrize("params", ["?before=nobody", "?before=run-1&meta_account_id=other"])
def test_a_page_begins_at_a_run_of_the_account(
    client: TestClient, bearer: Bearer, database: MemoryDatabase, put_run: PutRun, params: str
) -> None:
    put_run(RunId("run-1"))
    with database.unit_of_work() as unit:
        (account,) = unit.accounts.all()
        unit.accounts.add(replace(account, id=AccountId("other"), act_id=ActId("act_2")))
        unit.commit()
    assert client.get(PATH + params, headers=bearer(Role.MANAGER)).status_code == 404
