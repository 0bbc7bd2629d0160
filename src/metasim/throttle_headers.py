"""Usage headers of a throttled answer: the meter of the error's code shows 100 %, the others what is true."""

import json
from collections.abc import Mapping
from typing import Any

FULL = 100
APP, ACCOUNT, BUSINESS, INSIGHTS = (
    "X-App-Usage",
    "X-Ad-Account-Usage",
    "X-Business-Use-Case-Usage",
    "X-FB-Ads-Insights-Throttle",
)
METERS: Mapping[int, tuple[str, ...]] = {
    4: (APP,),
    17: (ACCOUNT, BUSINESS),
    32: (APP,),
    341: (APP,),
    613: (ACCOUNT,),
    80000: (BUSINESS, INSIGHTS),
}
"""The headers of each code's meter; codes from 80001 on are business use cases."""
USE_CASES = {80000: "ads_insights", 80003: "custom_audience", 80004: "ads_management"}


def exhausted(headers: Mapping[str, str], code: int, wait_minutes: int) -> dict[str, str]:
    """Return the headers of an answer throttled with a code; only some of Meta's say how long to wait."""
    shown = dict(headers)
    for name in METERS.get(code, (BUSINESS,)):
        shown[name] = json.dumps(_FILLED[name](json.loads(headers.get(name, "{}")), code, wait_minutes))
    return shown


def _app(usage: dict[str, Any], _code: int, _wait_minutes: int) -> dict[str, Any]:
    return usage | dict.fromkeys(("call_count", "total_time", "total_cputime"), FULL)


def _account(usage: dict[str, Any], _code: int, wait_minutes: int) -> dict[str, Any]:
    return usage | {"acc_id_util_pct": float(FULL), "reset_time_duration": 60 * wait_minutes}


def _business(usage: dict[str, Any], code: int, wait_minutes: int) -> dict[str, Any]:
    full = dict.fromkeys(("call_count", "total_time", "total_cputime"), FULL)
    full["estimated_time_to_regain_access"] = wait_minutes
    return {
        owner: [{**row, **full, "type": USE_CASES.get(code, row.get("type"))} for row in rows]
        for owner, rows in usage.items()
    }


def _insights(usage: dict[str, Any], _code: int, _wait_minutes: int) -> dict[str, Any]:
    return {"app_id_util_pct": 0.0, **usage, "acc_id_util_pct": float(FULL)}


_FILLED = {APP: _app, ACCOUNT: _account, BUSINESS: _business, INSIGHTS: _insights}
