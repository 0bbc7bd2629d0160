"""What callers send, as pydantic models: the brief's request field for field, the documented extras, nothing else."""

from dataclasses import replace
from datetime import UTC
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from autopublisher.api.fields import Amount, DigitsId, Flag, Identifier, Moment, ShortText, Text, Whole
from autopublisher.domain.accounts.accounts import MOST_BET_LOSS, AdDefaults
from autopublisher.domain.ids import AccountId, CreativeId
from autopublisher.domain.request.longest_test import LONGEST_TEST_HOURS
from autopublisher.domain.request.money_rules import ASSUMPTIONS, LEAST_SCALING, MOST_SCALING
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    DecisionMode,
    NoWinner,
    RunRequest,
    Strategy,
    TargetingConfig,
    WinnerCriteria,
)
from autopublisher.domain.request.targeting_rules import OLDEST, YOUNGEST
from autopublisher.domain.request.test_rules import (
    FEWEST_VARIANTS,
    LEAST_SIGNIFICANCE,
    LEAST_TEST_SHARE,
    LONGEST_SETTLE_HOURS,
    MOST_SIGNIFICANCE,
    MOST_TEST_SHARE,
)
from autopublisher.domain.request.text_rules import LONGEST_NAME
from autopublisher.domain.request.variants import LETTERS
from autopublisher.domain.runs.run import Way

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

RUN_ID_EXAMPLE: Any = "3a6f2c1e-8b1d-4a57-9a40-2f1d7c5e0b33"

Few = Field(max_length=50)
"""Lists longer than this are slips: no test has more than ten variants."""


def shown(example: Any, **schema: Any) -> Any:
    """Return what the OpenAPI document shows of a field: an example, and bounds that the rules of a request check."""
    return Field(examples=[example], json_schema_extra=schema or None)


def _assumed(name: str, default: float) -> Any:
    least, most = ASSUMPTIONS[name]
    return shown(default, default=default, minimum=float(least), maximum=float(most))


class Asked(BaseModel):
    """What every body, and every object in one, has in common: only a JSON object, unknown fields refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def refuse_no_object(cls, value: Any) -> Any:
        """Refuse everything but an object: the framework would else look for the fields among a value's attributes."""
        if isinstance(value, dict | Asked):
            return value
        raise PydanticCustomError("object_type", "object_type")


class ABTestConfigIn(Asked):
    """How the test is run and judged."""

    strategy: Annotated[Strategy, shown("creative_split")]
    """What differs between the variants: `creative_split` the picture, and the texts where each has its own; `copy_split`
    the texts, over the first picture; `placement_split` the placement, with the first picture and texts; `factorial` all
    combinations of pictures, texts and buttons, so `variants_count` is their number."""
    variants_count: Annotated[Whole, shown(2, minimum=FEWEST_VARIANTS, maximum=len(LETTERS))]
    """How many variants are tested, all with the same budget, audience and times."""
    test_budget_per_variant: Annotated[Amount, shown(50.0, exclusiveMinimum=0)]
    """What each variant may spend in the whole test, in major units of the account's currency; at least Meta's daily
    minimum for each day begun."""
    test_duration_hours: Annotated[Whole, shown(24, minimum=1, maximum=LONGEST_TEST_HOURS)]
    """How long the ads are shown, in hours. The run takes `settle_hours` more before it decides; seven days or more see
    the differences between weekdays."""
    winner_criteria: Annotated[WinnerCriteria, shown("roas")] = WinnerCriteria.ROAS
    """What the winner is best at. `roas`, `cpa`, `cvr`, `conversions` and `revenue` need an objective with a pixel."""
    embargo_hours: Annotated[Whole, shown(6, minimum=0)] = 6
    """Hours after the start in which nothing is decided, because Meta's delivery is still finding its way."""
    settle_hours: Annotated[Whole, shown(72, minimum=0, maximum=LONGEST_SETTLE_HOURS)] = 72
    """Hours that are waited after the test, with every variant paused, for conversions which Meta reports late."""
    statistical_significance_level: Annotated[
        Amount, shown(0.95, default=0.95, minimum=float(LEAST_SIGNIFICANCE), maximum=float(MOST_SIGNIFICANCE))
    ] = ABTestConfig.statistical_significance_level
    """One minus the share of tests between equal ads that may name a winner: at 0.95, at most 5 in 100."""
    min_spend_threshold: Annotated[Amount | None, shown(20.0, exclusiveMinimum=0)] = None
    """What each variant must have spent, in major units, before any verdict; not above `test_budget_per_variant`."""
    decision_mode: Annotated[DecisionMode, shown("prove")] = DecisionMode.PROVE
    """`prove` names a winner only with the stated error; `money` also stops the test at a full day once testing on is
    worth less than deciding, and names a bet, which is no proof; `decide` stops once the expected loss is small, and is
    superseded by `money`."""
    same_offer: Annotated[Flag, shown(example=True)] = False
    """Whether all variants sell the same goods at the same prices, so that only the share of buyers can differ; makes a
    ROAS test need less money. Only with `winner_criteria` `roas`."""
    on_no_winner: Annotated[NoWinner, shown("ask")] = NoWinner.ASK
    """What happens without a proven winner: `ask` waits for a person to choose, `stop` ends with everything paused.
    `publish_better_bet` follows the money decision in place, without a person only where `require_human_approval` is false,
    the account lets bets be published (`bet_loss_percent`) and the bet is within its limits; else a person is asked.
    `extend` lets a test of a day or more in `prove` or `money` go on by whole days, up to `max_test_share`; then a person is
    asked."""
    adaptive_allocation: Annotated[Flag, shown(example=False)] = False
    """Move test money, at most once a day, towards the variants most probably best; from three variants on. The sum of
    the test budgets stays what it is."""
    max_test_share: Annotated[
        Amount,
        shown(0.5, default=0.5, minimum=float(LEAST_TEST_SHARE), maximum=float(MOST_TEST_SHARE)),
    ] = ABTestConfig.max_test_share
    """What part of `total_budget` the test may use. In `money`, and with `on_no_winner` `extend`, it goes on past its plan
    by whole days within it, each at the planned daily spend; all of that is set aside from the start."""


class TargetingConfigIn(Asked):
    """Whom the ads are shown to."""

    countries: Annotated[list[ShortText], Field(max_length=250), shown(["ES", "PE"], minItems=1)]
    """ISO 3166 codes of two capitals, each once."""
    age_min: Annotated[Whole, shown(18, minimum=YOUNGEST, maximum=OLDEST)] = 18
    """Youngest age in years."""
    age_max: Annotated[Whole, shown(65, minimum=YOUNGEST, maximum=OLDEST)] = 65
    """Oldest age in years; 65 stands for 65 and older."""
    genders: Annotated[list[ShortText], Few, shown(["female"])] = []
    """`male`, `female`, or empty for everybody."""
    placements: Annotated[list[ShortText], Few, shown(["instagram_feed"])] = []
    """Where the ads may appear, such as `facebook_feed`, `instagram_feed`, `instagram_story` or `instagram_reels`; empty
    lets Meta choose. For `placement_split` one for each variant."""


class BudgetConfigIn(Asked):
    """The run's money, in major units of the account's currency."""

    total_budget: Annotated[Amount, shown(500.0, exclusiveMinimum=0)]
    """The most the whole run may ever spend, test and winner together; at least `test_budget_per_variant` times
    `variants_count`."""
    scaling_factor: Annotated[
        Amount, shown(2.0, default=2.0, minimum=LEAST_SCALING, maximum=MOST_SCALING)
    ] = BudgetConfig.scaling_factor
    """The winner's daily budget is `daily_budget`, or what one variant could spend a day in the test, times this."""
    daily_budget: Annotated[Amount | None, shown(40.0, exclusiveMinimum=0)] = None
    """The daily budget that `scaling_factor` is applied to, in major units; without, the test's for one variant."""
    max_daily_budget: Annotated[Amount | None, shown(100.0, exclusiveMinimum=0)] = None
    """The most the winner's daily budget may be after scaling, in major units."""
    currency: Annotated[str | None, Field(pattern=r"^[A-Z]{3}$"), shown("EUR")] = None
    """The account's currency, as a check that both mean the same; another one is refused."""
    elasticity: Annotated[Amount, _assumed("elasticity", 0.9)] = BudgetConfig.elasticity
    """Assumed for what publishing is worth: twice the daily budget brings 2 to this power as much revenue."""
    learning_days: Annotated[Amount, _assumed("learning_days", 2.0)] = BudgetConfig.learning_days
    """Assumed likewise: how many days the published campaign needs until it delivers as well as the test did."""
    learning_efficiency: Annotated[Amount, _assumed("learning_efficiency", 0.8)] = (
        BudgetConfig.learning_efficiency
    )
    """Assumed likewise: what it earns in those days, as a part of what it earns after them."""
    margin: Annotated[Amount | None, shown(0.4, minimum=0.01, maximum=1.0)] = None
    """The part of a sale that is left when the goods are paid; with it, "spend nothing more" is recommended where less than
    what is spent would come back."""
    value_per_conversion: Annotated[Amount | None, shown(25.0, exclusiveMinimum=0)] = None
    """What a conversion is worth, in major units: with `winner_criteria` `cpa` or `conversions` it puts the money decision
    into amounts."""


class AdIn(Asked):
    """What an ad needs besides its creative; in a request it goes over the account's defaults."""

    page_id: Annotated[DigitsId | None, shown("100000000000001")] = None
    """The Facebook page the ads speak for. Every ad needs one."""
    instagram_user_id: Annotated[DigitsId | None, shown("17840000000000001")] = None
    """The Instagram account the ads speak for there."""
    pixel_id: Annotated[DigitsId | None, shown("200000000000001")] = None
    """The pixel that sees conversions; needed where conversions are the goal."""
    conversion_event: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z_]{0,63}$"), shown("PURCHASE")] = None
    """The pixel's event that counts as a conversion."""
    link_url: Annotated[ShortText | None, shown("https://shop.example.com/offer")] = None
    """Where the ads lead: an http or https address."""
    call_to_action: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z_]{0,63}$"), shown("SHOP_NOW")] = None
    """The button on the ad."""
    dsa_beneficiary: Annotated[ShortText | None, shown("Example Shop S.L.")] = None
    """Who benefits from the ads; the European Union wants it shown there."""
    dsa_payor: Annotated[ShortText | None, shown("Example Shop S.L.")] = None
    """Who pays for the ads; the European Union wants it shown there."""
    regional_identities: Annotated[
        dict[ShortText, DigitsId] | None,
        shown(
            {"taiwan_universal_beneficiary": "300000000000001", "taiwan_universal_payer": "300000000000001"}
        ),
    ] = None
    """Identities that Meta has verified, for countries with rules of their own: Taiwan (`taiwan_universal_*`), Singapore
    (`singapore_universal_*`), Thailand (`universal_*`), and for financial products Australia, India and Taiwan
    (`..._finserv_*`); each with `_beneficiary` and `_payer`."""

    def to_domain(self) -> AdDefaults:
        """Return the plain value."""
        return AdDefaults(**self.model_dump())


class RunRequestIn(Asked):
    """A request for a run: the brief's fields and the documented extras."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_REQUEST})

    meta_account_id: Annotated[Identifier, shown(EXAMPLE_REQUEST["meta_account_id"])]
    """The registered ad account that pays, by the id `GET /meta/accounts` shows."""
    campaign_name: Annotated[ShortText, shown("Test Campaign", minLength=1, maxLength=LONGEST_NAME)]
    """What the run is called here; the campaigns at Meta are called so, too, with a mark that tells them from others."""
    objective: Annotated[ShortText, shown("CONVERSIONS")]
    """`OUTCOME_SALES`, `OUTCOME_LEADS`, `OUTCOME_TRAFFIC`, `OUTCOME_ENGAGEMENT`, `OUTCOME_AWARENESS`, or a legacy name
    such as `CONVERSIONS`, which becomes the outcome that replaced it."""
    ab_test_config: ABTestConfigIn
    """The test: what differs, for how long, with how much money, and what a winner is."""
    targeting_config: TargetingConfigIn
    """Whom the ads are shown to; the same for every variant."""
    budget_config: BudgetConfigIn
    """The run's money."""
    creative_ids: Annotated[list[Identifier], Few, shown(EXAMPLE_REQUEST["creative_ids"], minItems=1)]
    """The pictures, by the ids `GET /meta/creatives` shows."""
    headlines: Annotated[list[Text], Few, shown(["Headline A", "Headline B"], minItems=1)]
    """One headline for all variants, or one for each in their order; for `factorial` those to combine."""
    primary_texts: Annotated[list[Text], Few, shown(["Text A", "Text B"], minItems=1)]
    """The text above the picture: one for all variants, or one for each in their order; for `factorial` those to
    combine."""
    require_human_approval: Annotated[Flag, shown(example=True)] = True
    """Whether a person must approve a proven winner before money is put behind it."""
    call_to_actions: Annotated[list[ShortText], Few, shown(["SHOP_NOW"])] = []
    """Buttons: none, one for all variants, or one for each; over `ad.call_to_action`."""
    ad: AdIn = AdIn()
    """What these ads need besides their creative; over the account's defaults."""
    tags: Annotated[list[ShortText], Few, shown(["spring"])] = []
    """Words of yours, kept with the run."""
    notes: Annotated[Text, shown("For the launch in May.")] = ""
    """A remark of yours, kept with the run."""
    special_ad_categories: Annotated[list[ShortText], Few, shown(["HOUSING"])] = []
    """Meta's categories with rules of their own, such as `HOUSING`, `EMPLOYMENT` or `FINANCIAL_PRODUCTS_SERVICES`."""

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

    scheduled_for: Annotated[Moment, shown("2027-01-15T09:00:00Z")]
    """When the run begins, with its offset from UTC; at most a year ahead."""

    def to_domain(self) -> RunRequest:
        """Return the request with its moment in UTC."""
        return replace(super().to_domain(), scheduled_for=self.scheduled_for.astimezone(UTC))


class PublishWinnerIn(Asked):
    """A person's release of a winner."""

    run_id: Annotated[Identifier, shown(RUN_ID_EXAMPLE)]
    """The run that waits for approval."""
    variant_id: Annotated[ShortText | None, shown("A")] = None
    """The variant to publish: its letter, its name, or its id as the run shows it. Without, the proven winner; none with
    `keep_all`."""
    way: Annotated[Way, shown("scaled")] = Way.SCALED
    """How it is published: `scaled` by a campaign of its own with `scaling_factor` times the daily budget, which has to
    learn anew; `in_place` by its own ad set of the test, which goes on at the test's pace with what is left of
    `total_budget`, all others staying off; `keep_all` names no variant: all that can go on do so in place, with equal
    parts of what is left."""
    comment: Annotated[Text, shown("Fits the season.")] = ""
    """Why, for the audit trail."""
    plan_digest: Annotated[ShortText | None, shown("9f86d081884c7d65")] = None
    """The digest of the plan that was seen; if the plan is another one by now, the release is refused."""


class CancelIn(Asked):
    """A person's wish to stop a run."""

    run_id: Annotated[Identifier, shown(RUN_ID_EXAMPLE)]
    """The run to stop."""
    reason: Annotated[Text, shown("The offer has ended.")] = ""
    """Why, for the audit trail."""


class AdoptIn(Asked):
    """A person's word that a run takes over what Meta holds of it; ``found_digest`` binds it to what they were shown."""

    found_digest: Annotated[ShortText, StringConstraints(min_length=1), shown("9f86d081884c7d65")]
    """The `found_digest` that the run's `older` shows; where more has been found by now, nothing is adopted."""


class SignInIn(Asked):
    """A name and its password."""

    username: Annotated[ShortText, StringConstraints(min_length=1), shown("manager")]
    """The person's name."""
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024), shown("a long password")]
    """The person's password."""


class AccountIn(Asked):
    """An ad account to act on; name, currency and time zone are read from Meta."""

    act_id: Annotated[str, Field(pattern=r"^act_[0-9]{1,32}$"), shown("act_100000000000001")]
    """Meta's id of the ad account."""
    name: Annotated[Annotated[ShortText, Field(min_length=1)] | None, shown("Shop Spain")] = None
    """What the account is called here; without, Meta's own name."""
    defaults: AdIn = AdIn()
    """What the account's ads have in common; a request may say otherwise."""


class AccountPatchIn(Asked):
    """New ad defaults and spend limits: a field left out stays, null clears it."""

    defaults: AdIn = AdIn()
    """What the account's ads have in common."""
    daily_limit: Annotated[Amount | None, shown(500.0, exclusiveMinimum=0)] = None
    """The most the account may spend a day at worst, in major units of its currency."""
    monthly_limit: Annotated[Amount | None, shown(9000.0, exclusiveMinimum=0)] = None
    """The most the account may spend in a calendar month at worst, in major units of its currency."""
    bet_loss_percent: Annotated[Whole | None, shown(5, minimum=1, maximum=MOST_BET_LOSS)] = None
    """How many per cent of a run's total budget a bet may be expected to lose that is published without a person; null: a
    person is always asked."""
