"""The plan: the same list every time, all PAUSED, each thing after what it needs, and no more money than was agreed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.amounts import Money
from autopublisher.domain.journal.naming import NAME_LIMIT, token_in
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec
from autopublisher.domain.request.request import RunRequest, Strategy
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.optimizer import BudgetMessage, FinalBudget
from autopublisher.domain.runs.plan import final_plan, objective_of, plan_digest, total_of
from autopublisher.domain.runs.plan import test_plan as plan_of_test
from unit.domain.samples import DEFAULTS, NOW, asked, by_key, creative_ids, run_of

ENDS = NOW + timedelta(hours=24)
CAPPED = FinalBudget(
    Money(40_000, "EUR"),
    Money(10_000, "EUR"),
    Money(40_000, "EUR"),
    NOW,
    NOW + timedelta(days=4),
    BudgetMessage.BY_LIMITS(),
)
LIFETIME = FinalBudget(
    Money(6000, "EUR"), None, None, NOW, NOW + timedelta(days=1), BudgetMessage.BY_LIMITS()
)


def request_for(**changes: Any) -> RunRequest:
    return asked(**{"ad": DEFAULTS, **changes})


def specs_of(request: RunRequest | None = None) -> tuple[OperationSpec, ...]:
    run = run_of(request or request_for())
    variants = build_variants(run.id, run.request)
    images = {one: f"creatives/{one}" for one in run.request.creative_ids}
    return plan_of_test(run, variants, images, NOW, ENDS)


def final_specs(budget: FinalBudget = CAPPED, request: RunRequest | None = None) -> tuple[OperationSpec, ...]:
    run = run_of(request or request_for())
    return final_plan(run, build_variants(run.id, run.request)[1], budget)


def params_of(key: str, request: RunRequest | None = None) -> dict[str, Any]:
    return dict(by_key(specs_of(request))[key].params)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"$id"}:
            yield value["$id"]
        else:
            for inner in value.values():
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


TEN_ARMS = request_for(
    test={"strategy": Strategy.COPY_SPLIT, "variants_count": 10},
    headlines=tuple(f"Headline {number}" for number in range(10)),
    primary_texts=("Text",),
    budget={"total_budget": Decimal(500)},
)
REQUESTS = [
    request_for(),
    TEN_ARMS,
    request_for(test={"strategy": Strategy.FACTORIAL, "variants_count": 8}),
    request_for(objective="TRAFFIC"),
]


# --- shape ----------------------------------------------------------------------------------------


def test_a_plan_uploads_the_images_and_then_builds_arm_by_arm() -> None:
    assert [one.key for one in specs_of()] == [
        "image/creative-0",
        "image/creative-1",
        "test/a/campaign",
        "test/a/adset",
        "test/a/creative",
        "test/a/ad",
        "test/b/campaign",
        "test/b/adset",
        "test/b/creative",
        "test/b/ad",
    ]


def test_an_image_that_several_arms_share_is_uploaded_once() -> None:
    uploads = [one.key for one in specs_of(TEN_ARMS) if one.action is Action.UPLOAD]
    assert uploads == ["image/creative-0"]


@pytest.mark.parametrize("request_", REQUESTS)
def test_every_object_that_has_a_status_is_born_paused(request_: RunRequest) -> None:
    specs = [*specs_of(request_), *final_specs(request=request_)]
    tree = [one for one in specs if one.kind in {ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD}]
    assert {one.params["status"] for one in tree} == {"PAUSED"}


@pytest.mark.parametrize("request_", REQUESTS)
def test_everything_comes_after_what_it_refers_to(request_: RunRequest) -> None:
    known: set[str] = set()
    for one in [*specs_of(request_), *final_specs(request=request_)]:
        assert set(references(dict(one.params))) <= known
        known.add(one.key)


@pytest.mark.parametrize("request_", REQUESTS)
def test_no_key_and_no_token_comes_twice(request_: RunRequest) -> None:
    specs = [*specs_of(request_), *final_specs(request=request_)]
    tokens = [one.token for one in specs if one.token is not None]
    assert len({one.key for one in specs}) == len(specs)
    assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize("name", ["Test Campaign", "x" * 300])
def test_every_created_object_carries_its_token_within_metas_limit(name: str) -> None:
    request = request_for(campaign_name=name)
    for one in [*specs_of(request), *final_specs(request=request)]:
        if one.action is Action.CREATE:
            assert token_in(one.params["name"]) == one.token
            assert len(one.params["name"]) <= NAME_LIMIT


# --- digest ---------------------------------------------------------------------------------------


def test_the_same_plan_has_the_same_digest() -> None:
    assert plan_digest(specs_of()) == plan_digest(specs_of())


def test_a_digest_is_the_same_in_every_version() -> None:
    one = OperationSpec("test/a/ad", Action.CREATE, ObjectKind.AD, {"b": 1, "a": {"$id": "x"}})
    assert plan_digest([one]) == plan_digest([replace(one, params={"a": {"$id": "x"}, "b": 1})])
    assert plan_digest([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


@pytest.mark.parametrize(
    "other",
    [
        request_for(headlines=("Headline A", "Headline C")),
        request_for(test={"test_budget_per_variant": Decimal("50.01")}),
        request_for(targeting={"countries": ("ES",)}),
        request_for(creative_ids=creative_ids(3)[1:]),
        request_for(campaign_name="Another"),
    ],
)
def test_another_plan_has_another_digest(other: RunRequest) -> None:
    assert plan_digest(specs_of(other)) != plan_digest(specs_of())


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_arms_reserve_their_budgets_and_nothing_else_does(request_: RunRequest) -> None:
    reserves = [one.reserves for one in specs_of(request_) if one.reserves]
    assert reserves == [5000] * request_.ab_test_config.variants_count


def test_an_arm_has_its_test_budget_as_a_lifetime_budget_between_start_and_end() -> None:
    params = params_of("test/a/adset")
    assert params["lifetime_budget"] == 5000
    assert (params["start_time"], params["end_time"]) == (NOW.isoformat(), ENDS.isoformat())
    assert "daily_budget" not in params


def test_a_budget_in_a_currency_without_cents_is_in_whole_units() -> None:
    run = run_of(request_for(test={"test_budget_per_variant": Decimal(5000)}), currency="JPY")
    images = dict.fromkeys(run.request.creative_ids, "key")
    specs = by_key(plan_of_test(run, build_variants(run.id, run.request), images, NOW, ENDS))
    assert specs["test/a/adset"].params["lifetime_budget"] == 5000


def test_no_campaign_of_the_test_has_a_budget_of_its_own_or_shares_one() -> None:
    params = params_of("test/a/campaign")
    assert params["is_adset_budget_sharing_enabled"] is False
    assert not {"daily_budget", "lifetime_budget", "spend_cap"} & set(params)


def test_the_final_campaign_is_capped_at_what_is_left() -> None:
    specs = by_key(final_specs())
    assert specs["final/campaign"].params["spend_cap"] == 40_000
    assert specs["final/adset"].params["daily_budget"] == 10_000
    assert "lifetime_budget" not in specs["final/adset"].params
    assert [one.reserves for one in specs.values()] == [0, 40_000, 0]


def test_where_meta_takes_no_cap_so_low_the_lifetime_budget_is_the_cap() -> None:
    specs = by_key(final_specs(LIFETIME))
    assert "spend_cap" not in specs["final/campaign"].params
    assert specs["final/adset"].params["lifetime_budget"] == 6000
    assert "daily_budget" not in specs["final/adset"].params
    assert specs["final/adset"].reserves == 6000


@pytest.mark.parametrize("budget", [CAPPED, LIFETIME])
def test_the_final_ad_set_always_ends(budget: FinalBudget) -> None:
    assert by_key(final_specs(budget))["final/adset"].params["end_time"] == budget.ends_at.isoformat()


def test_the_total_is_the_requests_total() -> None:
    assert total_of(run_of()) == Money(50_000, "EUR")


# --- what is shown, and to whom -------------------------------------------------------------------


def test_the_final_ad_shows_the_winners_own_creative() -> None:
    final = by_key(final_specs())
    assert final["final/ad"].params["creative"] == {"creative_id": {"$id": "test/b/creative"}}
    assert "Final (B)" in final["final/ad"].params["name"]


def test_arms_differ_in_what_is_tested_and_in_nothing_else() -> None:
    ours = [params_of(f"test/{letter}/adset") for letter in "ab"]
    for one in ours:
        del one["name"], one["campaign_id"]
    assert ours[0] == ours[1]


def test_a_creative_shows_the_variants_words_and_image() -> None:
    link = params_of("test/b/creative")["object_story_spec"]["link_data"]
    assert (link["name"], link["message"]) == ("Headline B", "Text B")
    assert link["image_hash"] == {"$id": "image/creative-1"}
    assert link["call_to_action"] == {"type": "SHOP_NOW", "value": {"link": DEFAULTS.link_url}}


def test_meta_is_told_to_change_nothing_about_a_creative() -> None:
    params = params_of("test/a/creative")
    features = params["degrees_of_freedom_spec"]["creative_features_spec"]
    assert features
    assert all(feature == {"enroll_status": "OPT_OUT"} for feature in features.values())
    assert params["contextual_multi_ads"] == {"enroll_status": "OPT_OUT"}


def test_audience_expansion_is_off_so_that_all_arms_ask_for_the_same_people() -> None:
    assert params_of("test/a/adset")["targeting"] == {
        "geo_locations": {"countries": ["ES", "PE"]},
        "age_min": 18,
        "age_max": 65,
        "targeting_automation": {"advantage_audience": 0},
        "publisher_platforms": ["instagram"],
        "instagram_positions": ["stream"],
    }


@pytest.mark.parametrize(
    ("genders", "numbers"), [(("female",), [2]), (("female", "male"), [1, 2]), (("male",), [1])]
)
def test_genders_are_metas_numbers(genders: tuple[str, ...], numbers: list[int]) -> None:
    params = params_of("test/a/adset", request_for(targeting={"genders": genders}))
    assert params["targeting"]["genders"] == numbers


def test_the_european_union_is_told_who_benefits_and_who_pays() -> None:
    params = params_of("test/a/adset")
    assert (params["dsa_beneficiary"], params["dsa_payor"]) == ("Shop", "Shop")


def test_what_an_account_does_not_say_is_left_to_metas_default() -> None:
    ad = replace(DEFAULTS, dsa_beneficiary=None, dsa_payor=None, instagram_user_id=None, call_to_action=None)
    specs = by_key(specs_of(request_for(ad=ad)))
    assert not {"dsa_beneficiary", "dsa_payor"} & set(specs["test/a/adset"].params)
    story = specs["test/a/creative"].params["object_story_spec"]
    assert "instagram_user_id" not in story
    assert "call_to_action" not in story["link_data"]


def test_sales_are_promoted_and_tracked_by_the_pixel() -> None:
    assert params_of("test/a/adset")["promoted_object"] == {
        "pixel_id": "2001",
        "custom_event_type": "PURCHASE",
    }
    ad = params_of("test/a/ad")
    assert ad["tracking_specs"] == [{"action.type": ["offsite_conversion"], "fb_pixel": ["2001"]}]
    assert ad["conversion_domain"] == "example.com"


def test_traffic_needs_no_pixel() -> None:
    request = request_for(objective="TRAFFIC", ad=AdDefaults(page_id="1", link_url="https://a.example.com"))
    assert "promoted_object" not in params_of("test/a/adset", request)
    assert "tracking_specs" not in params_of("test/a/ad", request)


def test_awareness_promotes_the_page() -> None:
    params = params_of("test/a/adset", request_for(objective="OUTCOME_AWARENESS"))
    assert params["promoted_object"] == {"page_id": "1001"}


def test_a_campaign_has_todays_objective_and_its_special_categories() -> None:
    params = params_of("test/a/campaign", request_for(special_ad_categories=("HOUSING",)))
    assert (params["objective"], params["special_ad_categories"]) == ("OUTCOME_SALES", ["HOUSING"])


def test_an_objective_that_passed_no_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot be mapped"):
        objective_of(request_for(objective="WORLD_PEACE"))


@pytest.mark.parametrize("categories", [("HOUSING",), ("CREDIT", "EMPLOYMENT")])
def test_a_special_category_is_sent_with_the_countries_it_applies_to(categories: tuple[str, ...]) -> None:
    request = request_for(special_ad_categories=categories, targeting={"countries": ("US", "CA")})
    for params in (params_of("test/a/campaign", request), final_specs(request=request)[0].params):
        assert params["special_ad_categories"] == list(categories)
        assert params["special_ad_category_country"] == ["CA", "US"]


@pytest.mark.parametrize("categories", [(), ("NONE",)])
def test_an_ordinary_campaign_names_no_countries_of_a_category(categories: tuple[str, ...]) -> None:
    request = request_for(special_ad_categories=categories)
    assert "special_ad_category_country" not in params_of("test/a/campaign", request)
