"""The run request: exactly the brief's fields plus documented extras, as plain frozen values."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.ids import AccountId, CreativeId


class Strategy(StrEnum):
    """Which part of the ad differs between the variants."""

    CREATIVE_SPLIT = "creative_split"
    COPY_SPLIT = "copy_split"
    PLACEMENT_SPLIT = "placement_split"
    FACTORIAL = "factorial"


class WinnerCriteria(StrEnum):
    """What the winner is best at."""

    ROAS = "roas"
    CPA = "cpa"
    CTR = "ctr"
    CVR = "cvr"
    CPC = "cpc"
    CONVERSIONS = "conversions"
    REVENUE = "revenue"
    ENGAGEMENT = "engagement"


class DecisionMode(StrEnum):
    """``prove`` names a winner only with the stated error, ``decide`` also stops on a small expected loss.

    ``money`` stops where testing on is worth less than deciding; the others only report what deciding would be worth.
    """

    PROVE = "prove"
    DECIDE = "decide"
    MONEY = "money"


class NoWinner(StrEnum):
    """What happens when the test proves no winner.

    Ask a person, publish the better bet, or stop with everything paused; ``extend``: go on testing by days, and then ask.
    """

    ASK = "ask"
    PUBLISH_BETTER_BET = "publish_better_bet"
    EXTEND = "extend"
    STOP = "stop"


@dataclass(frozen=True)
class ABTestConfig:
    """How the test is run and judged; money in major units of the account's currency, times in hours."""

    strategy: Strategy
    variants_count: int
    test_budget_per_variant: Decimal
    test_duration_hours: int
    winner_criteria: WinnerCriteria = WinnerCriteria.ROAS
    embargo_hours: int = 6
    settle_hours: int = 72
    statistical_significance_level: Decimal = Decimal("0.95")
    min_spend_threshold: Decimal | None = None
    decision_mode: DecisionMode = DecisionMode.PROVE
    same_offer: bool = False
    on_no_winner: NoWinner = NoWinner.ASK
    adaptive_allocation: bool = False
    max_test_share: Decimal = Decimal("0.5")


@dataclass(frozen=True)
class TargetingConfig:
    """Whom the ads are shown to; every variant gets the same."""

    countries: tuple[str, ...]
    age_min: int = 18
    age_max: int = 65
    genders: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()


@dataclass(frozen=True)
class BudgetConfig:
    """The run's money, in major units: ``total_budget`` is never exceeded, tests included.

    What publishing costs is assumed: revenue grows with the daily budget to the power ``elasticity``, and for the first
    ``learning_days`` the campaign earns ``learning_efficiency`` of what it will. ``margin`` is the part of a sale that is
    left when the goods are paid, ``value_per_conversion`` what one is worth where the test measures no revenue.
    """

    total_budget: Decimal
    scaling_factor: Decimal = Decimal("2.0")
    daily_budget: Decimal | None = None
    max_daily_budget: Decimal | None = None
    currency: str | None = None
    elasticity: Decimal = Decimal("0.9")
    learning_days: Decimal = Decimal(2)
    learning_efficiency: Decimal = Decimal("0.8")
    margin: Decimal | None = None
    value_per_conversion: Decimal | None = None


@dataclass(frozen=True)
class RunRequest:
    """One whole request, as asked."""

    meta_account_id: AccountId
    campaign_name: str
    objective: str
    ab_test_config: ABTestConfig
    targeting_config: TargetingConfig
    budget_config: BudgetConfig
    creative_ids: tuple[CreativeId, ...]
    headlines: tuple[str, ...]
    primary_texts: tuple[str, ...]
    require_human_approval: bool = True
    call_to_actions: tuple[str, ...] = ()
    ad: AdDefaults = field(default_factory=AdDefaults)
    scheduled_for: datetime | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    special_ad_categories: tuple[str, ...] = ()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value


def request_to_record(request: RunRequest) -> dict[str, Any]:
    """Return the request as JSON types (amounts as decimal strings, moments in ISO 8601)."""
    ab, target, budget = request.ab_test_config, request.targeting_config, request.budget_config
    return {
        "meta_account_id": request.meta_account_id,
        "campaign_name": request.campaign_name,
        "objective": request.objective,
        "ab_test_config": {name: _plain(getattr(ab, name)) for name in ABTestConfig.__dataclass_fields__},
        "targeting_config": {
            name: _plain(getattr(target, name)) for name in TargetingConfig.__dataclass_fields__
        },
        "budget_config": {name: _plain(getattr(budget, name)) for name in BudgetConfig.__dataclass_fields__},
        "creative_ids": list(request.creative_ids),
        "headlines": list(request.headlines),
        "primary_texts": list(request.primary_texts),
        "require_human_approval": request.require_human_approval,
        "call_to_actions": list(request.call_to_actions),
        "ad": {name: _plain(getattr(request.ad, name)) for name in AdDefaults.__dataclass_fields__},
        "scheduled_for": _plain(request.scheduled_for),
        "tags": list(request.tags),
        "notes": request.notes,
        "special_ad_categories": list(request.special_ad_categories),
    }


_LATER: Mapping[str, Mapping[str, Any]] = {
    "ab_test_config": {
        name: _plain(getattr(ABTestConfig, name)) for name in ("adaptive_allocation", "max_test_share")
    },
    "budget_config": {
        name: _plain(getattr(BudgetConfig, name))
        for name in (
            "elasticity",
            "learning_days",
            "learning_efficiency",
            "margin",
            "value_per_conversion",
        )
    },
    "ad": {"regional_identities": None},
}
"""Fields that requests have not had from the beginning, with what stands for their absence."""


def request_digest(request: RunRequest) -> str:
    """Return the SHA-256 of a request as asked: the same request, the same digest, also from before a field existed."""
    record = request_to_record(request)
    for part, defaults in _LATER.items():
        record[part] = {
            name: value
            for name, value in record[part].items()
            if name not in defaults or value != defaults[name]
        }
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def request_from_record(record: dict[str, Any]) -> RunRequest:
    """Rebuild what ``request_to_record`` wrote; the two are inverse to each other."""
    ab, target, budget = record["ab_test_config"], record["targeting_config"], record["budget_config"]
    return RunRequest(
        meta_account_id=AccountId(record["meta_account_id"]),
        campaign_name=record["campaign_name"],
        objective=record["objective"],
        ab_test_config=ABTestConfig(
            strategy=Strategy(ab["strategy"]),
            variants_count=ab["variants_count"],
            test_budget_per_variant=Decimal(ab["test_budget_per_variant"]),
            test_duration_hours=ab["test_duration_hours"],
            winner_criteria=WinnerCriteria(ab["winner_criteria"]),
            embargo_hours=ab["embargo_hours"],
            settle_hours=ab["settle_hours"],
            statistical_significance_level=Decimal(ab["statistical_significance_level"]),
            min_spend_threshold=_amount(ab["min_spend_threshold"]),
            decision_mode=DecisionMode(ab["decision_mode"]),
            same_offer=ab["same_offer"],
            on_no_winner=NoWinner(ab["on_no_winner"]),
            **_later("ab_test_config", ab, adaptive_allocation=bool, max_test_share=Decimal),
        ),
        targeting_config=TargetingConfig(
            countries=tuple(target["countries"]),
            age_min=target["age_min"],
            age_max=target["age_max"],
            genders=tuple(target["genders"]),
            placements=tuple(target["placements"]),
        ),
        budget_config=BudgetConfig(
            total_budget=Decimal(budget["total_budget"]),
            scaling_factor=Decimal(budget["scaling_factor"]),
            daily_budget=_amount(budget["daily_budget"]),
            max_daily_budget=_amount(budget["max_daily_budget"]),
            currency=budget["currency"],
            **_later(
                "budget_config",
                budget,
                elasticity=Decimal,
                learning_days=Decimal,
                learning_efficiency=Decimal,
                margin=_amount,
                value_per_conversion=_amount,
            ),
        ),
        creative_ids=tuple(CreativeId(one) for one in record["creative_ids"]),
        headlines=tuple(record["headlines"]),
        primary_texts=tuple(record["primary_texts"]),
        require_human_approval=record["require_human_approval"],
        call_to_actions=tuple(record["call_to_actions"]),
        ad=AdDefaults(**record["ad"]),
        scheduled_for=_moment(record["scheduled_for"]),
        tags=tuple(record["tags"]),
        notes=record["notes"],
        special_ad_categories=tuple(record["special_ad_categories"]),
    )


def _later(part: str, kept: Mapping[str, Any], **kinds: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the fields that a request kept before they existed lacks, each made by its kind."""
    return {name: kind(kept.get(name, _LATER[part][name])) for name, kind in kinds.items()}


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
