"""Rate limits and their headers: the account's score, hourly business quotas and the app's platform quota.

Time is the simulator's. A call is charged when it arrives; refused calls are not charged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metasim.graph.errors import throttled
from metasim.graph.wire import Call
from metasim.scenario import Account
from metasim.times import HOUR, MINUTE, SECOND

READ_POINTS, WRITE_POINTS = 1, 3
SCORE_LIFE = 300 * SECOND
FULL = 100
TOO_MANY = "There have been too many calls from this ad-account. Wait a bit and try again."


@dataclass(frozen=True)
class Tier:
    """Limits of an access tier: score and block time, and the fixed parts of the hourly quotas."""

    score: int
    block_us: int
    management: int
    insights: int


TIERS = {
    "development_access": Tier(60, 300 * SECOND, 300, 600),
    "standard_access": Tier(9000, 60 * SECOND, 100_000, 190_000),
}
PER_ACTIVE_AD = {"ads_management": 40, "ads_insights": 400}
THROTTLE_CODES = {"ads_management": 80004, "ads_insights": 80000}
PER_USER_ERROR = 0.001
PLATFORM_CALLS_PER_USER = 200


@dataclass
class Window:
    """A sum over a sliding time, kept in buckets."""

    life_us: int
    grain_us: int
    buckets: dict[int, int] = field(default_factory=dict)

    def total(self, now_us: int) -> int:
        """Return the sum of what is not yet forgotten."""
        oldest = (now_us - self.life_us) // self.grain_us
        self.buckets = {bucket: points for bucket, points in self.buckets.items() if bucket > oldest}
        return sum(self.buckets.values())

    def add(self, now_us: int, points: int) -> None:
        """Add points at a moment."""
        bucket = now_us // self.grain_us
        self.buckets[bucket] = self.buckets.get(bucket, 0) + points

    def seconds_left(self, now_us: int) -> int:
        """Return after how many seconds all present points will be forgotten."""
        if not self.buckets:
            return 0
        end = (max(self.buckets) + 1) * self.grain_us + self.life_us
        return max(0, -(-min(self.life_us, end - now_us) // SECOND))


class Meter:
    """Accounts for the calls of all accounts and of the app."""

    def __init__(self, platform_users: int) -> None:
        self._platform_limit = PLATFORM_CALLS_PER_USER * platform_users
        self._windows: dict[str, Window] = {}
        self._blocked_until: dict[str, int] = {}

    def charge(self, account: Account | None, call: Call, active_ads: int, now_us: int) -> None:
        """Charge a call, or raise the throttling error it meets."""
        if account is None:
            self._charge_platform(now_us)
            return
        self._charge_score(account, call, now_us)
        self._charge_business(account, call, active_ads, now_us)

    def _charge_platform(self, now_us: int) -> None:
        window = self._hourly("app")
        if window.total(now_us) >= self._platform_limit:
            raise throttled(4, None, "Application request limit reached")
        window.add(now_us, 1)

    def _charge_score(self, account: Account, call: Call, now_us: int) -> None:
        tier = TIERS[account.tier]
        if now_us < self._blocked_until.get(account.id, 0):
            raise throttled(17, 2446079, TOO_MANY)
        mutations = self._window(f"mutations/{account.id}", SECOND, SECOND)
        limit = account.mutations_per_second
        if call.writes and limit and mutations.total(now_us) >= limit:
            raise throttled(613, 5044001, "Too many changes per second.")
        window, points = self._score(account), WRITE_POINTS if call.writes else READ_POINTS
        if window.total(now_us) + points > tier.score:
            self._blocked_until[account.id] = now_us + tier.block_us
            raise throttled(17, 2446079, TOO_MANY)
        window.add(now_us, points)
        if call.writes:
            mutations.add(now_us, 1)

    def _charge_business(self, account: Account, call: Call, active_ads: int, now_us: int) -> None:
        use_case = use_case_of(call)
        window = self._hourly(f"{use_case}/{account.id}")
        if window.total(now_us) >= self._quota(account, use_case, active_ads, now_us):
            raise throttled(THROTTLE_CODES[use_case], 2446079, TOO_MANY)
        window.add(now_us, 1)

    def headers(self, account: Account, call: Call, active_ads: int, now_us: int) -> dict[str, str]:
        """Return the usage headers of an answer."""
        score = self._score(account)
        used = 100 * score.total(now_us) / TIERS[account.tier].score
        wait = max(0, self._blocked_until.get(account.id, 0) - now_us)
        if wait:
            used = max(used, float(FULL))
        platform = _percent(self._hourly("app").total(now_us), self._platform_limit)
        headers = {
            "X-App-Usage": _json(call_count=platform, total_time=platform, total_cputime=platform),
            "X-Ad-Account-Usage": _json(
                acc_id_util_pct=round(used, 2),
                reset_time_duration=max(score.seconds_left(now_us), -(-wait // SECOND)),
                ads_api_access_tier=account.tier,
            ),
            "X-Business-Use-Case-Usage": json.dumps(
                {account.id: [self._business_row(account, call, active_ads, now_us, wait)]}
            ),
        }
        if use_case_of(call) == "ads_insights":
            headers["X-FB-Ads-Insights-Throttle"] = _json(
                app_id_util_pct=float(platform),
                acc_id_util_pct=round(used, 2),
                ads_api_access_tier=account.tier,
            )
        return headers

    def _business_row(
        self, account: Account, call: Call, active_ads: int, now_us: int, wait_us: int
    ) -> dict[str, Any]:
        use_case = use_case_of(call)
        window = self._hourly(f"{use_case}/{account.id}")
        percent = _percent(window.total(now_us), self._quota(account, use_case, active_ads, now_us))
        wait = window.seconds_left(now_us) * SECOND if percent >= FULL else wait_us
        return {
            "type": use_case,
            "call_count": percent,
            "total_cputime": percent,
            "total_time": percent,
            "estimated_time_to_regain_access": -(-wait // MINUTE),
            "ads_api_access_tier": account.tier,
        }

    def note_error(self, account: Account | None, call: Call, now_us: int) -> None:
        """Count a refused call: errors take a little of an account's insights."""
        if account is not None and use_case_of(call) == "ads_insights":
            self._hourly(f"errors/{account.id}").add(now_us, 1)

    def _quota(self, account: Account, use_case: str, active_ads: int, now_us: int) -> int:
        errors = self._hourly(f"errors/{account.id}").total(now_us) if use_case == "ads_insights" else 0
        return quota(account, use_case, active_ads) - int(PER_USER_ERROR * errors)

    def _score(self, account: Account) -> Window:
        return self._window(f"score/{account.id}", SCORE_LIFE, SECOND)

    def _hourly(self, name: str) -> Window:
        return self._window(name, HOUR, MINUTE)

    def _window(self, name: str, life_us: int, grain_us: int) -> Window:
        return self._windows.setdefault(name, Window(life_us, grain_us))

    def dump(self) -> dict[str, Any]:
        """Return the JSON form."""
        windows = {
            name: [window.life_us, window.grain_us, window.buckets] for name, window in self._windows.items()
        }
        return {"windows": windows, "blocked": self._blocked_until}

    def load(self, body: Mapping[str, Any]) -> None:
        """Restore what `dump` gave."""
        self._blocked_until = dict(body["blocked"])
        for name, (life, grain, buckets) in body["windows"].items():
            self._windows[name] = Window(life, grain, {int(key): points for key, points in buckets.items()})


def use_case_of(call: Call) -> str:
    """Return the business use case a call counts for."""
    return "ads_insights" if call.segments[-1:] == ("insights",) else "ads_management"


def quota(account: Account, use_case: str, active_ads: int) -> int:
    """Return how many calls of a use case an account may make in an hour."""
    tier = TIERS[account.tier]
    fixed = tier.management if use_case == "ads_management" else tier.insights
    return fixed + PER_ACTIVE_AD[use_case] * active_ads


def _percent(used: int, limit: int) -> int:
    return int(100 * used / limit)


def _json(**values: float | str) -> str:
    return json.dumps(values)
