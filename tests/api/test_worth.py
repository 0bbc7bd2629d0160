"""What deciding is worth, on the pages and in a terminal: amounts and shares of a stored money decision."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.cli.run_text import facts_of
from autopublisher.domain.access import Role
from autopublisher.domain.amounts import Money
from autopublisher.domain.runs.run import Approval, Release, Run
from autopublisher.flows.requests.reports import Reports
from autopublisher.views.worth import worth_of

SAID = {
    "choice": "publish",
    "variant": "B",
    "hour": 24.0,
    "p_best": 0.74,
    "p_10_worse": 0.08,
    "expected_gain": 0.03,
    "expected_loss": 0.01,
    "lift": 1.0618365465,  # e to the power .06: of two, the gain is half of its logarithm
    "lift_interval": [0.9607894392, 1.1735108710],
    "revenue": 1000.0,
    "budget_revenue": 1250.0,
    "worth": {"publish": 0.8, "keep": 0.75, "test_on": 0.79},
    "past_tests": 0,
    "scaled_efficiency": 0.9,
    "returns": None,
}
PutRun = Callable[..., Run]


@pytest.fixture
def manager_page(app: FastAPI) -> TestClient:
    browser = TestClient(app, follow_redirects=False)
    form = re.findall(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)[0]
    given = {"form": form, "username": Role.MANAGER.value, "password": "correct horse battery"}
    browser.post("/login", data=given)
    return browser


def with_bet(database: MemoryDatabase, run: Run, **changes: Any) -> None:
    with database.unit_of_work() as unit:
        latest = unit.decisions.latest([run.id])[run.id]
        verdict = json.dumps(json.loads(latest.verdict) | {"winner": None})
        money = json.dumps(SAID | changes)
        unit.decisions.add(replace(latest, sequence=2, kind="money_bet", verdict=verdict, money=money))
        unit.commit()


def unproven(put_run: PutRun) -> Run:
    waiting = put_run().release
    return put_run(
        "22222222-2222-4333-8444-555555555555", release=replace(waiting, winner=None, is_proven=False)
    )


def test_amounts_are_shares_of_what_the_rest_earns_and_waiting_of_the_whole(
    database: MemoryDatabase, put_run: PutRun
) -> None:
    run = put_run()
    with_bet(database, run)
    worth = worth_of(Reports(database.unit_of_work).view(run.id))
    assert worth is not None
    assert (worth.gain, worth.loss, worth.waiting) == (
        Money(3000, "EUR"),
        Money(1000, "EUR"),
        Money(-1250, "EUR"),
    )
    assert worth.gain_range == (Money(-2000, "EUR"), Money(8000, "EUR"))


def test_the_api_tells_choice_chances_and_amounts(
    client: TestClient, manager: dict[str, str], database: MemoryDatabase, put_run: PutRun
) -> None:
    run = put_run()
    path = f"/meta/autopilot/status/{run.id}"
    assert client.get(path, headers=manager).json()["money_decision"] is None
    with_bet(database, run)
    told = client.get(path, headers=manager).json()["money_decision"]
    assert (told["choice"], told["variant"], told["currency"]) == ("publish", f"{run.id}:B", "EUR")
    assert (told["expected_gain_amount"], told["expected_loss_amount"]) == (30.0, 10.0)
    assert (told["worth_of_waiting_amount"], told["cost_of_scaling_amount"]) == (-12.5, 100.0)
    assert (told["p_best"], told["lift_interval"]) == (0.74, SAID["lift_interval"])


def test_where_no_revenue_is_measured_there_are_shares_and_no_amounts(
    database: MemoryDatabase, put_run: PutRun
) -> None:
    run = put_run()
    with_bet(database, run, revenue=None, budget_revenue=None)
    worth = worth_of(Reports(database.unit_of_work).view(run.id))
    assert worth is not None
    assert (worth.gain, worth.gain_range, worth.loss, worth.waiting) == (None, None, None, None)
    assert worth.waiting_share == pytest.approx(-0.01)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("What deciding is worth", "about 30 EUR", "74%")),
        ("es", ("Lo que vale decidir", "unos 30 EUR", "74")),
    ],
)
def test_the_pages_tell_what_deciding_is_worth_and_what_is_recommended(
    manager_page: TestClient, database: MemoryDatabase, put_run: PutRun, language: str, said: tuple[str, ...]
) -> None:
    run = unproven(put_run)
    with_bet(database, run)
    for page in (f"/runs/{run.id}", f"/approvals/{run.id}"):
        shown = manager_page.get(page, headers={"Accept-Language": language}).text
        assert [one for one in said if one not in shown] == []


def test_keeping_all_is_offered_with_what_it_costs_and_names_no_variant(
    manager_page: TestClient,
    client: TestClient,
    manager: dict[str, str],
    database: MemoryDatabase,
    put_run: PutRun,
) -> None:
    run = unproven(put_run)
    with_bet(database, run)
    path = f"/meta/autopilot/status/{run.id}"
    told = client.get(path, headers=manager).json()["money_decision"]
    assert told["cost_of_keeping_all_amount"] == 62.5  # .80 less .75 of 1250
    shown = manager_page.get(f"/approvals/{run.id}", headers={"Accept-Language": "en"}).text
    assert 'value="keep_all"' in shown
    assert "about 62 EUR" in shown
    assert "needs a manager or admin" in shown
    facts = facts_of(Reports(database.unit_of_work).view(run.id), UTC)
    assert facts["ways of publishing"].endswith("keep_all brings about 62.50 EUR less than in_place")


def test_where_none_is_ahead_keeping_all_is_what_is_recommended(
    manager_page: TestClient, database: MemoryDatabase, put_run: PutRun
) -> None:
    run = unproven(put_run)
    with_bet(database, run, choice="keep_split", worth={"publish": 0.75, "keep": 0.75, "test_on": None})
    shown = manager_page.get(f"/approvals/{run.id}", headers={"Accept-Language": "es"}).text
    field = re.findall(r'<input type="radio" name="variant" value="keep_all"[^>]*>', shown)
    assert [" checked" in one for one in field] == [True]
    assert "Conservar todas" in shown


def test_a_bet_that_was_followed_is_called_no_winner_in_a_terminal(
    database: MemoryDatabase, put_run: PutRun
) -> None:
    run = put_run()
    given = Approval("B", "olga", run.created_at, "")
    chosen = put_run("33333333-2222-4333-8444-555555555555", release=Release("B", "B", approval=given))
    with_bet(database, chosen)
    facts = facts_of(Reports(database.unit_of_work).view(chosen.id), UTC)
    assert "winner" not in facts
    assert facts["selected"] == "B (a bet in money, not proven)"
