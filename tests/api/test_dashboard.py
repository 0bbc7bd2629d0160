"""The dashboard as a browser sees it: signing in, what each role is shown, forms, languages, and no way in for scripts."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Control, Run, RunStatus
from autopublisher.flows.requests.people import People
from autopublisher.flows.runs.closing import Done
from autopublisher.messages import language_of, words_in
from support.wording import english

pytestmark = pytest.mark.slow  # every page in both languages

RUN = "11111111-2222-4333-8444-555555555555"
PASSWORD = "correct horse battery"
PutRun = Callable[..., Run]
SignedIn = Callable[[Role], TestClient]


def form_in(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def digest_in(page: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def signed_in(app: FastAPI) -> SignedIn:
    def sign_in(role: Role) -> TestClient:
        browser = TestClient(app, follow_redirects=False)
        form = form_in(browser.get("/login").text)
        browser.post("/login", data={"form": form, "username": role.value, "password": PASSWORD})
        return browser

    return sign_in


# --- signing in and out ---------------------------------------------------------------------------


def test_who_has_not_signed_in_is_sent_to_do_so(browser: TestClient) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize(
    ("role", "home"),
    [(Role.ADMIN, "/"), (Role.MANAGER, "/"), (Role.OPERATOR, "/approvals"), (Role.VIEWER, "/system")],
)
def test_each_role_lands_on_a_page_it_may_see(browser: TestClient, role: Role, home: str) -> None:
    form = form_in(browser.get("/login").text)
    answer = browser.post("/login", data={"form": form, "username": role.value, "password": PASSWORD})
    assert answer.headers["Location"] == home
    assert browser.get(home).status_code == 200


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(browser: TestClient) -> None:
    form = form_in(browser.get("/login").text)
    answer = browser.post("/login", data={"form": form, "username": "manager", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("ap_session=", "HttpOnly", "SameSite=lax"))


def test_the_session_cookie_stays_on_https_where_there_is_https(app: FastAPI) -> None:
    browser = TestClient(app, base_url="https://testserver", follow_redirects=False)
    form = form_in(browser.get("/login").text)
    answer = browser.post("/login", data={"form": form, "username": "manager", "password": PASSWORD})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_wrong_password_is_told_on_the_page(browser: TestClient) -> None:
    form = form_in(browser.get("/login").text)
    answer = browser.post("/login", data={"form": form, "username": "manager", "password": "wrong"})
    assert (answer.status_code, words_in("en")["wrong_password"] in answer.text) == (401, True)


def test_signing_in_needs_the_forms_token(browser: TestClient) -> None:
    browser.get("/login")
    answer = browser.post("/login", data={"username": "manager", "password": PASSWORD})
    assert answer.status_code == 403


def test_another_browsers_form_token_is_refused(app: FastAPI, browser: TestClient) -> None:
    foreign = form_in(TestClient(app).get("/login").text)
    browser.get("/login")
    answer = browser.post("/login", data={"form": foreign, "username": "manager", "password": PASSWORD})
    assert answer.status_code == 403


def test_signing_out_ends_the_session_itself(signed_in: SignedIn, people: People) -> None:
    browser = signed_in(Role.MANAGER)
    session = browser.cookies["ap_session"]
    browser.post("/logout", data={"form": form_in(browser.get("/").text)})
    browser.cookies.set("ap_session", session)
    assert browser.get("/").headers["Location"] == "/login"


def test_a_user_who_is_made_inactive_is_out(signed_in: SignedIn, database: MemoryDatabase) -> None:
    browser = signed_in(Role.MANAGER)
    with database.unit_of_work() as unit:
        user = unit.people.by_name("manager")
        assert user is not None
        unit.people.save(replace(user, active=False))
        unit.commit()
    assert browser.get("/").headers["Location"] == "/login"


# --- what is shown --------------------------------------------------------------------------------


def test_the_list_shows_each_run_with_its_money(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    page = signed_in(Role.MANAGER).get("/").text
    assert "Test Campaign" in page
    assert "100.00 EUR of 500.00 EUR" in page


def test_a_run_shows_verdict_figures_and_what_lies_at_meta(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}").text
    for shown in (
        "Variant A earned more per euro.",
        "3.50",
        "2.90 \u2013 4.10",
        "120211111111",
        "The test has ended.",
    ):
        assert shown in page


@pytest.mark.parametrize("status", RunStatus)
def test_every_status_has_a_page(signed_in: SignedIn, put_run: PutRun, status: RunStatus) -> None:
    put_run(status=status)
    browser = signed_in(Role.MANAGER)
    assert {browser.get(path).status_code for path in ("/", f"/runs/{RUN}", f"/approvals/{RUN}")} == {200}


def test_an_unknown_run_is_a_page_of_its_own(signed_in: SignedIn) -> None:
    answer = signed_in(Role.MANAGER).get(f"/runs/{RUN}")
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (404, True)


def test_an_operator_sees_what_waits_for_approval_but_no_list_of_runs(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()
    browser = signed_in(Role.OPERATOR)
    assert "Test Campaign" in browser.get("/approvals").text
    assert browser.get(f"/runs/{RUN}").status_code == 403
    assert browser.get("/").headers["Location"] == "/approvals"


def test_an_operator_sees_nothing_of_a_run_that_needs_no_approval(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run(status=RunStatus.COMPLETED)
    assert "Test Campaign" not in signed_in(Role.OPERATOR).get(f"/approvals/{RUN}").text


def test_a_viewer_sees_the_system_and_no_runs(signed_in: SignedIn) -> None:
    browser = signed_in(Role.VIEWER)
    assert browser.get("/system").status_code == 200
    assert browser.get("/approvals").status_code == 403


# --- what is done ---------------------------------------------------------------------------------


def test_an_operator_can_approve(signed_in: SignedIn, database: MemoryDatabase, put_run: PutRun) -> None:
    put_run()
    browser = signed_in(Role.OPERATOR)
    page = browser.get(f"/approvals/{RUN}").text
    data = {"form": form_in(page), "digest": digest_in(page), "variant": "A", "comment": "sure"}
    answer = browser.post(f"/approvals/{RUN}", data=data)
    with database.unit_of_work() as unit:
        approval = unit.runs.get(RunId(RUN)).release.approval
    assert answer.headers["Location"] == "/approvals?done=1"
    assert approval is not None
    assert (approval.variant, approval.by, approval.comment) == ("A", "operator", "sure")
    for path in ("/approvals", f"/approvals/{RUN}"):
        assert "Reason: sure" in browser.get(path).text


def test_an_operator_is_not_offered_an_override_and_cannot_force_one(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()
    browser = signed_in(Role.OPERATOR)
    page = browser.get(f"/approvals/{RUN}").text
    assert re.search(r'value="B" required\s*disabled', page)
    data = {"form": form_in(page), "digest": digest_in(page), "variant": "B", "comment": "sure"}
    assert browser.post(f"/approvals/{RUN}", data=data).status_code == 403


@pytest.mark.parametrize(
    ("language", "notice"),
    [
        ("en", "Chosen against the verdict; this choice is not proven."),
        ("es", "Elegida contra el veredicto; esta elección no está demostrada."),
    ],
)
def test_an_override_is_shown_as_one_apart_from_the_verdict(
    signed_in: SignedIn, put_run: PutRun, language: str, notice: str
) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    page = browser.get(f"/runs/{RUN}").text
    data = {"form": form_in(page), "digest": digest_in(page), "variant": "B", "comment": "A is out of stock"}
    assert browser.post(f"/approvals/{RUN}", data=data).status_code == 303
    for path in (f"/runs/{RUN}", f"/approvals/{RUN}", "/approvals"):
        shown = browser.get(path, params={"lang": language}).text
        assert notice in shown
        assert "A is out of stock" in shown


def test_an_approval_of_another_plan_is_refused(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    form = form_in(browser.get(f"/runs/{RUN}").text)
    answer = browser.post(f"/approvals/{RUN}", data={"form": form, "digest": "0", "variant": "A"})
    assert answer.status_code == 409


def test_an_approval_without_the_plan_it_was_given_for_is_refused(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    form = form_in(browser.get(f"/runs/{RUN}").text)
    assert browser.post(f"/approvals/{RUN}", data={"form": form, "variant": "A"}).status_code == 409


def test_a_manager_can_stop_a_run(signed_in: SignedIn, database: MemoryDatabase, put_run: PutRun) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    form = form_in(browser.get(f"/runs/{RUN}").text)
    browser.post(f"/runs/{RUN}/cancel", data={"form": form, "reason": "typo", "sure": "true"})
    with database.unit_of_work() as unit:
        assert unit.runs.get(RunId(RUN)).control is Control.CANCEL


def test_control_characters_in_what_is_typed_are_left_out(
    signed_in: SignedIn, database: MemoryDatabase, put_run: PutRun
) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    form = form_in(browser.get(f"/runs/{RUN}").text)
    browser.post(f"/runs/{RUN}/cancel", data={"form": form, "reason": " ty\x00po\x1b ", "sure": "true"})
    with database.unit_of_work() as unit:
        assert english(unit.runs.get(RunId(RUN)).ending.why).endswith(": typo")


@pytest.mark.parametrize("path", [f"/runs/{RUN}/cancel", f"/approvals/{RUN}", "/logout"])
def test_no_post_works_without_its_forms_token(signed_in: SignedIn, put_run: PutRun, path: str) -> None:
    put_run()
    assert signed_in(Role.MANAGER).post(path, data={"variant": "A"}).status_code == 403


def test_an_operator_cannot_stop_a_run(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    browser = signed_in(Role.OPERATOR)
    form = form_in(browser.get("/approvals").text)
    assert browser.post(f"/runs/{RUN}/cancel", data={"form": form}).status_code == 403


# --- languages ------------------------------------------------------------------------------------


def test_a_spanish_browser_gets_spanish(browser: TestClient) -> None:
    page = browser.get("/login", headers={"Accept-Language": "es-PE,es;q=0.9,en;q=0.5"}).text
    assert '<html lang="es">' in page
    assert "Iniciar sesión" in page


def test_the_language_asked_for_is_remembered(browser: TestClient) -> None:
    browser.get("/login?lang=es")
    assert '<html lang="es">' in browser.get("/login").text


def test_a_spanish_reader_gets_the_spanish_verdict_and_decimal_commas(
    signed_in: SignedIn, put_run: PutRun
) -> None:
    put_run()
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}?lang=es").text
    assert "La variante A rindió más por euro." in page
    assert "500,00 EUR" in page


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "language"),
    [
        (None, None, None, "en"),
        ("es", "en", "en", "es"),
        (None, "es", "en", "es"),
        ("xx", None, "fr, es;q=0.4, en;q=0.3", "es"),
        (None, None, "en;q=nonsense, es;q=0.1", "es"),
        (None, None, "es;q=0", "en"),
    ],
)
def test_a_choice_goes_over_a_memory_goes_over_the_browser(
    asked: str | None, kept: str | None, accepted: str | None, language: str
) -> None:
    assert language_of(asked, kept, accepted) == language


# --- no way in for scripts ------------------------------------------------------------------------


def test_a_campaign_name_is_text_and_never_markup(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run(name="<script>alert(1)</script>")
    browser = signed_in(Role.MANAGER)
    pages = [browser.get(path).text for path in ("/", f"/runs/{RUN}", "/approvals", f"/approvals/{RUN}")]
    assert not any("<script" in page for page in pages)
    assert all("&lt;script&gt;" in page for page in pages)


def test_the_browser_may_load_nothing_but_our_style(browser: TestClient) -> None:
    policy = browser.get("/login").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def test_no_page_needs_a_script_or_inline_style(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    browser = signed_in(Role.MANAGER)
    for path in ("/", f"/runs/{RUN}", "/approvals", "/system"):
        assert not re.search(r"<script|<style|style=|\son[a-z]+=", browser.get(path).text)


def test_every_field_has_a_label(signed_in: SignedIn, put_run: PutRun) -> None:
    put_run()
    page = signed_in(Role.MANAGER).get(f"/runs/{RUN}").text
    named = set(re.findall(r'<input id="([^"]+)"', page))
    assert named == set(re.findall(r'<label for="([^"]+)"', page))


def test_the_style_is_served(browser: TestClient) -> None:
    answer = browser.get("/static/style.css")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")


# --- how a run ended ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_run_that_has_ended_lists_each_object_whatever_was_done_with_it(
    signed_in: SignedIn, put_run: PutRun, language: str
) -> None:
    objects = [
        {
            "key": f"object/{n}",
            "kind": "study",
            "meta_id": "1",
            "done": done.value,
            "state": None,
            "read_at": None,
        }
        for n, done in enumerate(Done)
    ]
    put_run(report={"objects": objects})
    browser = signed_in(Role.MANAGER)
    page = browser.get(f"/runs/{RUN}", headers={"Accept-Language": language}).text
    words = words_in(language_of(language, None, None))
    assert all(f"object/{n}<" in page for n in range(len(objects)))
    assert all(f"<td>{words[f'done.{done}']}</td>" in page for done in Done)
