"""What callers send, as pydantic models: the brief's request field for field, the documented extras, nothing else."""

from dataclasses import replace
from datetime import UTC
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from autopublisher.api.fields import Amount, DigitsId, Flag, Identifier, Moment, ShortText, Text, Whole
from autopublisher.domain.accounts import AdDefaults
from autopublisher.domain.ids import AccountId, CreativeId
from autopublisher.domain.request import (
    ABTestConfig,
    BudgetConfig,
    DecisionMode,
    NoWinner,
    RunRequest,
    Strategy,
    TargetingConfig,
    WinnerCriteria,
)

EXAMPLE_REQUEST: dict[str, Any] = {
    "meta_account_id": "5b1b9c3e-3f0a-4d53-9d5e-0c6a0f6f8a11",
    "campaign_name": "Test Campaign",
    "objective": "CONVERSIONS",
    "ab_test_config": {
        "strategy": "creative_split",
        "variants_count": 2,
        "test_budget_per_variant": 50.0,
        "test_duration_hours": 24,
        "winner_criteria": "roas",
    },
    "targeting_config": {
        "countries": ["ES", "PE"],
        "age_min": 18,
        "age_max": 65,
        "placements": ["instagram_feed"],
    },
    "budget_config": {"total_budget": 500.0, "scaling_factor": 2.0},
    "creative_ids": ["0d6f2f5c-50a5-4a39-8a0c-3f4f4b8f0a01", "6a1d1a2b-7a53-4a5e-9f0e-2f6e8c6a0b02"],
    "headlines": ["Headline A", "Headline B"],
    "primary_texts": ["Text A", "Text B"],
    "require_human_approval": True,
}
"""The brief's request, with ids of the right shape."""

Few = Field(max_length=50)
"""Lists longer than this are slips: no test has more than ten variants."""


class Asked(BaseModel):
    """What every body has in common: unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ABTestConfigIn(Asked):
    """How the test is run and judged."""

    strategy: Strategy
    variants_count: Whole
    test_budget_per_variant: Amount
    test_duration_hours: Whole
    winner_criteria: WinnerCriteria = WinnerCriteria.ROAS
    embargo_hours: Whole = 6
    settle_hours: Whole = 72
    statistical_significance_level: Annotated[Amount, Field(json_schema_extra={"default": 0.95})] = (
        ABTestConfig.statistical_significance_level
    )
    min_spend_threshold: Amount | None = None
    decision_mode: DecisionMode = DecisionMode.PROVE
    same_offer: Flag = False
    on_no_winner: NoWinner = NoWinner.ASK
    adaptive_allocation: Annotated[
        Flag,
        Field(
            description="Move test money, at most once a day, towards the variants most probably best; from three "
            "variants on. The sum of the test budgets stays what it is."
        ),
    ] = False


class TargetingConfigIn(Asked):
    """Whom the ads are shown to."""

    countries: Annotated[list[ShortText], Field(max_length=250)]
    age_min: Whole = 18
    age_max: Whole = 65
    genders: Annotated[list[ShortText], Few] = []
    placements: Annotated[list[ShortText], Few] = []


class BudgetConfigIn(Asked):
    """The run's money, in major units of the account's currency."""

    total_budget: Amount
    scaling_factor: Annotated[Amount, Field(json_schema_extra={"default": 2.0})] = BudgetConfig.scaling_factor
    daily_budget: Amount | None = None
    max_daily_budget: Amount | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None


class AdIn(Asked):
    """What an ad needs besides its creative; in a request it goes over the account's defaults."""

    page_id: DigitsId | None = None
    instagram_user_id: DigitsId | None = None
    pixel_id: DigitsId | None = None
    conversion_event: Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{0,63}$")] | None = None
    link_url: ShortText | None = None
    call_to_action: Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{0,63}$")] | None = None
    dsa_beneficiary: ShortText | None = None
    dsa_payor: ShortText | None = None

    def to_domain(self) -> AdDefaults:
        """Return the plain value."""
        return AdDefaults(**self.model_dump())


class RunRequestIn(Asked):
    """A request for a run: the brief's fields and the documented extras."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"example": EXAMPLE_REQUEST})

    meta_account_id: Identifier
    campaign_name: ShortText
    objective: ShortText
    ab_test_config: ABTestConfigIn
    targeting_config: TargetingConfigIn
    budget_config: BudgetConfigIn
    creative_ids: Annotated[list[Identifier], Few]
    headlines: Annotated[list[Text], Few]
    primary_texts: Annotated[list[Text], Few]
    require_human_approval: Flag = True
    call_to_actions: Annotated[list[ShortText], Few] = []
    ad: AdIn = AdIn()
    tags: Annotated[list[ShortText], Few] = []
    notes: Text = ""
    special_ad_categories: Annotated[list[ShortText], Few] = []

    def to_domain(self) -> RunRequest:
        """Return the request as the flows take it."""
        test, target, budget = self.ab_test_config, self.targeting_config, self.budget_config
        return RunRequest(
            meta_account_id=AccountId(self.meta_account_id),
            campaign_name=self.campaign_name,
            objective=self.objective,
            ab_test_config=ABTestConfig(**test.model_dump()),
            targeting_config=TargetingConfig(
                countries=tuple(target.countries),
                age_min=target.age_min,
                age_max=target.age_max,
                genders=tuple(target.genders),
                placements=tuple(target.placements),
            ),
            budget_config=BudgetConfig(**budget.model_dump()),
            creative_ids=tuple(CreativeId(one) for one in self.creative_ids),
            headlines=tuple(self.headlines),
            primary_texts=tuple(self.primary_texts),
            require_human_approval=self.require_human_approval,
            call_to_actions=tuple(self.call_to_actions),
            ad=self.ad.to_domain(),
            tags=tuple(self.tags),
            notes=self.notes,
            special_ad_categories=tuple(self.special_ad_categories),
        )


class ScheduleIn(RunRequestIn):
    """A request for a run that begins later."""

    model_config = ConfigDict(
        json_schema_extra={"example": EXAMPLE_REQUEST | {"scheduled_for": "2027-01-15T09:00:00Z"}}
    )

    scheduled_for: Moment

    def to_domain(self) -> RunRequest:
        """Return the request with its moment in UTC."""
        return replace(super().to_domain(), scheduled_for=self.scheduled_for.astimezone(UTC))


class PublishWinnerIn(Asked):
    """A person's release of a winner: ``variant_id`` as the run names it, a bare letter, or the variant's name."""

    run_id: Identifier
    variant_id: ShortText | None = None
    comment: Text = ""
    plan_digest: ShortText | None = None


class CancelIn(Asked):
    """A person's wish to stop a run."""

    run_id: Identifier
    reason: Text = ""


class SignInIn(Asked):
    """A name and its password."""

    username: Annotated[ShortText, StringConstraints(min_length=1)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class AccountIn(Asked):
    """An ad account to act on; name, currency and time zone are read from Meta."""

    act_id: Annotated[str, Field(pattern=r"^act_[0-9]{1,32}$")]
    name: Annotated[ShortText, Field(min_length=1)] | None = None
    defaults: AdIn = AdIn()


class AccountPatchIn(Asked):
    """New ad defaults and spend limits: a field left out stays, null clears it. Limits are in major units."""

    defaults: AdIn = AdIn()
    daily_limit: Amount | None = None
    monthly_limit: Amount | None = None
