"""Checks of a request before anything is created: every problem names its field, the reason and the remedy.

Three stages, each needing more of the world: the request alone, the request against the account we hold, and the request
against what Meta says of the account now.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from math import prod

from autopublisher.domain.accounts import Account, AdAccountFacts, AdDefaults, MinimumBudgets
from autopublisher.domain.countries import COUNTRIES, EU_COUNTRIES
from autopublisher.domain.errors import Problem, UnknownCurrencyError
from autopublisher.domain.ids import RunId
from autopublisher.domain.money import Money, places_of
from autopublisher.domain.objectives import (
    CONVERSION_CRITERIA,
    UNSUPPORTED_OBJECTIVES,
    Frequency,
    choose_objective,
)
from autopublisher.domain.placements import PLACEMENTS, placement_conflict, unknown_placements
from autopublisher.domain.request import RunRequest, Strategy
from autopublisher.domain.variants import LETTERS, build_variants

LONGEST_TEST_HOURS = 24 * 90
LONGEST_NAME = 300
LONGEST_TEXT = 5000
LONGEST_LINK = 1000
LONGEST_DSA = 512
SPECIAL_AD_CATEGORIES = frozenset(
    "NONE EMPLOYMENT HOUSING CREDIT ISSUES_ELECTIONS_POLITICS ONLINE_GAMBLING_AND_GAMING "
    "FINANCIAL_PRODUCTS_SERVICES".split()
)
CALLS_TO_ACTION = frozenset(
    "SHOP_NOW LEARN_MORE SIGN_UP BUY_NOW ORDER_NOW SUBSCRIBE DOWNLOAD GET_OFFER CONTACT_US BOOK_TRAVEL BOOK_NOW "
    "APPLY_NOW GET_QUOTE WATCH_MORE SEE_MENU DONATE_NOW GET_SHOWTIMES LISTEN_NOW REQUEST_TIME INSTALL_MOBILE_APP "
    "USE_APP PLAY_GAME OPEN_LINK NO_BUTTON".split()
)
_LINK = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")


def effective_ad(request: RunRequest, account: Account) -> AdDefaults:
    """Return the account's ad defaults with the request's own values over them."""
    own = {name: getattr(request.ad, name) for name in AdDefaults.__dataclass_fields__}
    return AdDefaults(
        **{name: getattr(account.defaults, name) if value is None else value for name, value in own.items()}
    )


def check_request(request: RunRequest) -> list[Problem]:
    """Return what is wrong with the request by itself."""
    checks = (_check_texts, _check_test, _check_budget_shape, _check_targeting, _check_enough, _check_extras)
    return [problem for check in checks for problem in check(request)]


def check_against_account(request: RunRequest, account: Account) -> list[Problem]:
    """Return what is wrong with the request for this account: currency, places, money, and what its ads lack."""
    problems = [*_check_currency(request, account)]
    if not problems:
        problems += _check_amounts(request, account.currency)
    return problems + [*_check_ad(request, effective_ad(request, account))]


def check_against_meta(
    request: RunRequest, account: Account, facts: AdAccountFacts, minimums: MinimumBudgets
) -> list[Problem]:
    """Return what Meta would refuse: a blocked account, another currency, budgets below its minimum."""
    return [
        *_check_facts(account, facts),
        *_check_minimums(request, account, minimums),
        *_check_dsa(request, account, facts),
    ]


def smallest_daily(minimums: MinimumBudgets, frequency: Frequency) -> Money:
    """Return the smallest daily budget for a goal whose event happens with this frequency."""
    return {
        Frequency.IMPRESSIONS: minimums.impressions,
        Frequency.HIGH: minimums.high_frequency,
        Frequency.LOW: minimums.low_frequency,
        Frequency.VIDEO: minimums.video_views,
    }[frequency]


def smallest_lifetime(daily: Money, hours: int) -> Money:
    """Return the smallest lifetime budget of a test of ``hours``: the daily minimum for each day begun."""
    return daily.times(max(1, -(-hours // 24)))


def _check_texts(request: RunRequest) -> Iterator[Problem]:
    if not request.campaign_name.strip():
        yield Problem("campaign_name", "The campaign name is empty.", "Give the campaign a name.")
    if len(request.campaign_name) > LONGEST_NAME:
        yield Problem(
            "campaign_name",
            f"The campaign name has {len(request.campaign_name)} characters; {LONGEST_NAME} is the most.",
            "Shorten it.",
        )
    for name, texts in (("headlines", request.headlines), ("primary_texts", request.primary_texts)):
        if not texts:
            yield Problem(name, f"{name} is empty.", "Give at least one text.")
        for index, text in enumerate(texts):
            if not text.strip():
                yield Problem(f"{name}[{index}]", "This text is empty.", "Write it, or leave it out.")
            elif len(text) > LONGEST_TEXT:
                yield Problem(
                    f"{name}[{index}]", f"This text is longer than {LONGEST_TEXT} characters.", "Shorten it."
                )
    if not request.creative_ids:
        yield Problem("creative_ids", "creative_ids is empty.", "Name at least one creative.")


def _check_test(request: RunRequest) -> Iterator[Problem]:
    ab = request.ab_test_config
    where = "ab_test_config."
    if not 2 <= ab.variants_count <= len(LETTERS):
        yield Problem(
            where + "variants_count",
            f"A test has 2 to {len(LETTERS)} variants, not {ab.variants_count}.",
            f"Choose a number from 2 to {len(LETTERS)}.",
        )
    if not 1 <= ab.test_duration_hours <= LONGEST_TEST_HOURS:
        yield Problem(
            where + "test_duration_hours",
            f"A test lasts 1 to {LONGEST_TEST_HOURS} hours, not {ab.test_duration_hours}.",
            "Choose a duration in that range; seven days or more is best.",
        )
    if not 0 <= ab.embargo_hours < max(1, ab.test_duration_hours):
        yield Problem(
            where + "embargo_hours",
            f"The embargo of {ab.embargo_hours} h does not end before the test of {ab.test_duration_hours} h.",
            "Choose an embargo shorter than the test.",
        )
    if not 0 <= ab.settle_hours <= 24 * 28:
        yield Problem(
            where + "settle_hours", "Late conversions are waited for between 0 and 672 hours.", "72 is usual."
        )
    level = ab.statistical_significance_level
    if not Decimal("0.5") <= level <= Decimal("0.999"):
        yield Problem(
            where + "statistical_significance_level",
            f"{level} is not a significance level between 0.5 and 0.999.",
            "0.95 is usual: at most 5 false winners in 100 tests of equal ads.",
        )
    if ab.same_offer and ab.winner_criteria.value != "roas":
        yield Problem(where + "same_offer", "same_offer only concerns winner_criteria roas.", "Leave it out.")


def _check_budget_shape(request: RunRequest) -> Iterator[Problem]:
    budget, ab = request.budget_config, request.ab_test_config
    positive = {
        "ab_test_config.test_budget_per_variant": ab.test_budget_per_variant,
        "ab_test_config.min_spend_threshold": ab.min_spend_threshold,
        "budget_config.total_budget": budget.total_budget,
        "budget_config.daily_budget": budget.daily_budget,
        "budget_config.max_daily_budget": budget.max_daily_budget,
    }
    for field, amount in positive.items():
        if amount is not None and (not amount.is_finite() or amount <= 0):
            yield Problem(
                field, f"{amount} is not an amount above zero.", "Give a positive amount in major units."
            )
    if not budget.scaling_factor.is_finite() or not 1 <= budget.scaling_factor <= 10:
        yield Problem(
            "budget_config.scaling_factor",
            f"A scaling factor lies between 1 and 10, not {budget.scaling_factor}.",
            "2.0 doubles the winner's daily budget.",
        )
    if budget.daily_budget is not None and budget.max_daily_budget is not None:
        if budget.daily_budget > budget.max_daily_budget:
            yield Problem(
                "budget_config.daily_budget",
                "daily_budget is above max_daily_budget.",
                "Lower it, or raise the maximum.",
            )
    if ab.min_spend_threshold is not None and ab.min_spend_threshold > ab.test_budget_per_variant:
        yield Problem(
            "ab_test_config.min_spend_threshold",
            "min_spend_threshold is above test_budget_per_variant, so no verdict could ever be reached.",
            "Lower it.",
        )


def _check_targeting(request: RunRequest) -> Iterator[Problem]:
    target = request.targeting_config
    if not target.countries:
        yield Problem(
            "targeting_config.countries", "No country is named.", 'Give ISO codes, such as ["ES", "PE"].'
        )
    for index, country in enumerate(target.countries):
        if country not in COUNTRIES:
            yield Problem(
                f"targeting_config.countries[{index}]",
                f"{country!r} is no ISO 3166 country code in capitals.",
                "Use two-letter codes such as ES, PE, US.",
            )
    if len(set(target.countries)) != len(target.countries):
        yield Problem("targeting_config.countries", "A country is named twice.", "Name each once.")
    for name, age in (("age_min", target.age_min), ("age_max", target.age_max)):
        if not 13 <= age <= 65:
            yield Problem(
                f"targeting_config.{name}", f"Meta takes ages 13 to 65, not {age}.", "65 means 65 and older."
            )
    if target.age_min > target.age_max:
        yield Problem("targeting_config.age_min", "age_min is above age_max.", "Swap or correct them.")
    for index, gender in enumerate(target.genders):
        if gender not in {"male", "female"}:
            yield Problem(
                f"targeting_config.genders[{index}]",
                f"{gender!r} is no gender Meta targets.",
                "male, female or none.",
            )
    unknown = unknown_placements(target.placements)
    for name in unknown:
        yield Problem(
            "targeting_config.placements",
            f"{name!r} is no known placement.",
            "Known: " + ", ".join(sorted(PLACEMENTS)),
        )
    conflict = None if unknown else placement_conflict(target.placements)
    if conflict is not None:
        yield Problem(
            "targeting_config.placements", f"Meta refuses this: {conflict}.", "Add what is missing."
        )


def _check_enough(request: RunRequest) -> Iterator[Problem]:
    ab, wanted = request.ab_test_config, request.ab_test_config.variants_count
    supplies = {
        "creative_ids": len(request.creative_ids),
        "headlines": len(request.headlines),
        "primary_texts": len(request.primary_texts),
        "call_to_actions": len(request.call_to_actions),
    }
    if ab.strategy is Strategy.FACTORIAL:
        cells = prod(max(1, count) for count in supplies.values())
        if cells < wanted:
            yield Problem(
                "ab_test_config.variants_count",
                f"The factors give {cells} combinations, not {wanted}.",
                "Add texts or creatives, or ask for fewer variants.",
                "not_enough",
            )
    elif ab.strategy is Strategy.PLACEMENT_SPLIT:
        if len(request.targeting_config.placements) < wanted:
            yield Problem(
                "targeting_config.placements",
                f"{wanted} variants need {wanted} placements.",
                "Name one placement for each variant.",
                "not_enough",
            )
    else:
        yield from _check_supplies(request, supplies, wanted)
    if _distinct_arms(request) is False:
        yield Problem(
            "ab_test_config.variants_count",
            "Two variants would be identical, so there is nothing to test.",
            "Give each variant a creative, headline or text of its own.",
            "identical_variants",
        )


def _check_supplies(request: RunRequest, supplies: dict[str, int], wanted: int) -> Iterator[Problem]:
    strategy = request.ab_test_config.strategy
    must_vary = ("creative_ids",) if strategy is Strategy.CREATIVE_SPLIT else ()
    for field, count in supplies.items():
        shared = field not in must_vary and count <= 1
        if strategy is Strategy.COPY_SPLIT and field == "creative_ids":
            shared = True
        if not shared and count < wanted:
            yield Problem(
                field,
                f"{wanted} variants need {wanted} values here; {count} given.",
                f"Give {wanted}" + ("." if field in must_vary else ", or one shared by all."),
                "not_enough",
            )


def _distinct_arms(request: RunRequest) -> bool | None:
    """Tell whether all arms differ; None where they cannot be built because something else is wrong."""
    try:
        variants = build_variants(RunId("0" * 32), request)
    except IndexError:
        return None
    return len({variant.content for variant in variants}) == len(variants)


def _check_extras(request: RunRequest) -> Iterator[Problem]:
    for index, category in enumerate(request.special_ad_categories):
        if category not in SPECIAL_AD_CATEGORIES:
            yield Problem(
                f"special_ad_categories[{index}]",
                f"{category!r} is no special ad category.",
                "Known: " + ", ".join(sorted(SPECIAL_AD_CATEGORIES)),
            )
    ctas = [*enumerate(request.call_to_actions)]
    for index, action in ctas:
        if action not in CALLS_TO_ACTION:
            yield Problem(
                f"call_to_actions[{index}]",
                f"{action!r} is no call to action.",
                "Known: " + ", ".join(sorted(CALLS_TO_ACTION)),
            )


def _check_currency(request: RunRequest, account: Account) -> Iterator[Problem]:
    asked = request.budget_config.currency
    if asked is not None and asked != account.currency:
        yield Problem(
            "budget_config.currency",
            f"The account bills in {account.currency}, not {asked}.",
            f"Give amounts in {account.currency}.",
            "currency_mismatch",
        )
    try:
        places_of(account.currency)
    except UnknownCurrencyError as error:
        yield Problem("meta_account_id", error.message, error.remedy, "currency_unknown")


def _check_amounts(request: RunRequest, currency: str) -> Iterator[Problem]:
    ab, budget = request.ab_test_config, request.budget_config
    amounts = {
        "ab_test_config.test_budget_per_variant": ab.test_budget_per_variant,
        "ab_test_config.min_spend_threshold": ab.min_spend_threshold,
        "budget_config.total_budget": budget.total_budget,
        "budget_config.daily_budget": budget.daily_budget,
        "budget_config.max_daily_budget": budget.max_daily_budget,
    }
    places = places_of(currency)
    exact = True
    for field, amount in amounts.items():
        if amount is not None and amount != round(amount, places):
            exact = False
            yield Problem(
                field,
                f"{amount} has more than {places} decimal places, which {currency} does not have.",
                "Round the amount.",
                "too_many_places",
            )
    needed = ab.test_budget_per_variant * ab.variants_count
    if exact and budget.total_budget < needed:
        yield Problem(
            "budget_config.total_budget",
            f"Insufficient budget: total_budget {budget.total_budget} {currency} must be >= test_budget_per_variant * variants_count = {needed} {currency}",
            f"Raise total_budget to at least {needed}, or test fewer or cheaper variants.",
            "insufficient_budget",
        )


def _check_ad(request: RunRequest, ad: AdDefaults) -> Iterator[Problem]:
    objective = choose_objective(request.objective, ad.conversion_event)
    if objective is None:
        why = UNSUPPORTED_OBJECTIVES.get(request.objective.strip().upper())
        reason = (
            f"Objective {request.objective!r} is not supported: {why}."
            if why
            else f"{request.objective!r} is no campaign objective."
        )
        yield Problem(
            "objective",
            reason,
            "Use OUTCOME_SALES, OUTCOME_LEADS, OUTCOME_TRAFFIC, OUTCOME_ENGAGEMENT, OUTCOME_AWARENESS or a legacy name such as CONVERSIONS.",
        )
        return
    remedy = "Set it on the account (PATCH /meta/accounts/{id}) or in the request's ad section."
    required = {"ad.page_id": ad.page_id, "ad.link_url": ad.link_url}
    if objective.goal.needs_pixel:
        required |= {"ad.pixel_id": ad.pixel_id, "ad.conversion_event": ad.conversion_event}
    for field, value in required.items():
        if not value:
            yield Problem(
                field,
                f"An ad with objective {objective.outcome} needs {field.removeprefix('ad.')}.",
                remedy,
                "missing",
            )
    if ad.link_url and (len(ad.link_url) > LONGEST_LINK or not _LINK.fullmatch(ad.link_url)):
        yield Problem(
            "ad.link_url",
            "This is no web address Meta would take.",
            "Give an http(s) link of at most 1000 characters.",
        )
    if ad.call_to_action is not None and ad.call_to_action not in CALLS_TO_ACTION:
        yield Problem(
            "ad.call_to_action",
            f"{ad.call_to_action!r} is no call to action.",
            "Known: " + ", ".join(sorted(CALLS_TO_ACTION)),
        )
    criterion = request.ab_test_config.winner_criteria.value
    if criterion in CONVERSION_CRITERIA and not objective.goal.needs_pixel:
        yield Problem(
            "ab_test_config.winner_criteria",
            f"{criterion} counts conversions, which {objective.outcome} does not optimise or report.",
            "Use objective OUTCOME_SALES or OUTCOME_LEADS, or judge by ctr, cpc or engagement.",
        )


def _check_facts(account: Account, facts: AdAccountFacts) -> Iterator[Problem]:
    if not facts.delivers:
        yield Problem(
            "meta_account_id",
            f"Meta reports account status {facts.status}: its ads cannot deliver.",
            "Resolve it in Meta's Account Quality or Billing, then try again.",
            "account_blocked",
        )
    if facts.currency != account.currency:
        yield Problem(
            "meta_account_id",
            f"Meta bills this account in {facts.currency}, we have it as {account.currency}.",
            "Correct the account's currency here.",
            "currency_mismatch",
        )


def _check_minimums(request: RunRequest, account: Account, minimums: MinimumBudgets) -> Iterator[Problem]:
    objective = choose_objective(request.objective, effective_ad(request, account).conversion_event)
    if objective is None:
        return
    daily = smallest_daily(minimums, objective.goal.frequency)
    least = smallest_lifetime(daily, request.ab_test_config.test_duration_hours)
    test = Money.from_major(request.ab_test_config.test_budget_per_variant, account.currency)
    if test < least:
        yield Problem(
            "ab_test_config.test_budget_per_variant",
            f"Meta's minimum for this goal is {daily} a day, so {least} for this test; {test} is below it.",
            f"Give at least {least}.",
            "below_minimum",
        )
    caps = {
        "daily_budget": request.budget_config.daily_budget,
        "max_daily_budget": request.budget_config.max_daily_budget,
    }
    for field, amount in caps.items():
        if amount is not None and Money.from_major(amount, account.currency) < daily:
            yield Problem(
                f"budget_config.{field}",
                f"{amount} is below Meta's minimum of {daily} a day for this goal.",
                f"Give at least {daily}.",
                "below_minimum",
            )


def _check_dsa(request: RunRequest, account: Account, facts: AdAccountFacts) -> Iterator[Problem]:
    if not set(request.targeting_config.countries) & EU_COUNTRIES:
        return
    ad = effective_ad(request, account)
    pairs = {
        "dsa_beneficiary": (ad.dsa_beneficiary, facts.default_dsa_beneficiary),
        "dsa_payor": (ad.dsa_payor, facts.default_dsa_payor),
    }
    for field, (ours, metas) in pairs.items():
        if not ours and not metas:
            yield Problem(
                f"ad.{field}",
                f"Ads shown in the European Union must name their {field.removeprefix('dsa_')}.",
                "Set it on the account or in the request's ad section.",
                "missing",
            )
        elif ours is not None and len(ours) > LONGEST_DSA:
            yield Problem(f"ad.{field}", "This is longer than 512 characters.", "Shorten it.")
