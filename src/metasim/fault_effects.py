"""Effects of a fault on one request: its connection ends, another answer comes, the answer or the world is changed.

Each kind of fault is a pure function from an order (what the plan says, and chance) to a `FaultEffect`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from metasim.graph.errors import GraphError, expired_token, throttled
from metasim.graph.wire import Call, Reply, reply_of
from metasim.rate_limits import TOO_MANY
from metasim.times import SECOND
from metasim.world import World

TRACE = "AFaultTraceId"
BAD_GATEWAY = (
    "<!DOCTYPE html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
)
Edit = Callable[[Reply, Call, World], Reply]


@dataclass(frozen=True)
class FaultEffect:
    """What happens to one request instead of, or besides, its true answer."""

    kind: str = ""
    commit: bool = False  # the request takes effect
    reply: Reply | None = None  # answer given in place of the true one
    edit: Edit | None = None  # what becomes of the true answer
    world_event: Callable[[World, Call], None] | None = None  # what Meta does from its side just before
    delay_s: float = 0.0  # real seconds before the end
    ending: Literal["answer", "close", "reset"] = "answer"
    hide_us: int = 0  # new objects stay out of edges for so long, simulated
    report_fate: str = ""  # an insights run started by the request ends so
    throttle_code: int | None = None  # usage headers show this limit as used up ...
    wait_minutes: int = 0  # ... for so long


@dataclass(frozen=True)
class FaultSettings:
    """What a plan asks of its kind: the keys beyond those of every fault, and the chance of this request."""

    details: Mapping[str, Any]
    chance: Random
    plan: str = ""  # what keys lasting chance: the seed and the plan's id

    def share(self, default: float) -> float:
        """Return the key `share`. Raises ValueError unless it is between 0 and 1."""
        share = self.number("share", default)
        if not 0 <= share <= 1:
            raise ValueError("share: between 0 and 1")
        return share

    def number(self, name: str, default: float) -> float:
        """Return a number. Raises ValueError or TypeError if it is none."""
        number = float(self.details.get(name, default))
        if not math.isfinite(number):
            message = f"{name}: a finite number"
            raise ValueError(message)
        return number

    def whole(self, name: str, default: int) -> int:
        """Return a whole number. Raises ValueError or TypeError if it is none."""
        return int(self.details.get(name, default))

    def flag(self, name: str) -> bool:
        """Tell whether something is asked for."""
        return bool(self.details.get(name))


def commit_then_timeout(order: FaultSettings) -> FaultEffect:
    """Let the request take effect and hang up without an answer."""
    return FaultEffect(commit=True, delay_s=order.number("seconds", 0.0), ending="close")


def drop_before_commit(order: FaultSettings) -> FaultEffect:
    """Hang up before anything happened."""
    return FaultEffect(delay_s=order.number("seconds", 0.0), ending="close")


def connection_reset(order: FaultSettings) -> FaultEffect:
    """Reset the TCP connection."""
    return FaultEffect(commit=order.flag("commit"), ending="reset")


def html_502(order: FaultSettings) -> FaultEffect:
    """Answer as a gateway in front of Meta would."""
    reply = Reply(order.whole("status", 502), None, html=BAD_GATEWAY)
    return FaultEffect(commit=order.flag("commit"), reply=reply)


def slow(order: FaultSettings) -> FaultEffect:
    """Give the true answer late."""
    return FaultEffect(commit=True, delay_s=order.number("seconds", 1.0))


def hide_young(order: FaultSettings) -> FaultEffect:
    """Keep objects younger than `seconds` (simulated) out of edges."""
    return FaultEffect(commit=True, hide_us=int(order.number("seconds", 60.0) * SECOND))


def report(fate: str) -> Callable[[FaultSettings], FaultEffect]:
    """Return the kind by which an insights run ends so."""
    return lambda _order: FaultEffect(commit=True, report_fate=fate)


# --- errors in place of the answer ----------------------------------------------------------------


def error_200(order: FaultSettings) -> FaultEffect:
    """Answer with an error body under HTTP 200."""
    return _refusing(order, GraphError("Service temporarily unavailable", 2, transient=True, http=200))


def transient(order: FaultSettings) -> FaultEffect:
    """Answer with Meta's passing fault."""
    return _refusing(order, GraphError("An unexpected error has occurred.", 2, transient=True, http=500))


def unknown_error(order: FaultSettings) -> FaultEffect:
    """Answer that nobody knows what went wrong."""
    return _refusing(order, GraphError("An unknown error occurred", 1, 99, http=500))


def flake_1487390(order: FaultSettings) -> FaultEffect:
    """Refuse a creative in words that sound final although the same call will do a moment later."""
    text = "The ad creative could not be created. Please try again."
    return _refusing(order, GraphError("Invalid parameter", 100, 1487390, "Ad creative not created", text))


def throttle(order: FaultSettings) -> FaultEffect:
    """Answer that a limit is reached, with the usage headers of that limit."""
    code = order.whole("code", 17)
    subcode = order.details.get("subcode", _THROTTLE_SUBCODES.get(code))
    said = _refusing(
        FaultSettings({**order.details, "subcode": subcode}, order.chance), throttled(code, subcode, TOO_MANY)
    )
    wait = order.whole("wait_minutes", 5)
    return FaultEffect(commit=said.commit, reply=said.reply, throttle_code=code, wait_minutes=wait)


_THROTTLE_SUBCODES = {4: 1504022, 17: 2446079, 613: 1487742, 80000: 2446079, 80004: 2446079}


def token_expired(order: FaultSettings) -> FaultEffect:
    """Answer that the token's time has passed."""
    return _refusing(order, expired_token())


def token_invalid(order: FaultSettings) -> FaultEffect:
    """Answer that the token counts no more: 458, 459, 460, 464, 467 or 492 says why."""
    subcode = order.whole("subcode", 467)
    if subcode not in _TOKEN_REASONS:
        message = f"subcode: one of {sorted(_TOKEN_REASONS)}"
        raise ValueError(message)
    text = f"Error validating access token: {_TOKEN_REASONS[subcode]}"
    return _refusing(order, GraphError(text, 190, subcode))


_TOKEN_REASONS = {
    458: "The user has not authorized application.",
    459: "You cannot access the app till you log in and follow the instructions given.",
    460: "The session has been invalidated because the user changed the password.",
    464: "Sessions for the user are not allowed because the user is not a confirmed user.",
    467: "The session is invalid because the user logged out.",
    492: "The user must have a role on the Page.",
}


def permission_lost(order: FaultSettings) -> FaultEffect:
    """Answer that the permission is gone: code 10, 200 or 294."""
    code = order.whole("code", 200)
    if code not in _PERMISSION_TEXTS:
        message = f"code: one of {sorted(_PERMISSION_TEXTS)}"
        raise ValueError(message)
    return _refusing(order, GraphError(f"(#{code}) {_PERMISSION_TEXTS[code]}", code, http=403))


_PERMISSION_TEXTS = {
    10: "Application does not have permission for this action",
    200: "Permissions error",
    294: "Managing advertisements requires the extended permission ads_management",
}


def policy_block(order: FaultSettings) -> FaultEffect:
    """Answer that Meta blocks the action as abusive until somebody has talked to it."""
    text = "The action attempted has been deemed abusive or is otherwise disallowed"
    title, advice = "You are temporarily blocked", "You cannot do this at the moment."
    return _refusing(order, GraphError(text, 368, None, title, advice))


def _refusing(order: FaultSettings, usual: GraphError) -> FaultEffect:
    """Answer with an error whose code, subcode, message and HTTP status the plan may override."""
    said = order.details
    error = GraphError(
        str(said.get("message", usual.message)),
        int(said.get("code", usual.code)),
        said.get("subcode", usual.subcode),
        usual.title,
        usual.user_message,
        http=int(said.get("http", usual.http)),
        transient=bool(said.get("is_transient", usual.transient)),
    )
    return FaultEffect(commit=order.flag("commit"), reply=reply_of(error, TRACE))
