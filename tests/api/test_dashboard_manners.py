"""Pages that leave what one types alone, say of when they are, and say what a button does before it does it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.services import Services
from autopublisher.cli.stops import OBJECT_COLUMNS, object_rows
from autopublisher.dashboard.session import SESSION_COOKIE
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.stops import STOP_DUTY, ObjectLine, StopReport
from autopublisher.domain.ids import AccountId, ActId, MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import legacy
from autopublisher.domain.runs.run import Control, Release, Run, RunStatus
from autopublisher.flows.requests.people import People
from autopublisher.messages import words_in

pytestmark = pytest.mark.slow  # every page in both languages

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
RUN = RunId("11111111-2222-4333-8444-555555555555")
PAGES = ["/", f"/runs/{RUN}", "/approvals", f"/approvals/{RUN}", "/stops", "/exposure", "/system"]
PutRun = Callable[..., Run]
SignedIn = Callable[..., TestClient]
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def signed_in(app: FastAPI, people: People) -> SignedIn:
    def sign_in(role: Role = Role.MANAGER, language: str = "en") -> TestClient:
        token = people.issue_token(people.user(role.value), "test", timedelta(days=1))
        headers = {"Cookie": f"{SESSION_COOKIE}={token}; ap_lang={language}"}
        return TestClient(app, follow_redirects=False, headers=headers)

    return sign_in


def form_in(html: str) -> str:
    found: list[str] = re.findall(r'name="form" value="([0-9a-f]+)"', html)
    return found[0]


@pytest.mark.parametrize("status", [RunStatus.AB_TESTING, RunStatus.WAITING_APPROVAL])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_reloads_by_itself(
    signed_in: SignedIn, put_run: PutRun, path: str, status: RunStatus
) -> None:
    put_run(status=status)
    assert "http-equiv" not in signed_in().get(path).text


@pytest.mark.parametrize(("language", "words"), [("en", "As of"), ("es", "Actualizado a")])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_of_when_it_is_and_how_to_reload_it(
    signed_in: SignedIn, put_run: PutRun, path: str, language: str, words: str
) -> None:
    put_run()
    page = signed_in(language=language).get(path).text
    assert f"{words} 2026-11-02 10:00 CET" in page
    assert f'<a href="{path}">{words_in(language)["reload"]}</a>' in page  # type: ignore[arg-type]


@pytest.fixture
def other_account(database: MemoryDatabase, account: Account) -> Account:
    """Return a second account, in another zone, that everything else on a page does not share."""
    other = replace(
        account, id=AccountId("lima"), act_id=ActId("act_9"), name="Tienda", timezone="America/Lima"
    )
    with database.unit_of_work() as unit:
        unit.accounts.add(other)
        unit.commit()
    return other


@pytest.mark.parametrize("path", ["/", f"/runs/{RUN}", "/approvals", f"/approvals/{RUN}", "/exposure"])
def test_moments_are_in_the_zone_of_the_account_they_belong_to(
    signed_in: SignedIn, put_run: PutRun, other_account: Account, path: str
) -> None:
    put_run(status=RunStatus.WAITING_APPROVAL)
    put_run(RunId("9" + RUN[1:]), "Otra", act_id=other_account.act_id, account_id=other_account.id)
    page = signed_in().get(path).text
    assert "2026-11-02 10:00 CET" in page or "2026-11-05 10:00 CET" in page
    alone = RUN in path
    assert (" UTC-05" in page) != alone
    # Of what belongs to no account, and accounts share no zone, the page's own moment stays in UTC.
    assert ("As of 2026-11-02 09:00 UTC " in page) != alone


def test_a_stop_is_told_in_the_zone_of_its_account(
    signed_in: SignedIn, services: Services, other_account: Account
) -> None:
    services.stops.stop(other_account.id, "the shop is closed", "ana")
    assert "ana, 2026-11-02 04:00 UTC-05" in " ".join(signed_in().get("/stops").text.split())


def test_moments_in_sentences_are_in_the_zone_too(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run(
        attention=legacy("Trying again at 2026-11-02 09:30 UTC"),
        warnings=(legacy("Ends 2026-11-02T10:00:00+00:00"),),
    )
    page = signed_in().get(f"/runs/{RUN}").text
    assert "Trying again at 2026-11-02 10:30 CET" in page
    assert "Ends 2026-11-02 11:00 CET" in page
    assert " UTC" not in page


def test_reloading_keeps_the_page_of_a_list(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    assert f'href="/?before={RUN}"' in signed_in().get(f"/?before={RUN}").text


def before(page: str, first: str, second: str) -> bool:
    return 0 <= page.find(first) < page.find(second)


def test_cancelling_stands_at_the_top_and_says_what_happens(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run(status=RunStatus.AB_TESTING, release=Release())
    page = signed_in().get(f"/runs/{RUN}").text
    assert before(page, f'action="/runs/{RUN}/cancel"', 'id="progress"')
    confirmation = page[page.index("<details") : page.index("</details>")]
    for shown in ("Test Campaign", RUN, "100.00 EUR of 500.00 EUR", words_in("en")["cancel_explain"]):
        assert shown in confirmation


@pytest.mark.parametrize("path", [f"/runs/{RUN}", f"/approvals/{RUN}"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_rejecting_stands_at_the_top_and_says_what_happens(
    signed_in: SignedIn, put_run: PutRun, path: str, language: Any
) -> None:
    put_run()
    page = signed_in(language=language).get(path).text
    assert before(page, f'action="/approvals/{RUN}/reject"', f'action="/approvals/{RUN}"')
    assert words_in(language)["reject_explain"] in page


def test_an_operator_is_told_who_can_reject(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    page = signed_in(Role.OPERATOR).get(f"/approvals/{RUN}").text
    assert (words_in("en")["reject_by_others"] in page, "/reject" in page) == (True, False)


def test_what_is_rejected_ends(signed_in: SignedIn, put_run: PutRun, database: MemoryDatabase) -> None:
    put_run()
    browser = signed_in()
    data = {"form": form_in(browser.get(f"/runs/{RUN}").text), "reason": "off brand", "sure": "true"}
    assert browser.post(f"/approvals/{RUN}/reject", data=data).status_code == 303
    with database.unit_of_work() as unit:
        assert unit.runs.get(RUN).control is Control.CANCEL


@pytest.mark.parametrize("path", [f"/runs/{RUN}/cancel", f"/approvals/{RUN}/reject"])
def test_nothing_ends_before_the_box_is_ticked(
    signed_in: SignedIn, put_run: PutRun, database: MemoryDatabase, path: str
) -> None:
    put_run()
    browser = signed_in()
    data = {"form": form_in(browser.get(f"/runs/{RUN}").text)}
    assert browser.post(path, data=data).status_code == 422
    with database.unit_of_work() as unit:
        assert unit.runs.get(RUN).control is Control.NONE


@pytest.mark.parametrize(("language", "said"), [("en", "There is nothing"), ("es", "No hay nada")])
def test_an_unknown_address_is_a_page_for_a_person(signed_in: SignedIn, language: str, said: str) -> None:
    answer = signed_in(language=language).get("/campaigns", headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert said in answer.text
    assert "manager" in answer.text


def test_an_unknown_address_is_a_page_for_a_stranger(app: FastAPI) -> None:
    answer = TestClient(app).get("/campaigns", headers=HTML)
    assert (answer.status_code, "There is nothing" in answer.text) == (404, True)


def test_an_unknown_address_is_a_problem_for_a_program(app: FastAPI) -> None:
    answer = TestClient(app).get("/campaigns")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture
def reported(services: Services, put_run: PutRun, database: MemoryDatabase) -> Run:
    """Return the run of the first of three objects that a stop has switched off; no known run has the others."""
    run = put_run()
    stop = services.stops.stop(None, "the price is wrong", "ana").stop
    lines = (
        ObjectLine(ObjectKind.AD_SET, MetaId("77"), "test/a/adset", run.id, "PAUSED", confirmed=True),
        ObjectLine(ObjectKind.AD_SET, MetaId("78"), "", None, "PAUSED", confirmed=True),
        ObjectLine(ObjectKind.AD_SET, MetaId("79"), "", RunId("x"), "PAUSED", confirmed=True),
    )
    with database.unit_of_work() as unit:
        watch = unit.watches.get(run.act_id)
        assert watch is not None
        report = {STOP_DUTY: StopReport((stop.id,), NOW, lines).to_record()}
        unit.watches.save(replace(watch, version=watch.version + 1, report=report), watch.version)
        unit.commit()
    return run


def test_a_stop_names_run_and_campaign(signed_in: SignedIn, reported: Run) -> None:
    page = signed_in().get("/stops").text
    assert f'<a href="/runs/{reported.id}">Test Campaign</a> <code>{reported.id}</code>' in page
    assert page.count(words_in("en")["no_run"]) == 2


def test_a_stop_names_the_campaign_beside_the_run_to_programs(
    client: TestClient, bearer: Callable[[Role], dict[str, str]], reported: Run
) -> None:
    (stop,) = client.get("/meta/autopilot/stops", headers=bearer(Role.VIEWER)).json()["stops"]
    named = [(one["run_id"], one["campaign"]) for one in stop["accounts"][0]["objects"]]
    assert named == [(reported.id, "Test Campaign"), (None, None), ("x", None)]


def test_a_stop_names_the_campaign_beside_the_run_in_a_terminal(services: Services, reported: Run) -> None:
    (view,) = services.stops.views()
    rows = object_rows(view)
    assert [(row["run_id"], row["campaign"]) for row in rows] == [
        (reported.id, "Test Campaign"),
        (None, None),
        ("x", None),
    ]
    assert {"run_id", "campaign"} <= set(OBJECT_COLUMNS)
    lifted = services.stops.resume("ana", "mended", stop_id=view.stop.id)
    assert [row["campaign"] for row in object_rows(lifted[0])] == ["Test Campaign", None, None]
