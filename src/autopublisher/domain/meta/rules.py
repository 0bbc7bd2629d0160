"""Rules of the Marketing API: what an error means for the caller, how near a limit is, what must not be shown.

Codes are Meta's published ones. Meta documents some numbers without saying whether they are codes or subcodes, so every
number that means one thing only is recognised on either level; numbers that collide (33, for one) are matched in pairs.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTooMuchDataError,
    MetaTransientError,
)
from autopublisher.domain.meta.answers import MetaFault


class MetaHeldBackError(MetaThrottledError):
    """Nothing was sent to Meta yet, for {message}."""


# --- errors ---------------------------------------------------------------------------------------

HUMAN_NEEDED = frozenset({368, 1404078, 1404163, 2859015, 3858385, 3910001})
"""Blocks, identity steps and account trouble that a person settles in Ads Manager; on either level."""

THROTTLE_CODES = frozenset({4, 17, 32, 341, 613}) | frozenset(range(80000, 80015))
"""Call limits per app, user, page, account and business use case."""

THROTTLE_SUBCODES = frozenset({1487225, 1487632, 1487742, 1504022, 1504039, 1885172, 2446079, 5044001})
"""The same limits by their finer number; on either level."""

TRANSIENT_CODES = frozenset({1, 2, 960, 1150, 6000, 6001})
"""Passing faults of Meta's own."""

TRANSIENT_SUBCODES = frozenset({1487390, 1504043, 1504044, 2490547})
"""Passing faults by their finer number; 1487390 says it is permanent and is not. On either level."""

TOO_MUCH_DATA = frozenset({1487534, 1504018, 1504038, 1504045})
"""Reports that were too large; on either level. Nothing was changed, and asking for less may do."""

BAD_REPORT = frozenset({1504041, 1504042})
"""Wrong insights parameters, reported under a code that otherwise stands for a passing fault."""

AUTHORISATION_CODES = frozenset({3, 10, 102, 104, 190}) | frozenset(range(200, 300))
"""The token, the app or its permissions."""

AUTHORISATION_SUBCODES = frozenset({1713092, 1815694, 1870034, 1870090, 3191001})
"""Missing rights by their finer number; on either level."""

INVISIBLE = (100, 33)
"""The object does not exist, or the token may not see it."""

UNKNOWN_ID = 803
"""No such id or alias."""

SERVER_FAULT = 500
"""HTTP statuses from here on say that Meta failed, not that the call was wrong."""


def classify(http_status: int, body: Mapping[str, Any] | None) -> MetaError:
    """Return the error that an unsuccessful answer stands for.

    ``body`` is the answer's JSON object, None where there was none (HTML, nothing, broken JSON): then nobody can tell
    whether the call had an effect. A throttle's ``retry_at`` is left to whoever knows the time.
    """
    error = None if body is None else body.get("error")
    code = _number(error.get("code")) if isinstance(error, Mapping) else None
    if not isinstance(error, Mapping) or code is None:
        return MetaOutcomeUnknownError(MetaFault.NOT_UNDERSTOOD(status=str(http_status)))
    subcode = _number(error.get("error_subcode"))
    kind = _kind(http_status, code, subcode, error)
    message = _message(error, code, subcode)
    return kind(message, code=code, subcode=subcode, user_message=_user_message(error))


def _kind(http_status: int, code: int, subcode: int | None, error: Mapping[str, Any]) -> type[MetaError]:
    """Return the error class; the order is from the most specific meaning to the least."""
    numbers = frozenset({code, subcode})
    if numbers & HUMAN_NEEDED:
        return MetaHumanNeededError
    if code in THROTTLE_CODES or numbers & THROTTLE_SUBCODES:
        return MetaThrottledError
    if (code, subcode) == INVISIBLE or code == UNKNOWN_ID:
        return MetaNotFoundError
    if code in AUTHORISATION_CODES or numbers & AUTHORISATION_SUBCODES:
        return MetaAuthorisationError
    if numbers & BAD_REPORT:
        return MetaRefusedError
    return _passing(http_status, code, numbers, error) or MetaRefusedError


def _passing(
    http_status: int, code: int, numbers: frozenset[int | None], error: Mapping[str, Any]
) -> type[MetaError] | None:
    """Return the kind of a fault that may be gone at another try; None where it will not be."""
    if numbers & TOO_MUCH_DATA or "reduce the amount of data" in str(error.get("message")).lower():
        return MetaTooMuchDataError
    known = code in TRANSIENT_CODES or bool(numbers & TRANSIENT_SUBCODES)
    passes = known or error.get("is_transient") is True or http_status >= SERVER_FAULT
    return MetaTransientError if passes else None


def _message(error: Mapping[str, Any], code: int, subcode: int | None) -> str:
    number = f"{code}" if subcode is None else f"{code}/{subcode}"
    trace = f", trace {error['fbtrace_id']}" if error.get("fbtrace_id") else ""
    return f"{error.get('message') or 'no message'} ({number}{trace})"


def _user_message(error: Mapping[str, Any]) -> str:
    parts = (str(error.get(name) or "").strip() for name in ("error_user_title", "error_user_msg"))
    return ": ".join(part for part in parts if part)


def _number(value: object) -> int | None:
    """Read a code, which may be a number or its text; anything else counts as absent."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


# --- usage and pacing -----------------------------------------------------------------------------

PACE_FROM = 75.0
"""Percent of a limit from which calls are spaced out."""

STOP_AT = 95.0
"""Percent of a limit at which calls stop; the rest is kept for calls that stop spending."""

LONGEST_PACE = 60.0
"""Seconds between two calls just below STOP_AT: above the 15 s per write at which the smallest tier's score holds."""

SCORE_DECAY = 300.0
"""Seconds in which Meta's score per app and account decays; the wait at STOP_AT when Meta names none."""

SMALLEST_SCORE, SCORE_OF_WRITE = 60, 3
"""What Meta's score may come to on the limited tier, and what a write adds to it."""

WIDE_TIER = "standard_access"
"""The access tier on which some writes at once are nothing: 9000 points in five minutes, where the other has 60."""

TOGETHER = 10
"""So many writes are sent together at most: Meta advises it for ads, and what a lost answer leaves in doubt stays few."""

_REPORTED_SHARES = ("call_count", "total_time", "total_cputime")


@dataclass(frozen=True)
class Usage:
    """How much of Meta's limits is used up, as one answer's headers said.

    ``percents`` has one number per meter (``app.call_count``, ``account``, ``ads_management.total_time``, ...);
    ``regain_seconds`` is how long calls stay blocked (0 if they are not); ``business_ids`` are the ids the use-case
    meters were reported for: an ad account's digits, or a business.
    """

    percents: Mapping[str, float] = field(default_factory=dict)
    regain_seconds: float = 0.0
    tier: str | None = None
    business_ids: frozenset[str] = frozenset()

    @property
    def highest(self) -> float:
        """The percentage of the meter nearest its limit."""
        return max(self.percents.values(), default=0.0)

    @property
    def is_exhausted(self) -> bool:
        """Whether no call should be made now but one that stops spending."""
        return self.regain_seconds > 0 or self.highest >= STOP_AT


def read_usage(headers: Mapping[str, str]) -> Usage:
    """Read Meta's usage headers (names in any case); absent or unreadable ones tell nothing."""
    given = {name.lower(): _decoded(value) for name, value in headers.items()}
    app = given.get("x-app-usage", {})
    account = given.get("x-ad-account-usage", {})
    insights = given.get("x-fb-ads-insights-throttle", {})
    cases = _cases(given.get("x-business-use-case-usage", {}))
    percents = {f"app.{name}": _amount(app, name) for name in _REPORTED_SHARES if name in app}
    percents |= {"account": _amount(account, "acc_id_util_pct")} if "acc_id_util_pct" in account else {}
    percents |= {
        f"insights.{name}": _amount(insights, name) for name in insights if name.endswith("_util_pct")
    }
    for _, case in cases:
        percents |= _case_percents(case, percents)
    waits = [60 * _amount(case, "estimated_time_to_regain_access") for _, case in cases]
    if _amount(account, "acc_id_util_pct") >= STOP_AT:
        waits.append(_amount(account, "reset_time_duration"))
    tiers = [one.get("ads_api_access_tier") for one in (account, insights, *(case for _, case in cases))]
    return Usage(
        percents=percents,
        regain_seconds=max(waits, default=0.0),
        tier=next((str(tier) for tier in tiers if tier), None),
        business_ids=frozenset(name for name, _ in cases),
    )


def pause_seconds(usage: Usage) -> float:
    """Return the seconds to leave before the next call.

    Nothing below PACE_FROM; from there the pause grows with the square of the way to STOP_AT, up to LONGEST_PACE; from
    STOP_AT on, or while Meta blocks, it is the time Meta names for regaining access (SCORE_DECAY where it names none).
    """
    if usage.is_exhausted:
        return usage.regain_seconds or SCORE_DECAY
    way = max(0.0, (usage.highest - PACE_FROM) / (STOP_AT - PACE_FROM))
    return LONGEST_PACE * way**2


def room_of(usage: Usage) -> int:
    """Return how many writes may leave together after such an answer: one near a limit, or where limits are not known."""
    return TOGETHER if usage.tier == WIDE_TIER and pause_seconds(usage) <= 0 else 1


def throttle_seconds(error: MetaThrottledError, usage: Usage) -> float:
    """Return how long to wait after Meta has limited a call: by its kind, and never less than usage asks for."""
    return max(_THROTTLE_WAITS.get(error.subcode, SCORE_DECAY), pause_seconds(usage))


_THROTTLE_WAITS: Mapping[int | None, float] = {
    5044001: 5.0,  # more than 100 changes a second
    1487632: 900.0,  # an ad set's budget may change four times an hour
    1487225: 3600.0,  # new ads against daily spend
    1885172: 3600.0,  # the account's spending limit, ten changes a day
}


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _cases(reported: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Flatten the use-case header: one (business or account id, meters) per entry."""
    return [
        (name, entry)
        for name, entries in reported.items()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, Mapping)
    ]


def _case_percents(case: Mapping[str, Any], known: Mapping[str, float]) -> dict[str, float]:
    """Return a use case's meters; where two ids report the same meter, the fuller one counts."""
    names = {share: f"{case.get('type', 'business')}.{share}" for share in _REPORTED_SHARES if share in case}
    return {name: max(_amount(case, share), known.get(name, 0.0)) for share, name in names.items()}


def _amount(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name, 0.0)
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


# --- secrets --------------------------------------------------------------------------------------

HIDDEN = "<hidden>"
"""What stands where a secret was."""

_SECRET_PARAMETER = re.compile(
    r"((?:access_token|appsecret_proof|client_secret|fb_exchange_token|input_token)[\"']?\s*(?:=|:|%3D)\s*[\"']?)"
    r"[^\s&\"'<>,}]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(Bearer\s+)[^\s\"'<>,}]+", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the given secrets and without any credential recognisable by its parameter name."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _BEARER.sub(rf"\1{HIDDEN}", _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", text))
