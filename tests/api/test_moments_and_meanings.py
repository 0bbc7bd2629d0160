"""Every figure carries its moment, and a field keeps its meaning for the whole run."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rich.console import Console

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.services import Services
from autopublisher.bootstrap.simulator_books import Truth
from autopublisher.cli.demo_report import report
from autopublisher.cli.run_text import facts_of, run_row
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.reconciliation.edits import Edit
from autopublisher.domain.reconciliation.findings import Finding
from autopublisher.domain.runs.run import Release, Run, RunStatus, Trial
from autopublisher.flows.requests.reports import RunView
from autopublisher.views.moments import standing_text
from autopublisher.views.progress import progress_of

RUN = "11111111-2222-4333-8444-555555555555"
PASSWORD = "correct horse battery"
Headers = dict[str, str]
PutRun = Callable[..., Run]


@pytest.fixture
def status(client: TestClient, manager: Headers) -> Callable[[], dict[str, Any]]:
    return lambda: client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    browser = TestClient(app, follow_redirects=False)
    form = re.search(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)
    assert form is not None
    browser.post("/login", data={"form": form[1], "username": Role.MANAGER.value, "password": PASSWORD})
    return browser


def test_the_objective_stays_as_asked_and_metas_stands_beside_it(
    put_run: PutRun, status: Callable[[], dict[str, Any]]
) -> None:
    put_run()
    told = status()
    assert (told["objective"], told["meta_objective"]) == ("CONVERSIONS", "OUTCOME_SALES")


def test_figures_carry_the_moment_they_were_read(
    put_run: PutRun, status: Callable[[], dict[str, Any]], browser: TestClient, clock: ManualClock
) -> None:
    put_run()
    told = status()
    at = clock.now().isoformat().replace("+00:00", "Z")
    assert told["figures_at"] == at
    assert {one["figures_at"] for one in told["variants"]} == {at}
    assert told["verdict"]["at"] == at
    assert "as of" in browser.get(f"/runs/{RUN}").text
    assert "a fecha de" in browser.get(f"/runs/{RUN}", params={"lang": "es"}).text


def test_a_run_under_a_stop_says_so_as_long_as_it_holds(
    *,
    put_run: PutRun,
    status: Callable[[], dict[str, Any]],
    services: Services,
    account: Account,
    browser: TestClient,
) -> None:
    put_run(status=RunStatus.PENDING, release=Release())
    services.stops.stop(account.id, "the shop is closed", "maria")
    (warning,) = status()["warnings"]
    assert warning.endswith("stopped by maria: the shop is closed")
    spanish = browser.get(f"/runs/{RUN}", params={"lang": "es"}).text
    assert "hasta que se levante una parada: detenida por maria: the shop is closed" in spanish
    (stop,) = services.stops.holding()
    services.stops.resume("maria", "open again", stop_id=stop.id)
    assert status()["warnings"] == []
    assert "Lifted: the stop of account" in browser.get("/stops", params={"lang": "en"}).text


def test_a_cancellation_is_asked_for_until_it_has_been_read_back(
    *,
    client: TestClient,
    put_run: PutRun,
    manager: Headers,
    database: MemoryDatabase,
    status: Callable[[], dict[str, Any]],
) -> None:
    put_run()
    asked = {"run_id": RUN, "reason": "wrong link"}
    told = client.post("/meta/autopilot/cancel", json=asked, headers=manager).json()
    assert (told["cancelling"], told["failure"]) == (True, "cancellation asked by manager: wrong link")
    assert told["logs"][-1].endswith("cancellation asked by manager: wrong link")
    with database.unit_of_work() as unit:
        run = unit.runs.get(RunId(RUN))
        unit.runs.save(replace(run, status=RunStatus.CANCELLED, version=run.version + 1), was=run.version)
        unit.commit()
    assert (status()["cancelling"], status()["failure"]) == (False, "cancelled by manager: wrong link")


# --- how far a test has come ----------------------------------------------------------------------


def at_hour_22(run: Run, clock: ManualClock) -> Run:
    """Return the run 22 of 24 hours into its test."""
    now = clock.now()
    starts = now - timedelta(hours=22)
    return replace(
        run,
        status=RunStatus.AB_TESTING,
        release=Release(),
        trial=Trial(starts_at=starts, ends_at=starts + timedelta(hours=24)),
    )


def judged(view: RunView, **verdict: Any) -> RunView:
    """Return a view whose verdict was made at the test's second hour."""
    at = (view.run.trial.starts_at or view.run.created_at) + timedelta(hours=2)
    stored = {"share": 0.06, "hour": 2.0, "next_look_hour": None, "next_look_share": 0.1} | verdict
    decision = Decision(view.run.id, at, 1, "not_yet", False, json.dumps(stored), "", "")
    return replace(view, decision=decision)


@pytest.fixture
def view(put_run: PutRun, services: Services, clock: ManualClock) -> RunView:
    found = services.reports.view(put_run().id)
    return replace(found, run=at_hour_22(found.run, clock))


def test_shares_of_evidence_money_and_time_are_told_apart_with_their_moments(
    view: RunView, clock: ManualClock
) -> None:
    found = progress_of(judged(view))
    assert found is not None
    assert (found.evidence, found.money) == (0.06, 1.0)
    assert found.time == pytest.approx(22 / 24)
    assert found.evidence_at == clock.now() - timedelta(hours=20)
    assert found.figures_at == clock.now()
    assert found.test_ends_at == clock.now() + timedelta(hours=2)


@pytest.mark.parametrize(
    ("verdict", "hours"),
    [
        ({"next_look_hour": 24.0}, 24.0),
        ({"share": 0.06, "hour": 3.0, "next_look_share": 0.1}, 5.0),
        ({"next_look_share": 1.0}, 96.0),
        ({"share": 0.0}, 96.0),
    ],
)
def test_the_next_analysis_is_a_date(view: RunView, verdict: dict[str, Any], hours: float) -> None:
    found = progress_of(judged(view, **verdict))
    assert found is not None
    assert view.run.trial.starts_at is not None
    assert found.next_analysis_at == view.run.trial.starts_at + timedelta(hours=hours)


def test_a_verdict_that_ended_the_test_keeps_the_moment_of_its_figures(view: RunView) -> None:
    starts = view.run.trial.starts_at
    assert starts is not None
    settled = judged(view, hour=24.0)
    assert settled.decision is not None
    late = replace(settled.decision, at=starts + timedelta(hours=96))
    assert replace(settled, decision=late).evidence_at == starts + timedelta(hours=24)


def test_a_test_without_figures_has_no_progress(view: RunView) -> None:
    assert progress_of(replace(view, variants=())) is None
    assert progress_of(replace(view, run=replace(view.run, trial=Trial()))) is None


# --- a scheduled run ------------------------------------------------------------------------------


def test_a_scheduled_run_shows_its_moment_and_does_not_read_as_starting(
    *,
    put_run: PutRun,
    account: Account,
    client: TestClient,
    manager: Headers,
    browser: TestClient,
    clock: ManualClock,
) -> None:
    begins = clock.now() + timedelta(days=3)
    run = put_run()
    with_moment = replace(run.request, scheduled_for=begins)
    put_run(
        run_id=RunId("22222222-2222-4333-8444-555555555555"),
        status=RunStatus.PENDING,
        request=with_moment,
        release=Release(),
        next_tick_at=begins,
        account_id=account.id,
    )
    shown = f"Scheduled for {begins.astimezone(ZoneInfo(account.timezone)):%Y-%m-%d %H:%M} CET"
    path = "/runs/22222222-2222-4333-8444-555555555555"
    for page in (browser.get("/").text, browser.get(path).text):
        assert shown in page
    words = " ".join(re.sub(r"<[^>]+>", " ", browser.get(path).text).split())
    assert "Starting" not in words
    assert "Programada para" in browser.get(path, params={"lang": "es"}).text
    runs = client.get("/meta/autopilot/runs", headers=manager).json()["runs"]
    assert begins.isoformat().replace("+00:00", "Z") in [one["scheduled_for"] for one in runs]


def test_what_was_changed_at_meta_is_told_in_the_accounts_zone(put_run: PutRun, services: Services) -> None:
    run = put_run()
    edit = Edit("end_time", "2026-11-03T09:00:00+00:00", "2026-11-04T10:00:00+0100")
    found = Finding(run.id, "test/a/adset", ObjectKind.AD_SET, MetaId("77"), edit, run.created_at)
    view = replace(services.reports.view(run.id), findings=(found,))
    assert facts_of(view, ZoneInfo("Europe/Madrid"))["changed at Meta"] == (
        "adset 77 (test/a/adset): end_time is 2026-11-04 10:00 CET, and we asked for 2026-11-03 10:00 CET"
    )


def test_a_terminal_shows_the_moment_of_a_scheduled_run(put_run: PutRun, services: Services) -> None:
    run = put_run(status=RunStatus.PENDING, release=Release())
    begins = run.created_at + timedelta(days=3)
    view = services.reports.view(run.id)
    scheduled = replace(run, request=replace(run.request, scheduled_for=begins))
    moment = f"{begins:%Y-%m-%d %H:%M} UTC"
    assert facts_of(replace(view, run=scheduled), UTC)["scheduled for"] == moment
    (line,) = services.reports.lines().lines
    assert run_row(scheduled, line.money, {})["needs"] == f"begins {moment}"
    assert standing_text(scheduled, UTC) == f"pending, scheduled for {moment}"
    admitted = replace(scheduled, status=RunStatus.AB_TESTING)
    assert standing_text(admitted, UTC) == "ab_testing"


def test_the_demo_says_why_its_two_figures_of_what_was_spent_differ(
    put_run: PutRun, services: Services
) -> None:
    view = services.reports.view(put_run().id)
    later = (view.as_of or view.run.created_at) + timedelta(hours=3)
    shown = {}
    for spent in (10_000, 10_075):
        written = StringIO()
        truth = Truth(later, {}, spent, 0, 50_000)
        Console(file=written, width=200).print(report(view, truth, ZoneInfo("Europe/Madrid")))
        shown[spent] = written.getvalue()
    assert "100.75 EUR, as of 2026-11-02 13:00 CET" in shown[10_075]
    why = (
        "Meta reports spend with a delay: the run's figures are as of 2026-11-02 10:00 CET, "
        "the simulator's own books are as of 2026-11-02 13:00 CET."
    )
    assert (why in shown[10_075], why in shown[10_000]) == (True, False)
