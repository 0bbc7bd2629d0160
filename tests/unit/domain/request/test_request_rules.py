"""Every rule on a request: which field, why, and what to do about it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import Problem
from autopublisher.domain.request.objectives import Frequency
from autopublisher.domain.request.request import RunRequest, Strategy, WinnerCriteria
from autopublisher.domain.request.rules import (
    check_against_account,
    check_against_meta,
    check_request,
    effective_ad,
    smallest_daily,
    smallest_lifetime,
)
from support.wording import english
from unit.domain.samples import ACCOUNT, DEFAULTS, FACTS, MINIMUMS, asked, creative_ids

TEST, TARGET, BUDGET = "ab_test_config.", "targeting_config.", "budget_config."
COPY = {"strategy": Strategy.COPY_SPLIT}
PLACES = {"strategy": Strategy.PLACEMENT_SPLIT}
FACTORS = {"strategy": Strategy.FACTORIAL}


def fields(problems: list[Problem]) -> list[str]:
    return [problem.field for problem in problems]


def test_the_briefs_request_is_sound() -> None:
    request = asked()
    assert check_request(request) == []
    assert check_against_account(request, ACCOUNT) == []
    assert check_against_meta(request, ACCOUNT, FACTS, MINIMUMS) == []


WRONG_BY_ITSELF: list[tuple[dict[str, Any], str, str]] = [
    ({"campaign_name": "  "}, "campaign_name", "is empty"),
    ({"campaign_name": "x" * 301}, "campaign_name", "301 characters; 300 is the most"),
    ({"headlines": ()}, "headlines", "is empty"),
    ({"headlines": ("A", " ")}, "headlines[1]", "is empty"),
    ({"primary_texts": ("x" * 5001, "B")}, "primary_texts[0]", "longer than 5,000"),
    ({"creative_ids": ()}, "creative_ids", "is empty"),
    ({"test": {"variants_count": 1}}, TEST + "variants_count", "2 to 10 variants, not 1"),
    ({"test": {"variants_count": 11}}, TEST + "variants_count", "2 to 10 variants, not 11"),
    ({"test": {"test_duration_hours": 0, "embargo_hours": 0}}, TEST + "test_duration_hours", "not 0"),
    ({"test": {"test_duration_hours": 2161}}, TEST + "test_duration_hours", "1 to 2,160 hours"),
    ({"test": {"embargo_hours": 24}}, TEST + "embargo_hours", "24 h does not end before"),
    ({"test": {"embargo_hours": -1}}, TEST + "embargo_hours", "-1 h"),
    ({"test": {"settle_hours": -1}}, TEST + "settle_hours", "between 0 and 672"),
    ({"test": {"settle_hours": 673}}, TEST + "settle_hours", "between 0 and 672"),
    *[
        (
            {"test": {"statistical_significance_level": Decimal(level)}},
            TEST + "statistical_significance_level",
            f"{level} is not a significance level",
        )
        for level in ("0.49", "1", "95", "NaN")
    ],
    (
        {"test": {"same_offer": True, "winner_criteria": WinnerCriteria.CTR}},
        TEST + "same_offer",
        "only concerns winner_criteria roas",
    ),
    ({"test": {"adaptive_allocation": True}}, TEST + "adaptive_allocation", "a test of 3 variants or more"),
    *[
        ({"budget": {"total_budget": Decimal(amount)}}, BUDGET + "total_budget", "not an amount above zero")
        for amount in ("0", "-1", "NaN", "Infinity")
    ],
    ({"budget": {"total_budget": Decimal("1e13")}}, BUDGET + "total_budget", "more than any account"),
    ({"budget": {"daily_budget": Decimal(0)}}, BUDGET + "daily_budget", "not an amount above zero"),
    ({"test": {"min_spend_threshold": Decimal(-1)}}, TEST + "min_spend_threshold", "not an amount"),
    ({"test": {"min_spend_threshold": Decimal(51)}}, TEST + "min_spend_threshold", "no verdict could"),
    *[
        ({"budget": {"scaling_factor": Decimal(factor)}}, BUDGET + "scaling_factor", "between 1 and 10")
        for factor in ("0.9", "10.1", "NaN")
    ],
    (
        {"budget": {"daily_budget": Decimal(70), "max_daily_budget": Decimal(60)}},
        BUDGET + "daily_budget",
        "above max_daily_budget",
    ),
    ({"targeting": {"countries": ()}}, TARGET + "countries", "No country"),
    ({"targeting": {"countries": ("ES", "es")}}, TARGET + "countries[1]", "no ISO 3166 country code"),
    ({"targeting": {"countries": ("RU",)}}, TARGET + "countries[0]", "shows no ads in Russia"),
    ({"targeting": {"countries": ("ES", "ES")}}, TARGET + "countries", "named twice"),
    ({"targeting": {"age_min": 12}}, TARGET + "age_min", "ages 13 to 65, not 12"),
    ({"targeting": {"age_max": 66}}, TARGET + "age_max", "ages 13 to 65, not 66"),
    ({"targeting": {"age_min": 40, "age_max": 30}}, TARGET + "age_min", "above age_max"),
    ({"targeting": {"genders": ("women",)}}, TARGET + "genders[0]", "no gender Meta targets"),
    ({"targeting": {"placements": ("tiktok_feed",)}}, TARGET + "placements", "no known placement"),
    ({"targeting": {"placements": ("threads_feed",)}}, TARGET + "placements", "needs instagram_feed"),
    ({"special_ad_categories": ("CATS",)}, "special_ad_categories[0]", "no special ad category"),
    ({"call_to_actions": ("SHOP_NOW", "CLICK")}, "call_to_actions[1]", "no call to action"),
    # strategies need supplies
    ({"creative_ids": creative_ids(1)}, "creative_ids", "2 variants need 2 values here; 1 given"),
    ({"test": {"variants_count": 3}, "creative_ids": creative_ids(3)}, "headlines", "3 variants need 3"),
    ({"test": {**COPY, "variants_count": 3}}, "headlines", "3 variants need 3 values here; 2 given"),
    ({"test": {**FACTORS, "variants_count": 9}}, TEST + "variants_count", "give 8 combinations, not 9"),
    ({"test": PLACES}, TARGET + "placements", "2 variants need 2 placements"),
    # arms must differ
    (
        {"creative_ids": creative_ids(1) * 2, "headlines": ("A",), "primary_texts": ("T",)},
        TEST + "variants_count",
        "identical",
    ),
    ({"test": COPY, "headlines": ("A",), "primary_texts": ("T",)}, TEST + "variants_count", "identical"),
    (
        {"test": PLACES, "targeting": {"placements": ("instagram_feed", "instagram_feed")}},
        TEST + "variants_count",
        "identical",
    ),
    # in a placement split each placement stands alone
    (
        {"test": PLACES, "targeting": {"placements": ("facebook_feed", "facebook_marketplace")}},
        TARGET + "placements",
        "facebook_marketplace needs facebook_feed",
    ),
]


@pytest.mark.parametrize(("changes", "field", "reason"), WRONG_BY_ITSELF)
def test_what_is_wrong_with_a_request_is_said_with_field_reason_and_remedy(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    problems = check_request(asked(**changes))
    assert any(problem.field == field and reason in english(problem.reason) for problem in problems), problems
    assert all(problem.reason and problem.remedy for problem in problems)


SOUND: list[dict[str, Any]] = [
    {"campaign_name": "x" * 300},
    {"test": {"test_duration_hours": 1, "embargo_hours": 0}},
    {"test": {"test_duration_hours": 2160}},
    {"test": {"embargo_hours": 23}},
    {"test": {"settle_hours": 0}},
    {"test": {"statistical_significance_level": Decimal("0.999")}},
    {"test": {"min_spend_threshold": Decimal("50.0")}},
    {"budget": {"scaling_factor": Decimal(1)}},
    {"budget": {"daily_budget": Decimal(60), "max_daily_budget": Decimal(60)}},
    {"targeting": {"age_min": 65, "age_max": 65}},
    {"targeting": {"placements": ()}},
    {"targeting": {"genders": ("male", "female")}},
    {"headlines": ("One for all",)},
    {"test": {**COPY, "variants_count": 2}, "creative_ids": creative_ids(1)},
    {"test": {**FACTORS, "variants_count": 8}},
    {"test": PLACES, "targeting": {"placements": ("facebook_feed", "instagram_story")}},
    {"special_ad_categories": ("HOUSING",)},
    {"call_to_actions": ("SHOP_NOW", "LEARN_MORE")},
]


@pytest.mark.parametrize("changes", SOUND)
def test_what_is_just_within_the_rules_is_taken(changes: dict[str, Any]) -> None:
    assert check_request(asked(**changes)) == []


def test_every_problem_is_reported_and_not_only_the_first() -> None:
    problems = check_request(asked(campaign_name="", headlines=(), targeting={"countries": ()}))
    assert {"campaign_name", "headlines", TARGET + "countries"} <= set(fields(problems))


# --- against the account --------------------------------------------------------------------------


def test_too_small_a_total_is_refused_in_the_briefs_words() -> None:
    (problem,) = check_against_account(asked(budget={"total_budget": Decimal("99.99")}), ACCOUNT)
    assert english(problem.reason) == (
        "Insufficient budget: total_budget 99.99 EUR must be >= "
        "test_budget_per_variant * variants_count = 100.0 EUR"
    )
    assert (problem.field, problem.code) == (BUDGET + "total_budget", "insufficient_budget")


def test_a_total_that_just_covers_the_tests_is_taken() -> None:
    assert check_against_account(asked(budget={"total_budget": Decimal(100)}), ACCOUNT) == []


@pytest.mark.parametrize(
    ("currency", "amount", "wrong"),
    [("EUR", "500.001", True), ("EUR", "500.010", False), ("JPY", "500.5", True), ("JPY", "500.0", False)],
)
def test_an_amount_has_the_places_of_its_currency(currency: str, amount: str, *, wrong: bool) -> None:
    request = asked(budget={"total_budget": Decimal(amount)})
    problems = check_against_account(request, replace(ACCOUNT, currency=currency))
    assert [problem.code for problem in problems] == (["too_many_places"] if wrong else [])


def test_amounts_in_another_currency_are_refused() -> None:
    (problem,) = check_against_account(asked(budget={"currency": "USD"}), ACCOUNT)
    assert (problem.field, problem.code) == (BUDGET + "currency", "currency_mismatch")


def test_an_account_in_a_currency_that_meta_does_not_bill_in_is_refused() -> None:
    (problem,) = check_against_account(asked(), replace(ACCOUNT, currency="XXX"))
    assert (problem.field, problem.code) == ("meta_account_id", "currency_unknown")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "1e40", "-3"])
def test_an_amount_that_is_none_is_left_to_the_earlier_rule(amount: str) -> None:
    assert check_against_account(asked(budget={"total_budget": Decimal(amount)}), ACCOUNT) == []


@pytest.mark.parametrize("part", ["page_id", "link_url", "pixel_id", "conversion_event"])
def test_an_ad_for_sales_needs_all_its_parts(part: str) -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, **{part: None}))
    (problem,) = check_against_account(asked(), account)
    assert (problem.field, problem.code) == (f"ad.{part}", "missing")


@pytest.mark.parametrize("part", ["pixel_id", "conversion_event"])
def test_an_ad_for_traffic_needs_no_pixel(part: str) -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, **{part: None}))
    request = asked(objective="TRAFFIC", test={"winner_criteria": WinnerCriteria.CTR})
    assert check_against_account(request, account) == []


@pytest.mark.parametrize(
    "link", ["shop.example.com", "ftp://shop.example.com", "https://localhost", "https://shop example.com/"]
)
def test_a_link_must_be_a_web_address(link: str) -> None:
    (problem,) = check_against_account(asked(ad=AdDefaults(link_url=link)), ACCOUNT)
    assert problem.field == "ad.link_url"


@pytest.mark.parametrize("link", ["HTTPS://WWW.EXAMPLE.COM/Offer", "http://example.com"])
def test_a_web_address_is_one_in_capitals_too(link: str) -> None:
    assert check_against_account(asked(ad=AdDefaults(link_url=link)), ACCOUNT) == []


@pytest.mark.parametrize("link", ["https://192.0.2.7/offer", "https://co.uk/offer"])
def test_conversions_need_a_link_to_a_domain_that_somebody_owns(link: str) -> None:
    (problem,) = check_against_account(asked(ad=AdDefaults(link_url=link)), ACCOUNT)
    assert (problem.field, "by domain" in english(problem.reason)) == ("ad.link_url", True)


def test_a_link_must_not_be_too_long() -> None:
    link = "https://shop.example.com/" + "x" * 976
    assert fields(check_against_account(asked(ad=AdDefaults(link_url=link)), ACCOUNT)) == ["ad.link_url"]


def test_an_unknown_button_of_the_account_is_refused() -> None:
    problems = check_against_account(asked(ad=AdDefaults(call_to_action="CLICK")), ACCOUNT)
    assert fields(problems) == ["ad.call_to_action"]


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        ("APP_INSTALLS", "need an application id"),
        ("messages", "Messenger"),
        ("WORLD_PEACE", "is no campaign"),
    ],
)
def test_an_objective_that_cannot_be_created_is_refused_with_the_reason(objective: str, reason: str) -> None:
    (problem,) = check_against_account(asked(objective=objective), ACCOUNT)
    assert problem.field == "objective"
    assert reason in english(problem.reason)


@pytest.mark.parametrize("criterion", ["roas", "cpa", "cvr", "conversions", "revenue"])
def test_conversions_cannot_be_judged_without_an_objective_that_counts_them(criterion: str) -> None:
    request = asked(objective="TRAFFIC", test={"winner_criteria": WinnerCriteria(criterion)})
    assert fields(check_against_account(request, ACCOUNT)) == [TEST + "winner_criteria"]


def test_the_requests_own_ad_settings_come_before_the_accounts() -> None:
    ad = effective_ad(asked(ad=AdDefaults(page_id="77")), ACCOUNT)
    assert (ad.page_id, ad.pixel_id) == ("77", "2001")


# --- against Meta ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [2, 3, 7, 100, 101])
def test_a_blocked_account_is_refused(status: int) -> None:
    (problem,) = check_against_meta(asked(), ACCOUNT, replace(FACTS, status=status), MINIMUMS)
    assert (problem.field, problem.code) == ("meta_account_id", "account_blocked")


@pytest.mark.parametrize("status", [1, 8, 9])
def test_an_account_that_delivers_is_taken(status: int) -> None:
    assert check_against_meta(asked(), ACCOUNT, replace(FACTS, status=status), MINIMUMS) == []


def test_an_account_that_meta_bills_in_another_currency_is_refused_and_not_compared() -> None:
    minimums = replace(MINIMUMS, low_frequency=Money(1, "USD"))
    (problem,) = check_against_meta(asked(), ACCOUNT, replace(FACTS, currency="USD"), minimums)
    assert problem.code == "currency_mismatch"


@pytest.mark.parametrize(
    ("hours", "budget", "wrong"), [(24, "40", False), (24, "39.99", True), (25, "79.99", True)]
)
def test_a_test_budget_must_reach_metas_minimum_for_each_day_begun(
    hours: int, budget: str, *, wrong: bool
) -> None:
    request = asked(test={"test_budget_per_variant": Decimal(budget), "test_duration_hours": hours})
    problems = check_against_meta(request, ACCOUNT, FACTS, MINIMUMS)
    assert [problem.code for problem in problems] == (["below_minimum"] if wrong else [])


@pytest.mark.parametrize("field", ["daily_budget", "max_daily_budget"])
def test_a_daily_budget_must_reach_metas_minimum(field: str) -> None:
    problems = check_against_meta(asked(budget={field: Decimal("39.99")}), ACCOUNT, FACTS, MINIMUMS)
    assert fields(problems) == [BUDGET + field]


@pytest.mark.parametrize("part", ["dsa_beneficiary", "dsa_payor"])
def test_ads_in_the_european_union_name_who_benefits_and_who_pays(part: str) -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, **{part: None}))
    (problem,) = check_against_meta(asked(), account, FACTS, MINIMUMS)
    assert (problem.field, problem.code) == (f"ad.{part}", "missing")


def test_metas_own_default_is_enough_transparency() -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, dsa_payor=None, dsa_beneficiary=None))
    facts = replace(FACTS, default_dsa_payor="Shop", default_dsa_beneficiary="Shop")
    assert check_against_meta(asked(), account, facts, MINIMUMS) == []


def test_ads_outside_the_european_union_need_no_transparency() -> None:
    account = replace(ACCOUNT, defaults=replace(DEFAULTS, dsa_payor=None))
    request = asked(targeting={"countries": ("PE", "GB")})
    assert check_against_meta(request, account, FACTS, MINIMUMS) == []


def test_a_beneficiary_too_long_for_meta_is_refused() -> None:
    request = asked(ad=AdDefaults(dsa_beneficiary="x" * 513))
    assert fields(check_against_meta(request, ACCOUNT, FACTS, MINIMUMS)) == ["ad.dsa_beneficiary"]


@pytest.mark.parametrize("frequency", list(Frequency))
def test_every_frequency_has_a_minimum(frequency: Frequency) -> None:
    assert smallest_daily(MINIMUMS, frequency).minor > 0


@pytest.mark.parametrize(("hours", "days"), [(1, 1), (24, 1), (25, 2), (48, 2), (168, 7)])
def test_a_lifetime_budget_covers_every_day_begun(hours: int, days: int) -> None:
    assert smallest_lifetime(Money(4000, "EUR"), hours) == Money(4000 * days, "EUR")


# --- whatever is sent -----------------------------------------------------------------------------

ANY_AMOUNT = st.decimals(allow_nan=True, allow_infinity=True)
ANY_REQUEST = st.builds(
    asked,
    test=st.fixed_dictionaries(
        {
            "strategy": st.sampled_from(Strategy),
            "variants_count": st.integers(-3, 14),
            "test_budget_per_variant": ANY_AMOUNT,
            "test_duration_hours": st.integers(-5, 5000),
            "embargo_hours": st.integers(-5, 5000),
            "min_spend_threshold": st.none() | ANY_AMOUNT,
            "statistical_significance_level": ANY_AMOUNT,
        }
    ),
    budget=st.fixed_dictionaries(
        {"total_budget": ANY_AMOUNT, "scaling_factor": ANY_AMOUNT, "daily_budget": st.none() | ANY_AMOUNT}
    ),
    creative_ids=st.integers(0, 4).map(creative_ids),
    headlines=st.lists(st.text(max_size=3), max_size=4).map(tuple),
    primary_texts=st.lists(st.text(max_size=3), max_size=4).map(tuple),
)


@given(ANY_REQUEST)
def test_no_request_however_odd_makes_the_checks_stumble(request: RunRequest) -> None:
    problems = check_request(request) + check_against_account(request, ACCOUNT)
    assert all(problem.field and problem.reason and problem.remedy for problem in problems)
    if not problems:
        check_against_meta(request, ACCOUNT, FACTS, MINIMUMS)


# --- special ad categories --------------------------------------------------------------------------

EQUAL = ("CREDIT", "EMPLOYMENT", "FINANCIAL_PRODUCTS_SERVICES", "HOUSING")


@pytest.mark.parametrize("category", EQUAL)
@pytest.mark.parametrize(
    ("targeting", "field"),
    [
        ({"age_min": 25}, "age_min"),
        ({"age_min": 13}, "age_min"),
        ({"age_max": 64}, "age_max"),
        ({"genders": ("female",)}, "genders"),
    ],
)
def test_nobody_is_left_out_of_an_ad_for_housing_work_or_money(
    category: str, targeting: dict[str, Any], field: str
) -> None:
    (problem,) = check_request(asked(special_ad_categories=(category,), targeting=targeting))
    assert (problem.field, problem.code) == (TARGET + field, "forbidden_by_category")
    assert category in english(problem.reason)


@pytest.mark.parametrize("category", EQUAL)
def test_an_ad_for_everybody_is_taken_in_any_category(category: str) -> None:
    everybody = {"age_min": 18, "age_max": 65, "genders": ("male", "female")}
    assert check_request(asked(special_ad_categories=(category,), targeting=everybody)) == []


def test_no_category_and_one_exclude_each_other() -> None:
    (problem,) = check_request(asked(special_ad_categories=("NONE", "HOUSING")))
    assert problem.field == "special_ad_categories"


# --- the account's own limit ------------------------------------------------------------------------


def test_a_test_that_the_accounts_limit_at_meta_would_stop_is_refused() -> None:
    facts = replace(FACTS, spend_cap=Money(13_000, "EUR"), amount_spent=Money(10_000, "EUR"))
    (problem,) = check_against_meta(asked(), ACCOUNT, facts, MINIMUMS)
    assert (problem.field, problem.code) == ("meta_account_id", "account_limit")
    assert "leaves 30.00 EUR; this test is to spend 100.00 EUR" in english(problem.reason)


@pytest.mark.parametrize("cap", [None, Money(20_000, "EUR")])
def test_an_account_whose_limit_leaves_enough_is_taken(cap: Money | None) -> None:
    facts = replace(FACTS, spend_cap=cap, amount_spent=Money(10_000, "EUR"))
    assert check_against_meta(asked(), ACCOUNT, facts, MINIMUMS) == []


# --- combinations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "remedy"), [(2, "Ask for 4 variants"), (3, "Ask for 4 variants")])
def test_a_part_of_the_combinations_is_refused_for_it_would_mix_their_effects(
    wanted: int, remedy: str
) -> None:
    request = asked(test={**FACTORS, "variants_count": wanted}, primary_texts=("Text",))
    (problem,) = check_request(request)
    assert (problem.field, problem.code) == (TEST + "variants_count", "too_many_combinations")
    assert remedy in english(problem.remedy)


def test_more_combinations_than_a_test_can_have_are_to_be_reduced() -> None:
    headlines = tuple(f"Headline {number}" for number in range(6))
    (problem,) = check_request(
        asked(test={**FACTORS, "variants_count": 10}, headlines=headlines, primary_texts=("T",))
    )
    assert "at most 10 combinations" in english(problem.remedy)


def test_all_combinations_are_taken() -> None:
    assert check_request(asked(test={**FACTORS, "variants_count": 8})) == []
