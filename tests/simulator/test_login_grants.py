"""What a consent gives: one token, for one person, for a time."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params, Reply
from metasim.testing import Advertiser

APP = {"client_id": "700000000000001"}
SECRET = {**APP, "client_secret": "app-secret"}
BACK = "https://product.example/back"


def ask(advertiser: Advertiser, *segments: str, token: str | None = None, **params: Any) -> Reply:
    return advertiser.simulator.handle(Call("GET", segments, Params(params), "v26.0", token)).reply


def consent(advertiser: Advertiser) -> str:
    reply = ask(advertiser, "dialog", "oauth", redirect_uri=BACK, **APP)
    return parse_qs(urlsplit(reply.headers["Location"]).query)["code"][0]


def redeem(advertiser: Advertiser, code: str, target: str = BACK) -> Any:
    return ask(advertiser, "oauth", "access_token", redirect_uri=target, code=code, **SECRET).body


def codes(body: Any) -> tuple[int, int | None]:
    return body["error"]["code"], body["error"].get("error_subcode")


def test_a_code_is_good_once(advertiser: Advertiser) -> None:
    code = consent(advertiser)
    assert redeem(advertiser, code)["access_token"]
    assert codes(redeem(advertiser, code)) == (100, 36009)


def test_a_code_is_good_for_its_own_address_only(advertiser: Advertiser) -> None:
    assert codes(redeem(advertiser, consent(advertiser), "https://other.example")) == (100, 36008)


def test_every_consent_gives_another_code_and_token(advertiser: Advertiser) -> None:
    first, second = consent(advertiser), consent(advertiser)
    assert first != second
    assert redeem(advertiser, first)["access_token"] != redeem(advertiser, second)["access_token"]


def test_a_token_cannot_be_redeemed_as_a_code(advertiser: Advertiser) -> None:
    token = redeem(advertiser, consent(advertiser))["access_token"]
    assert codes(redeem(advertiser, token)) == (100, 36007)


def test_a_code_is_no_token(advertiser: Advertiser) -> None:
    assert codes(ask(advertiser, "me", token=consent(advertiser)).body) == (190, None)


def test_the_token_is_the_consenting_persons(advertiser: Advertiser) -> None:
    token = redeem(advertiser, consent(advertiser))["access_token"]
    known = ask(advertiser, "debug_token", token="700000000000001|app-secret", input_token=token).body["data"]
    assert (known["user_id"], known["type"], known["is_valid"]) == ("10150000000000001", "USER", True)
    assert ask(advertiser, "me", token=token).body["id"] == known["user_id"]


def test_a_short_token_ends_and_its_long_one_lives_on(advertiser: Advertiser) -> None:
    short = redeem(advertiser, consent(advertiser))["access_token"]
    prolong = {**SECRET, "grant_type": "fb_exchange_token", "fb_exchange_token": short}
    long = ask(advertiser, "oauth", "access_token", **prolong).body["access_token"]
    advertiser.pass_time(hours=2)
    assert codes(ask(advertiser, "me", token=short).body) == (190, 463)
    assert codes(ask(advertiser, "oauth", "access_token", **prolong).body) == (190, 463)
    assert ask(advertiser, "me", token=long).status == 200
    advertiser.pass_time(hours=24 * 61)
    assert codes(ask(advertiser, "me", token=long).body) == (190, 463)


def test_a_dead_token_says_so_when_it_is_debugged(advertiser: Advertiser) -> None:
    token = redeem(advertiser, consent(advertiser))["access_token"]
    advertiser.pass_time(hours=2)
    known = ask(advertiser, "debug_token", token="stub-token", input_token=token).body["data"]
    assert (known["is_valid"], known["error"]["subcode"]) == (False, 463)


def test_consents_outlive_a_killed_simulator(tmp_path: Path) -> None:
    config = SimulatorConfig(state_path=tmp_path / "state.db")
    code = consent(Advertiser(config))
    token = redeem(Advertiser(config), code)["access_token"]
    assert ask(Advertiser(config), "me", token=token).status == 200
    assert codes(redeem(Advertiser(config), code)) == (100, 36009)
