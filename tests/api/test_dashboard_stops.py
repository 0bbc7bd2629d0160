"""The kill switch on the dashboard: the button, the banner on every page, and who may lift a stop."""

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.api.services import Services
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.messages import words_in

pytestmark = pytest.mark.slow  # every page in both languages

PASSWORD = "correct horse battery"
REASON = "the price is wrong"
PRESS = {"reason": REASON, "sure": "true"}
SignedIn = Callable[[Role], TestClient]


def form_in(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def send(browser: TestClient, path: str, **values: str) -> int:
    form = form_in(browser.get("/stops").text)
    return browser.post(path, data={"form": form, **values}).status_code


@pytest.fixture
def signed_in(app: FastAPI, account: Account) -> SignedIn:
    assert account.act_id

    def sign_in(role: Role) -> TestClient:
        browser = TestClient(app, follow_redirects=False)
        form = form_in(browser.get("/login").text)
        browser.post("/login", data={"form": form, "username": role.value, "password": PASSWORD})
        return browser

    return sign_in


@pytest.fixture
def stopped(services: Services, account: Account) -> str:
    assert account.act_id
    return services.stops.stop(None, REASON, "ana").stop.id


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.OPERATOR])
def test_who_works_here_can_stop_everything(signed_in: SignedIn, services: Services, role: Role) -> None:
    assert send(signed_in(role), "/stops", **PRESS) == 303
    assert [one.by for one in services.stops.holding()] == [role.value]


def test_one_account_can_be_stopped_alone(signed_in: SignedIn, services: Services, account: Account) -> None:
    send(signed_in(Role.OPERATOR), "/stops", account=account.id, **PRESS)
    assert [one.act_id for one in services.stops.holding()] == [account.act_id]


@pytest.mark.parametrize("values", [{"reason": REASON}, {"sure": "true"}, {"reason": "  ", "sure": "true"}])
def test_nothing_stops_without_a_reason_and_a_confirmation(
    signed_in: SignedIn, services: Services, values: dict[str, str]
) -> None:
    assert send(signed_in(Role.ADMIN), "/stops", **values) == 422
    assert services.stops.holding() == []


def test_a_viewer_is_shown_no_button_and_cannot_press_it(signed_in: SignedIn, services: Services) -> None:
    browser = signed_in(Role.VIEWER)
    assert words_in("en")["stop_press"] not in browser.get("/stops").text
    assert send(browser, "/stops", **PRESS) == 403
    assert services.stops.holding() == []


@pytest.mark.parametrize(
    ("role", "path"),
    [(Role.MANAGER, "/"), (Role.OPERATOR, "/approvals"), (Role.VIEWER, "/system"), (Role.VIEWER, "/stops")],
)
@pytest.mark.parametrize(
    ("language", "said"), [("en", "Everything is stopped"), ("es", "Todo está detenido")]
)
def test_every_page_says_that_everything_is_stopped(  # noqa: PLR0917 - parameters and fixtures
    signed_in: SignedIn, stopped: str, role: Role, path: str, language: str, said: str
) -> None:
    assert stopped
    page = signed_in(role).get(path, params={"lang": language}).text
    assert said in page
    assert REASON in page


def test_the_sign_in_page_tells_strangers_nothing(app: FastAPI, stopped: str) -> None:
    assert stopped
    assert REASON not in TestClient(app).get("/login").text


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 303), (Role.MANAGER, 303), (Role.OPERATOR, 403)])
def test_admins_and_managers_lift_a_stop(
    signed_in: SignedIn, services: Services, stopped: str, role: Role, status: int
) -> None:
    assert send(signed_in(role), f"/stops/{stopped}/resume", reason="mended") == status
    assert (services.stops.holding() == []) == (status == 303)


def test_an_operator_is_shown_no_form_to_lift_a_stop(signed_in: SignedIn, stopped: str) -> None:
    assert f"/stops/{stopped}/resume" not in signed_in(Role.OPERATOR).get("/stops").text


def test_the_page_says_what_is_not_confirmed(signed_in: SignedIn, stopped: str) -> None:
    assert stopped
    assert "nobody has looked at the account yet" in signed_in(Role.VIEWER).get("/stops").text


def test_a_reason_is_text_and_never_markup(signed_in: SignedIn) -> None:
    browser = signed_in(Role.ADMIN)
    send(browser, "/stops", reason="<b>now</b>", sure="true")
    page = browser.get("/").text
    assert "<b>now</b>" not in page
    assert "&lt;b&gt;now" in page
