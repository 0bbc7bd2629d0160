"""Logging in: the dialog that gives a code, and the exchange of codes and tokens for tokens.

The simulated person always consents. Every token handed out is the scenario's first one, so that it works.
"""

import hashlib
from urllib.parse import urlencode

from autopublisher.simulator.graph.errors import GraphError, expired_token, missing
from autopublisher.simulator.graph.wire import Call, Params, Reply
from autopublisher.simulator.world import World

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
        return _dialog(call.params)
    if call.params.text("grant_type") == "fb_exchange_token":
        return _prolong(world, call.params)
    return _redeem(world, call.params)


def _check_app(world: World, params: Params) -> None:
    client = params.text("client_id")
    if not client:
        raise GraphError("Missing client_id parameter.", 101)
    if client != world.scenario.app_id:
        raise GraphError("Error validating application. Cannot get application info.", 101)


def _dialog(params: Params) -> Reply:
    target = params.need_text("redirect_uri")
    query = {"code": code_for(params.need_text("client_id"), target)}
    if params.given("state"):
        query["state"] = params.need_text("state")
    joint = "&" if "?" in target else "?"
    return Reply(302, None, {"Location": f"{target}{joint}{urlencode(query)}"}, html="")


def code_for(client_id: str, redirect_uri: str) -> str:
    """Return the code a dialog gives; it is good for the same redirect address only."""
    return hashlib.blake2b(f"{client_id}|{redirect_uri}".encode(), digest_size=24).hexdigest()


def _redeem(world: World, params: Params) -> Reply:
    _check_secret(params)
    target, code = params.need_text("redirect_uri"), params.need_text("code")
    if code != code_for(params.need_text("client_id"), target):
        text = "Error validating verification code. Please make sure your redirect_uri is identical"
        raise GraphError(text, 100, 36008)
    return _token(world, SHORT_S)


def _prolong(world: World, params: Params) -> Reply:
    _check_secret(params)
    old = params.need_text("fb_exchange_token")
    if old in world.scenario.expired_tokens:
        raise expired_token()
    if old not in world.scenario.tokens:
        raise GraphError("Invalid OAuth access token - Cannot parse access token", 190)
    return _token(world, LONG_S)


def _check_secret(params: Params) -> None:
    if not params.given("client_secret"):
        raise missing("client_secret")


def _token(world: World, seconds: int) -> Reply:
    body = {"access_token": world.scenario.tokens[0], "token_type": "bearer", "expires_in": seconds}
    return Reply(200, body)
