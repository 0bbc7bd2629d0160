"""A scenario: the accounts that exist, who may speak for them, and the market's true parameters (TOML)."""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from metasim.facts import ONE_UNIT_CURRENCIES, UNITS_PER_DOLLAR
from metasim.parameters import (
    AuctionParameters,
    Axis,
    MarketParameters,
    PopulationParameters,
    Trait,
)

T = TypeVar("T")
MICROS = 1_000_000  # per major currency unit
ASSETS = ("pages", "instagram_users", "pixels", "custom_conversions")
TABLES = ("market", "population", "auction", "review")
AXES = ("age", "gender", "country", "region", "impression_device")
MOST_CELLS, SHARES_SLACK = 24, 1e-6


@dataclass(frozen=True)
class MinimumBudgets:
    """Least daily budgets in minor units, by how often the optimised action happens."""

    imp: int = 50
    high_freq: int = 250
    low_freq: int = 4000
    video_views: int = 250


@dataclass(frozen=True)
class ObjectLimits:
    """How many objects an account may hold; deleted ones do not count, archived ones count for themselves."""

    campaigns: int = 5000
    adsets: int = 5000
    ads: int = 5000
    archived: int = 100_000  # of each kind
    adsets_per_campaign: int = 200
    ads_per_adset: int = 50
    labels: int = 100_000


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
    object_limits: ObjectLimits = field(default_factory=ObjectLimits)
    mutations_per_second: int = 0  # 0 = unlimited: a stepped clock stands still between writes
    funding_source: str = "2389000000000001"

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone; it governs days."""
        return ZoneInfo(self.timezone)

    @cached_property
    def minor_micros(self) -> int:
        """Micros of the major unit in one minor unit (Meta's currency offset, not ISO 4217)."""
        return MICROS if self.currency in ONE_UNIT_CURRENCIES else MICROS // 100


@dataclass(frozen=True)
class Effect:
    """True multipliers for every ad that matches one of `match` (all keys of that table).

    With `among` they hold for these people only: clicks, conversions, values and CPM, whatever the ad's age.
    """

    match: tuple[tuple[tuple[str, str], ...], ...]
    among: tuple[tuple[str, str], ...] = ()
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
    app_secret: str = "app-secret"  # noqa: S105 - a simulated app has no secret to keep
    platform_users: int = 1000
    pages: tuple[tuple[str, str], ...] = ()
    instagram_users: tuple[tuple[str, str], ...] = ()
    pixels: tuple[tuple[str, str], ...] = ()
    custom_conversions: tuple[tuple[str, str], ...] = ()
    market: MarketParameters = field(default_factory=MarketParameters)
    population: PopulationParameters | None = None  # None = one public, everybody alike
    auction: AuctionParameters = field(default_factory=AuctionParameters)
    effects: tuple[Effect, ...] = ()
    review: Review = field(default_factory=Review)
    faults: tuple[Mapping[str, Any], ...] = ()  # planned from the start, as posted to /_sim/faults

    def account(self, account_id: str) -> Account | None:
        """Return the account with these digits, or None."""
        return next((account for account in self.accounts if account.id == account_id), None)


def built_in_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that ship, in order."""
    folder = resources.files(__package__) / "scenarios"
    return tuple(
        sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    )


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
        key: raw[key]
        for key in ("user_id", "user_name", "app_id", "app_secret", "platform_users")
        if key in raw
    }
    lists: dict[str, Any] = {key: tuple(raw[key]) for key in ("tokens", "expired_tokens") if key in raw}
    assets = {key: _assets(raw.get(key, [])) for key in ASSETS}
    known = {*plain, *lists, *assets, "accounts", "effect", "fault", "description", *TABLES}
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
        "population": _population(raw["population"]) if "population" in raw else None,
        "auction": _build(AuctionParameters, raw.get("auction", {})),
        "effects": tuple(_effect(entry) for entry in raw.get("effect", [])),
        "review": _review(raw.get("review", {})),
        "faults": tuple(raw.get("fault", [])),
    }
    return _checked(_build(Scenario, values))


def _checked(scenario: Scenario) -> Scenario:
    axes = {axis.name: dict(axis.traits) for axis in scenario.population.axes} if scenario.population else {}
    for effect in scenario.effects:
        strange = [f"{axis}={value}" for axis, value in effect.among if value not in axes.get(axis, {})]
        if strange:
            message = f"scenario {scenario.name}: nobody in the population is {strange}"
            raise ValueError(message)
        if effect.among and (effect.changes or effect.delay != 1 or effect.pace != 1):
            message = f"scenario {scenario.name}: effects among some people cannot change, delay or pace"
            raise ValueError(message)
    return scenario


def _population(entry: dict[str, Any]) -> PopulationParameters:
    plain = {key: value for key, value in entry.items() if not isinstance(value, dict)}
    axes = tuple(_axis(key, value) for key, value in entry.items() if isinstance(value, dict))
    cells = math.prod(len(axis.traits) for axis in axes)
    if not axes or cells > MOST_CELLS:
        message = f"scenario: a population has 1 to {MOST_CELLS} cells, not {cells if axes else 0}"
        raise ValueError(message)
    return _build(PopulationParameters, {**plain, "axes": axes})


def _axis(name: str, entry: dict[str, Any]) -> Axis:
    traits = tuple((value, _build(Trait, numbers)) for value, numbers in entry.items())
    if name not in AXES or abs(sum(trait.share for _, trait in traits) - 1) > SHARES_SLACK:
        message = f"scenario: {name} must be one of {AXES} with shares of sum one"
        raise ValueError(message)
    return Axis(name, traits)


def _account(entry: dict[str, Any]) -> Account:
    usual = _scaled_minima(str(entry.get("currency", "EUR")))
    minimum = _build(MinimumBudgets, {**usual.pop("minimum_budgets", {}), **entry.get("minimum_budgets", {})})
    entry = {**usual, **entry}
    return _build(
        Account,
        {
            **entry,
            "id": str(entry["id"]).removeprefix("act_"),
            "minimum_budgets": minimum,
            "object_limits": _build(ObjectLimits, entry.get("object_limits", {})),
        },
    )


def _scaled_minima(currency: str) -> dict[str, Any]:
    """Return the usual minima in a currency that counts in whole units; they are the same sums of money there."""
    if currency not in ONE_UNIT_CURRENCIES:
        return {}
    scale = UNITS_PER_DOLLAR[currency] / 100
    names = ("min_daily_budget", "min_campaign_group_spend_cap")
    plain = {name: round(getattr(Account, name) * scale) for name in names}
    table = {each.name: round(getattr(MinimumBudgets, each.name) * scale) for each in fields(MinimumBudgets)}
    return {**plain, "minimum_budgets": table}


def _assets(entries: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(entry["id"]), entry.get("name", "")) for entry in entries)


def _effect(entry: dict[str, Any]) -> Effect:
    matches = entry["match"] if isinstance(entry["match"], list) else [entry["match"]]
    frozen = tuple(tuple(sorted((key, str(value)) for key, value in match.items())) for match in matches)
    among = tuple((key, str(value)) for key, value in entry.get("among", {}).items())
    return _build(Effect, {**entry, "match": frozen, "among": among})


def _review(entry: dict[str, Any]) -> Review:
    refuse = tuple(_effect(rule) for rule in entry.get("refuse", []))
    return _build(Review, {**entry, "refuse": refuse})


def _build(kind: Callable[..., T], values: dict[str, Any]) -> T:
    try:
        return kind(**values)
    except TypeError as error:
        message = f"scenario: {error}"
        raise ValueError(message) from error
