"""Logging in, expired versions served by the next one, and the page for people."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params, Reply
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser

APP = {"client_id": "700000000000001"}
BACK = "https://product.example/back?x=1"


def ask(advertiser: Advertiser, *segments: str, version: str = "v26.0", **params: Any) -> Reply:
    call = Call("GET", segments, Params(params), version, params.pop("token", None))
    return advertiser.simulator.handle(call).reply


def code_from_dialog(advertiser: Advertiser) -> dict[str, list[str]]:
    reply = ask(advertiser, "dialog", "oauth", redirect_uri=BACK, state="s 1", **APP)
    assert reply.status == 302
    return parse_qs(urlsplit(reply.headers["Location"]).query)


def exchange(advertiser: Advertiser, **params: Any) -> Any:
    return ask(advertiser, "oauth", "access_token", **{**APP, "client_secret": "app-secret", **params}).body


def test_the_dialog_leads_back_with_code_and_state_and_the_code_buys_a_token(advertiser: Advertiser) -> None:
    query = code_from_dialog(advertiser)
    assert (query["x"], query["state"]) == (["1"], ["s 1"])
    bought = exchange(advertiser, redirect_uri=BACK, code=query["code"][0])
    assert (bought["token_type"], bought["expires_in"]) == ("bearer", 5400)
    reply = advertiser.simulator.handle(
        Call("GET", ("me",), Params({}), "v26.0", bought["access_token"])
    ).reply
    assert reply.status == 200


def test_a_token_is_prolonged_to_sixty_days(advertiser: Advertiser) -> None:
    answer = exchange(advertiser, grant_type="fb_exchange_token", fb_exchange_token="stub-token")
    assert answer["expires_in"] == 5_183_944


REFUSED: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
    "another app": ({"client_id": "1"}, (101, None)),
    "a code nobody gave": ({"redirect_uri": BACK, "code": "x"}, (100, 36007)),
    "another app's secret": ({"client_secret": "?", "redirect_uri": BACK, "code": "x"}, (1, None)),
    "no secret": ({"client_secret": "", "redirect_uri": BACK, "code": "x"}, (100, None)),
    "an expired token": (
        {"grant_type": "fb_exchange_token", "fb_exchange_token": "expired-token"},
        (190, 463),
    ),
    "an unknown token": ({"grant_type": "fb_exchange_token", "fb_exchange_token": "?"}, (190, None)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_exchanges_are_refused(advertiser: Advertiser, case: str) -> None:
    params, codes = REFUSED[case]
    error = exchange(advertiser, **params)["error"]
    assert (error["code"], error.get("error_subcode")) == codes


def test_secrets_of_logging_in_are_not_in_the_request_log(advertiser: Advertiser) -> None:
    exchange(advertiser, redirect_uri=BACK, code="very-secret-code", client_secret="very-secret")
    assert "very-secret" not in str(list(advertiser.simulator.requests))


def versioned(advertiser: Advertiser, version: str) -> Reply:
    return advertiser.simulator.handle(Call("GET", (ACCOUNT,), Params({}), version, "stub-token")).reply


def test_an_expired_version_is_refused_unless_it_is_upgraded_with_a_warning(advertiser: Advertiser) -> None:
    assert versioned(advertiser, "v24.0").body["error"]["code"] == 2635
    kind = Advertiser(SimulatorConfig(upgrade_expired=True))
    reply = versioned(kind, "v24.0")
    assert reply.status == 200
    assert "v25.0" in reply.headers["X-Ad-Api-Version-Warning"]
    assert reply.headers["facebook-api-version"] == "v25.0"
    assert "X-Ad-Api-Version-Warning" not in versioned(kind, "v26.0").headers
    assert versioned(kind, "v23.0").body["error"]["code"] == 2635


def test_the_page_shows_accounts_truth_and_faults_harmlessly(served: SimulatorThread) -> None:
    advertiser = Advertiser.__new__(Advertiser)
    advertiser.simulator, advertiser._token = served.simulator, "stub-token"
    advertiser.ad(
        advertiser.adset(advertiser.campaign()), advertiser.creative("B"), "<script>alert(1)</script>"
    )
    advertiser.simulator.faults.plan({"kind": "transient", "after": 99})
    answer = requests.get(f"{served.url}/_sim/", timeout=20)
    assert answer.headers["Content-Type"].startswith("text/html")
    for text in ("act_123456789", "Headline B", "transient", "&lt;script&gt;"):
        assert text in answer.text
    assert "<script>" not in answer.text
