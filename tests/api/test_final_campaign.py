"""A final campaign as callers and readers see it: where it stands, since when and why, and its money with its time."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.services import Services
from autopublisher.cli.run_text import facts_of, run_row
from autopublisher.domain.access import Role
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.ids import CampaignId
from autopublisher.domain.moments import moment_text
from autopublisher.domain.runs.run import Ending, Run, RunStatus

PASSWORD = "correct horse battery"
Headers = dict[str, str]
PutRun = Callable[..., Run]


@pytest.fixture
def paused(put_run: PutRun, database: MemoryDatabase, clock: ManualClock) -> Campaign:
    """The final campaign of a completed run, paused by somebody in Ads Manager an hour ago."""
    now = clock.now()
    run = put_run(status=RunStatus.COMPLETED, ending=Ending(at=now), next_tick_at=None)
    opened = Campaign(
        id=CampaignId(f"{run.id}:final"),
        run_id=run.id,
        act_id=run.act_id,
        state=CampaignState.BUILDING,
        since=now,
        budget=Money(300_00, "EUR"),
        starts_at=now,
        ends_at=now + timedelta(days=14),
    )
    off = opened.moved(CampaignState.PAUSED, now - timedelta(hours=1), Reason.PAUSED_AT_META)
    campaign = off.with_spend(Money(12_34, "EUR"), now)
    with database.unit_of_work() as unit:
        unit.campaigns.add(campaign)
        unit.commit()
    return campaign


def test_status_and_list_say_where_it_stands_and_what_it_has_spent(
    client: TestClient, manager: Headers, paused: Campaign
) -> None:
    found = client.get(f"/meta/autopilot/status/{paused.run_id}", headers=manager).json()["final_campaign"]
    (line,) = client.get("/meta/autopilot/runs", headers=manager).json()["runs"]
    assert line["final_campaign"] == found
    assert (found["state"], found["reason"], found["reason_code"]) == (
        "paused",
        "somebody paused it at Meta",
        "campaign.paused_at_meta",
    )
    assert (found["budget"], found["spent"], found["currency"]) == (300.0, 12.34, "EUR")
    spanish = client.get(
        f"/meta/autopilot/status/{paused.run_id}", headers={**manager, "Accept-Language": "es"}
    )
    assert spanish.json()["final_campaign"]["reason"] == "alguien la pausó en Meta"
    assert found["since"] < found["spent_at"] < found["ends_at"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("paused", "somebody paused it at Meta", "12.34 EUR", "300.00 EUR")),
        ("es", ("en pausa", "alguien la pausó en Meta", "12,34 EUR", "300,00 EUR")),
    ],
)
def test_its_page_says_so_in_both_languages(
    app: FastAPI, paused: Campaign, language: str, words: tuple[str, ...]
) -> None:
    browser = TestClient(app, follow_redirects=False)
    form = re.search(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)
    assert form is not None
    browser.post("/login", data={"form": form[1], "username": Role.MANAGER.value, "password": PASSWORD})
    page = browser.get(f"/runs/{paused.run_id}?lang={language}").text
    assert [one for one in words if one not in page] == []


def test_a_terminal_says_so_too(services: Services, paused: Campaign) -> None:
    view = services.reports.view(paused.run_id)
    since, ends, spent_at = (
        moment_text(at.astimezone(UTC))
        for at in (paused.since, paused.ends_at, paused.spent_at or paused.since)
    )
    assert facts_of(view, UTC)["final campaign"] == (
        f"paused since {since} (somebody paused it at Meta), "
        f"12.34 EUR of 300.00 EUR spent, as of {spent_at}, until {ends}"
    )
    (line,) = services.reports.lines().lines
    assert run_row(view.run, line.money, {})["final_campaign"] == "paused"
