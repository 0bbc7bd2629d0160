"""What the dashboard tells in words: exposure with its limits, how a verdict was reached, and the log in Spanish."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.services import Services
from autopublisher.cli.exposure import NEVER_READ, exposure_rows
from autopublisher.dashboard.pages import PAGE_SIZE
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.claims import Claim, ClaimLabel, why_not
from autopublisher.domain.accounts.stops import STOP_DUTY
from autopublisher.domain.accounts.watches import PROBLEM, Watch
from autopublisher.domain.evidence import Verdict, method_note
from autopublisher.domain.ids import ActId, InstallationId, MetaId, RunId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.messages import LEGACY, Message
from autopublisher.domain.moments import moment_text
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.reconciliation.findings import RECONCILIATION
from autopublisher.domain.runs.run import Release, Run, RunStatus
from autopublisher.domain.runs.run_messages import RunEnd, ended_by
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.reports import RunView
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from autopublisher.messages import Language, render, words_in
from autopublisher.ports.repositories import Fence
from support.crashing_machine import CrashingMachine, seeded
from support.simulated import brief_request
from support.wording import english

PASSWORD = "correct horse battery"
RUN = "11111111-2222-4333-8444-555555555555"
SignedIn = Callable[[Role], TestClient]
PutRun = Callable[..., Run]


@pytest.fixture
def signed_in(app: FastAPI) -> SignedIn:
    def sign_in(role: Role) -> TestClient:
        browser = TestClient(app, follow_redirects=False)
        form = re.search(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)
        assert form is not None
        browser.post("/login", data={"form": form[1], "username": role.value, "password": PASSWORD})
        return browser

    return sign_in


@pytest.fixture(scope="module")
def completed() -> RunView:
    """The brief's request, carried out from beginning to end."""
    machine = seeded(CrashingMachine(), brief_request())
    run_id = machine.intake.submit(brief_request(), "tester").id
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    machine.approvals.publish_winner(run_id, "manager")
    assert machine.drive(run_id).status is RunStatus.COMPLETED
    return machine.reports.view(run_id)


# --- exposure -------------------------------------------------------------------------------------


@pytest.fixture
def spending(database: MemoryDatabase, put_run: PutRun, account: Account) -> Run:
    """A run of an account limited to 300 EUR a day, with an ad set that may spend 80 EUR until the third."""
    run = put_run(status=RunStatus.AB_TESTING, release=Release())
    params = {
        "name": "Arm A",
        "campaign_id": {"$id": "test/a/campaign"},
        "start_time": "2026-11-02T09:00:00+00:00",
        "end_time": "2026-11-03T09:00:00+00:00",
        "lifetime_budget": 8000,
    }
    spec = OperationSpec("test/a/adset", Action.CREATE, ObjectKind.AD_SET, params, variant="A", reserves=8000)
    with database.unit_of_work() as unit:
        unit.accounts.save(replace(account, daily_limit=30_000))
        fence = Fence(run.id, run.version)
        row = Operation(RunOwner(run.id), 1, spec, OperationState.INTENDED, run.created_at)
        unit.journal.intend(row, fence)
        for key, kind in (("test/a/campaign", ObjectKind.CAMPAIGN), (spec.key, ObjectKind.AD_SET)):
            shown = replace(unit.records.objects(run.id)[0], id=key, key=key, kind=kind, meta_id=MetaId(key))
            unit.records.put_objects([replace(shown, status="ACTIVE", effective_status="ACTIVE")])
        unit.journal.advance(row.to(OperationState.SENT, attempts=1), row, fence)
        unit.commit()
    return run


def cells(page: str) -> list[str]:
    return [
        re.sub(r"<[^>]+>", "", one).strip()
        for one in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page, re.DOTALL)
    ]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.OPERATOR])
def test_who_works_here_sees_the_exposure_and_a_way_to_it(
    signed_in: SignedIn, account: Account, role: Role
) -> None:
    page = signed_in(role).get("/exposure").text
    assert account.name in page
    assert '<a href="/exposure" aria-current="page">' in page


def test_a_viewer_sees_no_exposure_and_no_way_to_it(signed_in: SignedIn) -> None:
    browser = signed_in(Role.VIEWER)
    assert browser.get("/exposure").status_code == 403
    assert "/exposure" not in browser.get("/system").text


def test_an_account_shows_what_could_be_spent_until_when_and_what_its_limits_leave(
    signed_in: SignedIn, spending: Run
) -> None:
    page = signed_in(Role.MANAGER).get("/exposure").text
    assert spending.request.campaign_name in page
    assert "2026-11-03 10:00 CET" in page
    shown = cells(page)
    first = shown.index("account")
    assert shown[first + 1 : first + 5] == ["day 2026-11-02", "300.00 EUR", "80.00 EUR", "220.00 EUR"]


def test_dashboard_and_terminal_show_the_same_age_of_the_figures(
    signed_in: SignedIn, spending: Run, services: Services, client: TestClient, manager: dict[str, str]
) -> None:
    rows = exposure_rows(services.exposures.of())
    assert [bool(row["object"]) for row in rows] == [False, False, True]
    assert {moment_text(row["as_of"]) for row in rows} == {"2026-11-02 10:00 CET"}
    page = signed_in(Role.MANAGER).get("/exposure").text
    assert cells(page)[-1] == "2026-11-02 10:00 CET"
    assert "as of 2026-11-02 10:00 CET" in page
    (told,) = client.get("/meta/autopilot/exposure", headers=manager).json()["accounts"]
    assert told["as_of"] == told["runs"][0]["as_of"] == "2026-11-02T09:00:00Z"


def test_the_exposure_leads_to_older_runs(signed_in: SignedIn, put_run: PutRun) -> None:
    first = put_run(RunId("first"))
    for number in range(PAGE_SIZE):
        put_run(RunId(f"later-{number}"), created_at=first.created_at + timedelta(minutes=1 + number))
    browser = signed_in(Role.MANAGER)
    page = browser.get("/exposure").text
    assert "/runs/first" not in page
    assert 'href="/exposure?before=later-0"' in page
    older = browser.get("/exposure?before=later-0").text
    assert "/runs/first" in older
    assert words_in("en")["older"] not in older


def test_what_was_never_read_says_so_in_a_terminal(
    spending: Run, services: Services, database: MemoryDatabase
) -> None:
    params = {"name": "Arm B", "end_time": "2026-11-03T09:00:00+00:00", "lifetime_budget": 8000}
    spec = OperationSpec("test/b/adset", Action.CREATE, ObjectKind.AD_SET, params, variant="B", reserves=8000)
    with database.unit_of_work() as unit:
        row = Operation(RunOwner(spending.id), 2, spec, OperationState.INTENDED, spending.created_at)
        unit.journal.intend(row, Fence(spending.id, spending.version))
        unit.commit()
    ages = {row["object"]: row["as_of"] for row in exposure_rows(services.exposures.of())}
    assert ages["test/b/adset"] == NEVER_READ


def test_an_operator_reads_a_runs_exposure_but_is_not_led_to_the_run(
    signed_in: SignedIn, spending: Run
) -> None:
    page = signed_in(Role.OPERATOR).get("/exposure").text
    assert spending.request.campaign_name in page
    assert f"/runs/{spending.id}" not in page


def test_the_exposure_is_told_in_spanish(signed_in: SignedIn, spending: Run) -> None:
    page = signed_in(Role.MANAGER).get("/exposure?lang=es").text
    assert f"/runs/{spending.id}" in page
    assert words_in("es")["limit_left"] in page
    assert "220,00 EUR" in page


def test_an_account_without_limits_says_so(signed_in: SignedIn, account: Account) -> None:
    page = signed_in(Role.ADMIN).get("/exposure").text
    assert account.act_id in page
    assert words_in("en")["no_limits"] in page


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_no_figure_covers_is_named(
    signed_in: SignedIn, account: Account, database: MemoryDatabase, clock: ManualClock, language: Language
) -> None:
    orphan = {"kind": "campaign", "meta_id": "120000000000000077", "key": "Old [ap-ffffffffffffffff-a]"}
    report = {RECONCILIATION: {"orphans": [{**orphan, "state": "ACTIVE", "confirmed": False}]}}
    with database.unit_of_work() as unit:
        unit.watches.add(Watch(account.act_id, 1, clock.now()))
        watch = unit.watches.get(account.act_id)
        assert watch is not None
        unit.watches.save(replace(watch, version=watch.version + 1, report=report), was=watch.version)
        unit.commit()
    page = signed_in(Role.ADMIN).get(f"/exposure?lang={language}").text
    assert words_in(language)["uncounted"] in page
    assert words_in(language)["nothing_open"] not in page
    belongs = "belongs to no journal" if language == "en" else "no pertenece a ningún diario"
    assert f"campaign 120000000000000077 (Old [ap-ffffffffffffffff-a]) {belongs}" in page


def test_why_nothing_more_is_let_through_is_told_in_spanish(
    database: MemoryDatabase, clock: ManualClock, account: Account
) -> None:
    gate = MoneyGate(SpendRules(InstallationLimits(daily={"USD": 100})))
    (shown,) = Exposures(database.unit_of_work, clock, gate).of(account.id)
    assert shown.warning is not None
    assert render(shown.warning, "es") == (
        "la instalación tiene un límite diario, pero ninguno para EUR: no se deja pasar nada más."
    )


# --- how a verdict was reached --------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_runs_page_says_how_its_verdict_was_reached(
    signed_in: SignedIn,
    put_run: PutRun,
    database: MemoryDatabase,
    completed: RunView,
    language: str,
) -> None:
    run = put_run()
    assert completed.decision is not None
    stored = replace(completed.decision, run_id=run.id, sequence=2)
    with database.unit_of_work() as unit:
        unit.decisions.add(stored)
        unit.commit()
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}?lang={language}").text
    assert escape(method_note(Verdict.from_json(stored.verdict), language)) in page


def test_a_verdict_of_an_earlier_release_is_shown_without_its_method(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()  # its stored verdict has a fraction of the fields
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}").text
    assert "Variant A earned more per euro." in page
    assert words_in("en")["method"] not in page


# --- what is said, in Spanish ---------------------------------------------------------------------


def test_every_line_of_a_whole_runs_log_is_told_in_spanish(completed: RunView) -> None:
    assert {event.tag for event in completed.events if event.message.code == LEGACY} == set()
    told = {event.tag: render(event.message, "es") for event in completed.events}
    assert told["orchestrator:run:completed"].startswith("Variante B publicada como campaña final")
    assert all(
        text != english(event.message) for event, text in zip(completed.events, told.values(), strict=False)
    )


def test_every_warning_of_the_request_has_a_code(completed: RunView) -> None:
    assert completed.run.warnings
    assert LEGACY not in {one.code for one in completed.run.warnings}


OTHERS = ClaimLabel(MetaId("1"), InstallationId("aaaa"), 3, "n1", "2026-01-01")
OWN = ClaimLabel(MetaId("2"), InstallationId("bbbb"), 4, "n2", "2026-01-02")


def waiting(labels: list[ClaimLabel], claim: Claim) -> Message:
    why = why_not(claim, labels, OWN.installation, "file 7")
    assert why is not None
    return claim.refused(why, datetime(2026, 11, 2, tzinfo=UTC)).attention


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([OTHERS], "la instalación aaaa (arranque 3) la reclamó antes en Meta"),
        ([OWN], "se ha arrancado otra copia de esta base de datos (arranque 4 en Meta, 2 aquí)"),
        ([], "esta base de datos se restauró, se copió o se movió"),
    ],
)
def test_whose_an_account_is_is_told_in_spanish(labels: list[ClaimLabel], reason: str) -> None:
    told = render(waiting(labels, Claim(ActId("act_1"), 2, ("n0",), "file 6")), "es")
    assert told.startswith(f"En act_1 no puede escribir esta instalación: {reason}")
    assert told.endswith("«autopublisher account take-over act_1».")


def test_a_run_says_in_spanish_what_it_waits_for(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run(attention=waiting([OTHERS], Claim(ActId("act_1"), 2, ("n0",), "file 6")))
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}?lang=es").text
    assert "no puede escribir esta instalación: la instalación aaaa" in page
    assert "is not this installation" not in page


@pytest.mark.slow
def test_a_stop_says_in_spanish_why_nobody_has_looked(
    signed_in: SignedIn, services: Services, account: Account, database: MemoryDatabase
) -> None:
    stop = services.stops.stop(None, "the price is wrong", "ana").stop
    problem = waiting([OTHERS], Claim(account.act_id, 2, ("n0",), "file 6"))
    with database.unit_of_work() as unit:
        watch = unit.watches.get(account.act_id)
        assert watch is not None
        report = {STOP_DUTY: {PROBLEM: problem.to_record(), "stops": [stop.id]}}
        unit.watches.save(replace(watch, version=watch.version + 1, report=report), watch.version)
        unit.commit()
    page = signed_in(Role.MANAGER).get("/stops?lang=es").text
    assert "no puede escribir esta instalación" in page
    assert "is not this installation" not in page


def test_what_somebody_typed_stays_within_our_sentence() -> None:
    why = ended_by(RunEnd.CANCELLED, RunEnd.CANCELLED_BECAUSE, "ana", "{reason}, she says: 100 %")
    assert render(why, "es") == "cancelada por ana: {reason}, she says: 100 %"


def test_a_sentence_of_an_earlier_release_is_marked_as_english_on_a_spanish_page(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}?lang=es").text
    assert '<td lang="en">The test has ended.</td>' in page
