"""Logging in: the dialog that gives a code, and the exchange of codes and tokens for tokens.

The simulated person always consents. A code is good once, for the redirect address it was given to; the token it
buys is that person's and ends when it says.
"""

import hashlib
import hmac
from urllib.parse import urlencode

from metasim.graph.errors import GraphError, bad_token, expired_token, missing
from metasim.graph.wire import Call, Params, Reply
from metasim.oauth_grants import Grant
from metasim.times import SECOND
from metasim.world import World

DIALOG = ("dialog", "oauth")
EXCHANGE = ("oauth", "access_token")
SHORT_S, LONG_S = 5400, 5_183_944  # about ninety minutes, about sixty days


def is_login(call: Call) -> bool:
    """Tell whether a call is part of logging in, which needs no token."""
    return call.method == "GET" and call.segments in (DIALOG, EXCHANGE)


def log_in(world: World, call: Call) -> Reply:
    """Answer the dialog with a redirection, or an exchange with a token. Raises GraphError."""
    _check_app(world, call.params)
    if call.segments == DIALOG:
        return _dialog(world, call.params)
    return _GRANTS.get(call.params.text("grant_type") or "", _redeem)(world, call.params)


def _check_app(world: World, params: Params) -> None:
    client = params.text("client_id")
    if not client:
        raise GraphError("Missing client_id parameter.", 101)
    if client != world.scenario.app_id:
        raise GraphError("Error validating application. Cannot get application info.", 101)


def _dialog(world: World, params: Params) -> Reply:
    target = params.need_text("redirect_uri")
    grant = Grant(_secret(world, "code"), world.scenario.user_id, target)
    world.state.grant(grant)
    query = {"code": grant.secret}
    if params.given("state"):
        query["state"] = params.need_text("state")
    joint = "&" if "?" in target else "?"
    return Reply(302, None, {"Location": f"{target}{joint}{urlencode(query)}"}, html="")


def _secret(world: World, purpose: str) -> str:
    """Return a code or token like no other: ids never come twice."""
    text = f"{purpose}|{world.scenario.app_id}|{world.state.new_id()}"
    return hashlib.blake2b(text.encode(), digest_size=24).hexdigest()


def _redeem(world: World, params: Params) -> Reply:
    _check_secret(world, params)
    target, code = params.need_text("redirect_uri"), params.need_text("code")
    grant = world.state.grants.get(code)
    if grant is None or grant.expires_us:
        raise GraphError("Invalid verification code format.", 100, 36007)
    if grant.redirect_uri != target:
        text = "Error validating verification code. Please make sure your redirect_uri is identical"
        raise GraphError(text, 100, 36008)
    if grant.used:
        raise GraphError("This authorization code has been used.", 100, 36009)
    grant.used = True
    world.state.touch(grant)
    return _token(world, grant.user_id, SHORT_S)


def _prolong(world: World, params: Params) -> Reply:
    _check_secret(world, params)
    return _token(world, holder_of(world, params.need_text("fb_exchange_token")), LONG_S)


def _app_token(world: World, params: Params) -> Reply:
    _check_secret(world, params)
    scenario = world.scenario
    return Reply(200, {"access_token": f"{scenario.app_id}|{scenario.app_secret}", "token_type": "bearer"})


def holder_of(world: World, token: str) -> str:
    """Return whose a token is. Raises GraphError 190 for unknown, 190/463 for expired ones."""
    if token in world.scenario.expired_tokens:
        raise expired_token()
    if token in world.scenario.tokens:
        return world.scenario.user_id
    grant = world.state.grants.get(token)
    if grant is None or not grant.expires_us:
        raise bad_token()
    if grant.expires_us <= world.now_us:
        raise expired_token()
    return grant.user_id


def check_proof(world: World, call: Call) -> None:
    """Refuse a proof that is not the token signed with the app's secret."""
    given = call.params.text("appsecret_proof")
    if given is None or not call.token:
        return
    secret = world.scenario.app_secret.encode()
    if not hmac.compare_digest(
        hmac.new(secret, call.token.encode(), "sha256").hexdigest().encode(), given.encode()
    ):
        raise GraphError(
            "Invalid appsecret_proof provided in the API argument", 100, kind="GraphMethodException"
        )


def _check_secret(world: World, params: Params) -> None:
    given = params.text("client_secret")
    if not given:
        raise missing("client_secret")
    if given != world.scenario.app_secret:
        raise GraphError("Error validating client secret.", 1)


def _token(world: World, user_id: str, seconds: int) -> Reply:
    grant = Grant(_secret(world, "token"), user_id, expires_us=world.now_us + seconds * SECOND)
    world.state.grant(grant)
    body = {"access_token": grant.secret, "token_type": "bearer", "expires_in": seconds}
    return Reply(200, body)


_GRANTS = {"fb_exchange_token": _prolong, "client_credentials": _app_token}
