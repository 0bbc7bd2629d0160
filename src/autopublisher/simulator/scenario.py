"""A scenario: the accounts that exist, who may speak for them, and the market's true parameters (TOML)."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from autopublisher.simulator.facts import ONE_UNIT_CURRENCIES

T = TypeVar("T")
MICROS = 1_000_000  # per major currency unit


@dataclass(frozen=True)
class MinimumBudgets:
    """Least daily budgets in minor units, by how often the optimised action happens."""

    imp: int = 50
    high_freq: int = 250
    low_freq: int = 4000
    video_views: int = 250


@dataclass(frozen=True)
class Account:
    """An ad account as the scenario describes it; amounts are minor units."""

    id: str  # digits, without "act_"
    name: str = "Simulated account"
    currency: str = "EUR"
    timezone: str = "Europe/Madrid"
    business: str | None = None
    business_name: str = "Simulated business"
    tier: str = "standard_access"
    account_status: int = 1
    disable_reason: int = 0
    spend_cap: int = 0  # 0 = none
    min_daily_budget: int = 50
    min_campaign_group_spend_cap: int = 10000
    minimum_budgets: MinimumBudgets = MinimumBudgets()
    default_dsa_beneficiary: str | None = None
    default_dsa_payor: str | None = None
    mutations_per_second: int = 0  # 0 = unlimited: a stepped clock stands still between writes
    funding_source: str = "2389000000000001"

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone; it governs days."""
        return ZoneInfo(self.timezone)

    @property
    def minor_micros(self) -> int:
        """Micros of the major unit in one minor unit (Meta's currency offset, not ISO 4217)."""
        return MICROS if self.currency in ONE_UNIT_CURRENCIES else MICROS // 100


@dataclass(frozen=True)
class MarketParameters:
    """The market's truth: price of a thousand impressions, rates, basket, dispersion and reporting delay."""

    cpm: float = 12.0
    ctr: float = 0.012
    cvr: float = 0.025
    aov: float = 80.0
    engagement_rate: float = 0.004
    landing_share: float = 0.8
    basket_sigma: float = 0.9
    cpm_cv: float = 0.15  # ad-hour
    pace_cv: float = 0.15  # budget-hour
    click_cv: float = 0.10  # ad-hour
    arm_hour_cv: float = 0.30  # purchases, ad-hour
    arm_day_cv: float = 0.08  # purchases, ad-day
    divergence_sd: float = 0.0  # lasting audience difference of each ad, log scale; none inside a split test
    season_hour_cv: float = 0.10  # purchases, shared by all ads
    season_day_cv: float = 0.05
    daily_flex_sd: float = 0.12
    immediate_share: float = 0.5  # purchases reported within the hour
    delay_median_hours: float = 10.0
    delay_sigma: float = 1.5
    delay_limit_hours: float = 168.0
    restatement_rate: float = 0.0  # purchases taken back later
    restatement_hours: float = 48.0
    content_click_sd: float = 0.0  # random effect of each creative's content, log scale
    content_conversion_sd: float = 0.0
    content_value_sd: float = 0.0


@dataclass(frozen=True)
class Effect:
    """True multipliers for every ad that matches one of `match` (all keys of that table)."""

    match: tuple[tuple[tuple[str, str], ...], ...]
    click: float = 1.0
    conversion: float = 1.0
    value: float = 1.0
    cpm: float = 1.0
    delay: float = 1.0  # stretches the time from click to report
    pace: float = 1.0  # how eagerly budgets are spent; 0 = not shown at all; caps hold whatever it is
    from_hour: float = 0.0  # since the ad's approval
    until_hour: float | None = None
    half_life_hours: float | None = None  # clicks halve each time so much has passed: fatigue
    label: str = ""

    @property
    def changes(self) -> bool:
        """Whether the effect depends on the ad's age."""
        return self.from_hour > 0 or self.until_hour is not None or self.half_life_hours is not None

    def applies(self, age_hours: float) -> bool:
        """Tell whether the effect is on at an age."""
        return self.from_hour <= age_hours and (self.until_hour is None or age_hours < self.until_hour)

    def click_at(self, age_hours: float) -> float:
        """Return the click multiplier at an age."""
        tired = 0.5 ** ((age_hours - self.from_hour) / self.half_life_hours) if self.half_life_hours else 1.0
        return self.click * tired


@dataclass(frozen=True)
class Review:
    """How long ads are looked at, and which are refused."""

    delay_minutes: float = 20.0
    refuse: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """Everything a simulated world starts from."""

    name: str
    accounts: tuple[Account, ...]
    tokens: tuple[str, ...] = ("stub-token",)
    expired_tokens: tuple[str, ...] = ("expired-token",)
    user_id: str = "10150000000000001"
    user_name: str = "Simulated user"
    app_id: str = "700000000000001"
    platform_users: int = 1000
    pages: tuple[tuple[str, str], ...] = ()
    instagram_users: tuple[tuple[str, str], ...] = ()
    pixels: tuple[tuple[str, str], ...] = ()
    market: MarketParameters = field(default_factory=MarketParameters)
    effects: tuple[Effect, ...] = ()
    review: Review = field(default_factory=Review)

    def account(self, account_id: str) -> Account | None:
        """Return the account with these digits, or None."""
        return next((account for account in self.accounts if account.id == account_id), None)


def load_scenario(name_or_path: str) -> Scenario:
    """Read a built-in scenario by name, or any TOML file by path. Raises FileNotFoundError or ValueError."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return read_scenario(path.read_text("utf-8"), path.stem)
    built_in = resources.files(__package__) / "scenarios" / f"{name_or_path}.toml"
    return read_scenario(built_in.read_text("utf-8"), name_or_path)


def read_scenario(text: str, name: str) -> Scenario:
    """Read a scenario from TOML text. Raises ValueError on unknown keys."""
    raw = tomllib.loads(text)
    plain: dict[str, Any] = {
        key: raw[key] for key in ("user_id", "user_name", "app_id", "platform_users") if key in raw
    }
    lists: dict[str, Any] = {key: tuple(raw[key]) for key in ("tokens", "expired_tokens") if key in raw}
    assets = {key: _assets(raw.get(key, [])) for key in ("pages", "instagram_users", "pixels")}
    known = {*plain, *lists, *assets, "accounts", "market", "effect", "review", "description"}
    if unknown := set(raw) - known:
        message = f"unknown keys in scenario {name}: {sorted(unknown)}"
        raise ValueError(message)
    values: dict[str, Any] = {
        **plain,
        **lists,
        **assets,
        "name": name,
        "accounts": tuple(_account(entry) for entry in raw["accounts"]),
        "market": _build(MarketParameters, raw.get("market", {})),
        "effects": tuple(_effect(entry) for entry in raw.get("effect", [])),
        "review": _review(raw.get("review", {})),
    }
    return _build(Scenario, values)


def _account(entry: dict[str, Any]) -> Account:
    minimum = _build(MinimumBudgets, entry.get("minimum_budgets", {}))
    return _build(
        Account,
        {**entry, "id": str(entry["id"]).removeprefix("act_"), "minimum_budgets": minimum},
    )


def _assets(entries: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(entry["id"]), entry.get("name", "")) for entry in entries)


def _effect(entry: dict[str, Any]) -> Effect:
    matches = entry["match"] if isinstance(entry["match"], list) else [entry["match"]]
    frozen = tuple(tuple(sorted((key, str(value)) for key, value in match.items())) for match in matches)
    return _build(Effect, {**entry, "match": frozen})


def _review(entry: dict[str, Any]) -> Review:
    refuse = tuple(_effect(rule) for rule in entry.get("refuse", []))
    return _build(Review, {**entry, "refuse": refuse})


def _build(kind: Callable[..., T], values: dict[str, Any]) -> T:
    try:
        return kind(**values)
    except TypeError as error:
        message = f"scenario: {error}"
        raise ValueError(message) from error
