"""What was expected of a published run and what came of it, on the page, by the API and in a terminal."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.test_worth import SAID
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.evidence_presenter import present_outcome
from autopublisher.api.services import Services
from autopublisher.cli.run_text import facts_of
from autopublisher.domain.access import Role
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.ids import CampaignId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.runs.run import Ending, Release, Run, RunStatus, Trial, Way
from autopublisher.flows.requests.reports import RunView
from autopublisher.ports.repositories import Fence
from autopublisher.views.outcome import outcome_of
from support.stop_staging import completed

PutRun = Callable[..., Run]
PASSWORD = "correct horse battery"


def euro(amount: int) -> Money:
    return Money(amount * 100, "EUR")


@pytest.fixture
def bet(put_run: PutRun, database: MemoryDatabase, clock: ManualClock, services: Services) -> RunView:
    """Return a run whose bet B was published where it is, with 300 of its 500 spent and 390 sold; not settled yet."""
    now = clock.now()
    run = put_run(
        status=RunStatus.COMPLETED,
        ending=Ending(at=now),
        next_tick_at=None,
        release=Release("B", "B", way=Way.IN_PLACE),
        trial=Trial(starts_at=now - timedelta(days=1)),
    )
    campaign = Campaign(
        id=CampaignId(f"{run.id}:final"),
        run_id=run.id,
        act_id=run.act_id,
        state=CampaignState.DELIVERING,
        since=now,
        budget=euro(300),
        starts_at=now,
        ends_at=now + timedelta(days=5),
    ).with_spend(euro(300), now + timedelta(days=8))
    params = {"start_time": now.isoformat(), "end_time": campaign.ends_at.isoformat()}
    spec = OperationSpec(
        "test/b/adset", Action.CREATE, ObjectKind.AD_SET, params, variant="B", reserves=300_00
    )
    row = Operation(RunOwner(run.id), 1, spec, OperationState.INTENDED, now)
    sold = Snapshot(run.id, "", now + timedelta(days=7), Figures(300_00, 9000, 300, 13, 390_00))
    with database.unit_of_work() as unit:
        latest = unit.decisions.latest([run.id])[run.id]
        verdict = json.dumps(json.loads(latest.verdict) | {"winner": None})
        unit.decisions.add(
            replace(latest, sequence=2, kind="money_bet", verdict=verdict, money=json.dumps(SAID))
        )
        unit.campaigns.add(campaign)
        unit.observations.add_snapshots([sold])
        unit.journal.intend(row, Fence(run.id, run.version))
        unit.commit()
    return services.reports.view(run.id)


def settled(view: RunView, **changes: Any) -> RunView:
    assert view.final is not None
    at = view.final.campaign.ends_at + timedelta(days=3)
    over = replace(view.final.campaign, state=CampaignState.SETTLED, since=at)
    return replace(view, final=replace(view.final, campaign=over), **changes)


def test_until_its_figures_have_settled_it_says_until_when_they_are_late_and_states_no_result(
    bet: RunView,
) -> None:
    outcome = outcome_of(bet)
    assert outcome is not None
    assert outcome.came is None
    assert [one.code for one in outcome.said] == ["outcome.expected", "outcome.spending"]
    assert bet.final is not None
    ended = replace(bet.final, campaign=bet.final.campaign.by_time(datetime(2027, 1, 1, tzinfo=UTC)))
    after = outcome_of(replace(bet, final=ended))
    assert after is not None
    assert [one.code for one in after.said] == ["outcome.expected", "outcome.late"]
    assert after.said[1].params == {"ends": after.spent_until, "until": after.late_until}


def test_what_came_is_held_against_an_equal_split_of_what_was_spent(bet: RunView) -> None:
    outcome = outcome_of(settled(bet))
    assert outcome is not None
    came = outcome.came
    assert came is not None
    # By the decision all of the 500 would have sold 1250, so 300 of it 750.
    assert (came.spent, came.revenue, came.events) == (euro(300), euro(390), 13)
    assert (came.split, came.more) == (euro(750), euro(-360))
    tested = sum(one.figures.conversions for one in bet.variants)
    noise = 2.25 * (390**2 / 13 + 750**2 / tested)
    assert float(came.chance.major) == pytest.approx(1.645 * noise**0.5, abs=0.01)
    assert bet.final is not None
    assert came.at == bet.final.campaign.spent_at
    assert [one.code for one in outcome.said][1:] == [
        "outcome.observed",
        "outcome.estimated",
        "outcome.late_sales_of_test",
    ]


def test_the_expectation_is_that_of_the_way_that_was_chosen(bet: RunView) -> None:
    found = outcome_of(bet)
    assert found is not None
    assert (found.expected.gain, found.expected.gain_range) == (euro(30), (euro(-20), euro(80)))
    scaled = replace(bet, run=replace(bet.run, release=Release("B", "B", way=Way.SCALED)))
    dearer = outcome_of(scaled)
    assert dearer is not None
    # A euro there earns .9 of one in place: .9 * 1030 - 1000.
    assert dearer.expected.gain == euro(-73)
    assert dearer.expected.gain_range == (Money(-118_00, "EUR"), Money(-28_00, "EUR"))
    assert dearer.counts_from is None


def test_another_variant_than_the_money_decision_names_was_expected_nothing_of(bet: RunView) -> None:
    assert outcome_of(replace(bet, run=replace(bet.run, release=Release("A", "B")))) is None
    assert outcome_of(replace(bet, final=None)) is None


def test_where_all_were_kept_nothing_more_than_an_equal_split_was_expected(bet: RunView) -> None:
    assert bet.decision is not None
    all_of_them = replace(bet.run, release=Release(None, "B", way=Way.KEEP_ALL))
    assert outcome_of(replace(bet, run=all_of_them)) is None  # the decision names B
    advised = replace(bet.decision, money=json.dumps(SAID | {"choice": "keep_split"}))
    outcome = outcome_of(settled(bet, run=all_of_them, decision=advised))
    assert outcome is not None
    assert (outcome.expected.variant, outcome.expected.share) == (None, 0.0)
    assert outcome.said[0].code == "outcome.expected_keeping"
    assert outcome.came is not None
    assert outcome.came.more == euro(-360)


def test_where_no_revenue_is_measured_there_is_a_share_and_no_result(bet: RunView) -> None:
    assert bet.decision is not None
    without = json.dumps(SAID | {"revenue": None, "budget_revenue": None})
    outcome = outcome_of(settled(bet, decision=replace(bet.decision, money=without)))
    assert outcome is not None
    assert outcome.came is None
    assert [one.code for one in outcome.said] == ["outcome.expected_share"]


def test_the_api_tells_observed_and_estimated_apart(bet: RunView) -> None:
    told = present_outcome(settled(bet), "es")
    assert told is not None
    assert (told.observed_spent, told.observed_revenue, told.observed_events) == (300.0, 390.0, 13)
    assert (told.estimated_split_revenue, told.estimated_more) == (750.0, -360.0)
    assert (told.way, told.currency, told.settled) == ("in_place", "EUR", True)
    assert "Observado" in " ".join(told.sentences)
    early = present_outcome(bet, "en")
    assert early is not None
    assert (early.settled, early.observed_revenue, early.estimated_more) == (False, None, None)


def test_a_terminal_calls_no_bet_a_winner(bet: RunView) -> None:
    said = facts_of(settled(bet), UTC)["expected, and what came"]
    assert "about 30 EUR more" in said
    assert "Observed" in said
    assert "Estimated" in said
    assert "winner" not in said


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Expected, and what came", "about 30 EUR more", "No result yet")),
        ("es", ("Lo esperado y lo que vino", "unos 30 EUR más", "Aún sin resultado")),
    ],
)
def test_the_page_says_so_in_both_languages(
    app: FastAPI, bet: RunView, language: str, words: tuple[str, ...]
) -> None:
    browser = TestClient(app, follow_redirects=False)
    form = re.findall(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)[0]
    browser.post("/login", data={"form": form, "username": Role.MANAGER.value, "password": PASSWORD})
    page = browser.get(f"/runs/{bet.run.id}", headers={"Accept-Language": language}).text
    assert [one for one in words if one not in page] == []


def test_a_run_that_was_published_knows_when_its_figures_settle() -> None:
    stage = completed(Way.IN_PLACE)
    view = stage.reports.view(stage.run_id)
    assert view.final is not None
    assert view.settles_at is not None
    assert view.settles_at > view.final.campaign.ends_at
