"""Which of Meta's rules the simulator keeps, each with the test that shows it, and which it does not, and why.

Sections are those of the product's own notes on the API: campaigns, ad sets, creatives, ads, media, labels,
studies, status, account, batches, limits, insights, logging in, wire.
"""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# rule -> file and test that shows it
KEPT = {
    "campaign: name, objective and special categories are required": "test_rules.py::test_campaign_rules",
    "campaign: legacy objectives are closed": "test_rules.py::test_campaign_rules",
    "campaign: special categories need countries": "test_rules.py::test_campaign_rules",
    "campaign: the sharing flag must be chosen, with its own refusals": "test_rules.py::test_campaign_rules",
    "campaign: sharing cannot be switched on later": (
        "test_rules_more.py::test_budget_sharing_cannot_be_switched_on_later"
    ),
    "campaign: the bid strategy is fixed while sharing": (
        "test_rules_more.py::test_the_bid_strategy_is_fixed_while_budgets_are_shared"
    ),
    "campaign: ad sets that share are alike": (
        "test_rules_more.py::test_ad_sets_that_share_budgets_are_alike"
    ),
    "campaign: reserved buying and automated shopping are closed": (
        "test_server_defaults.py::test_campaigns_of_other_kinds_are_refused"
    ),
    "campaign: a budget without a strategy caps bids (1815857)": (
        "test_server_defaults.py::test_a_campaign_budget_without_a_strategy_caps_bids"
    ),
    "campaign: special categories bind the targeting": (
        "test_stricter.py::test_special_categories_bind_the_targeting"
    ),
    "campaign: NONE goes with no other category": "test_stricter.py::test_none_goes_with_no_other_category",
    "campaign: objective and categories change": (
        "test_client_writes.py::test_categories_and_objective_of_a_campaign_change"
    ),
    "ad set: an explicit bid strategy (2490487)": (
        "test_server_defaults.py::test_an_ad_set_names_its_bid_strategy"
    ),
    "ad set: countries with rules of their own": "test_stricter.py::test_countries_with_rules_of_their_own",
    "ad set: frequency caps, hours, pacing, minimum ROAS": (
        "test_stricter.py::test_when_and_how_often_an_ad_set_may_not_deliver"
    ),
    "ad set: countries exist": "test_stricter.py::test_a_country_that_is_none_or_closed_is_refused",
    "creative: keys, links, cards": "test_stricter.py::test_a_creative_that_cannot_be_shown_is_refused",
    "creative: features exist": "test_stricter.py::test_features_that_are_none_are_refused",
    "creative: posts exist": "test_stricter.py::test_a_post_must_exist",
    "creative: in use": "test_server_defaults.py::test_a_creative_in_use_cannot_be_deleted",
    "ad: the conversion domain is registrable": (
        "test_stricter.py::test_a_conversion_domain_is_one_that_somebody_registers"
    ),
    "wire: the proof of the app's secret": "test_server_defaults.py::test_a_proof_that_is_none_is_refused",
    "wire: parameters without effect are refused": (
        "test_client_writes.py::test_what_has_no_effect_is_refused"
    ),
    "campaign: budgets on one level": "test_rules.py::test_budgets_live_on_one_level_only",
    "campaign: spend cap has a minimum": "test_rules.py::test_campaign_rules",
    "campaign: spend cap not under what was spent": (
        "test_rules_more.py::test_a_spend_cap_cannot_fall_under_what_was_spent"
    ),
    "campaign: spend cap removed by its number": (
        "test_rules_more.py::test_a_spend_cap_is_taken_away_by_its_own_number"
    ),
    "campaign: updated_time is not moved by budgets": (
        "test_rules_more.py::test_the_campaigns_updated_time_is_not_moved_by_budgets"
    ),
    "campaign: above seventy ad sets the bid strategy is locked": (
        "test_object_limits.py::test_a_campaign_budget_of_very_many_ad_sets_keeps_its_bid_strategy"
    ),
    "campaign: large copies are asynchronous": (
        "test_async_requests.py::test_a_large_copy_is_made_in_a_session"
    ),
    "ad set: goal, billing, promoted object, pixel": "test_rules.py::test_adset_rules",
    "ad set: a budget, an end with a lifetime budget": "test_rules.py::test_adset_rules",
    "ad set: a daily budget with an end runs over 24 hours": "test_rules.py::test_adset_rules",
    "ad set: the end is ahead": "test_rules.py::test_adset_rules",
    "ad set: budget minima": "test_rules.py::test_adset_rules",
    "ad set: bids and their floors": "test_rules_more.py::test_a_bid_cap_asks_for_five_times_itself",
    "ad set: lowering stays above 110 % of what was spent": (
        "test_rules.py::test_a_budget_cannot_fall_under_what_was_spent"
    ),
    "ad set: four budget edits an hour": (
        "test_rules.py::test_a_fifth_budget_change_within_an_hour_is_refused"
    ),
    "ad set: advantage audience flag on creation": "test_rules.py::test_adset_rules",
    "ad set: the flag is not demanded of changes": (
        "test_rules_more.py::test_the_audience_flag_is_demanded_of_new_ad_sets_only"
    ),
    "ad set: special categories demand the flag": (
        "test_rules_more.py::test_special_categories_demand_the_audience_flag"
    ),
    "ad set: relaxed ages": "test_rules_more.py::test_a_relaxed_audience_starts_at_25_at_most",
    "ad set: location types, removed placements": "test_rules.py::test_adset_rules",
    "ad set: placements that go together": "test_rules.py::test_placements_that_do_not_go_together",
    "ad set: EU transparency": "test_rules.py::test_eu_targeting_must_say_who_is_behind_it",
    "ad set: attribution windows": "test_rules.py::test_adset_rules",
    "ad set: immutable parts": "test_rules_more.py::test_what_an_ad_set_never_changes",
    "ad set: whole-unit currencies": (
        "test_rules_more.py::test_a_currency_without_hundredths_counts_in_whole_units"
    ),
    "ad set: learning and significant edits": (
        "test_object_limits.py::test_a_significant_edit_begins_learning_anew"
    ),
    "creative: page, Instagram user, old field": "test_rules.py::test_creative_identity_rules",
    "creative: link, image, call to action": "test_rules.py::test_creative_link_rules",
    "creative: equal content is one creative": (
        "test_rules.py::test_equal_content_is_one_creative_whatever_its_name"
    ),
    "creative: immutable": "test_rules.py::test_a_creative_never_changes_its_content",
    "creative: bundled enhancements": "test_rules.py::test_bundled_enhancements_are_refused",
    "creative: enrolment of features": "test_rules_more.py::test_a_creative_feature_says_in_or_out",
    "creative: app stores": "test_rules_more.py::test_an_app_store_is_linked_by_app_campaigns_only",
    "ad: paid clicks need a call to action": (
        "test_rules_more.py::test_paying_for_clicks_needs_a_call_to_action"
    ),
    "ad: asset feeds need dynamic ad sets": ("test_rules_more.py::test_an_asset_feed_needs_a_dynamic_ad_set"),
    "ad: ended ad sets are closed": "test_rules.py::test_an_ended_ad_set_takes_no_ads",
    "ad: fifty in an ad set": "test_rules.py::test_an_ad_set_takes_fifty_ads",
    "ad: validate_only": "test_rules.py::test_validate_only_checks_and_creates_nothing",
    "labels: replace, add, take away, query": (
        "test_labels.py::test_posting_to_the_edge_adds_while_updating_replaces"
    ),
    "labels: fifty to an object": "test_labels.py::test_an_object_carries_at_most_fifty_labels",
    "studies: cells, shares, members, times": "test_studies.py::test_study_rules",
    "studies: only the end and new objects after the start": (
        "test_study_growth.py::test_objects_join_a_cell_of_a_running_study"
    ),
    "studies: creative tests": "test_study_growth.py::test_creative_test_rules",
    "campaign: switching campaign budgets on and off by adset_budgets": (
        "test_budget_levels.py::test_every_ad_set_must_be_named"
    ),
    "campaign: a budget under the sum of its ad sets' minima (2238055)": (
        "test_budget_levels.py::test_a_campaigns_budget_suffices_for_all_its_ad_sets"
    ),
    "studies: a hundred at once": (
        "test_study_growth.py::test_only_studies_that_are_not_over_count_towards_the_hundred"
    ),
    "status: deleted and archived things": "test_rules.py::test_only_the_name_of_deleted_things_changes",
    "status: archived ads": "test_rules_more.py::test_only_the_name_of_archived_ads_changes",
    "status: deleted things are not listed": ("test_rules_more.py::test_deleted_things_cannot_be_asked_for"),
    "account: disabled accounts refuse writes": (
        "test_rules.py::test_a_disabled_account_refuses_writes_but_can_be_read"
    ),
    "account: ten changes of the spending limit": (
        "test_rules_more.py::test_the_accounts_spending_limit_changes_ten_times_a_day"
    ),
    "account: object limits": "test_object_limits.py::test_an_account_holds_so_many_campaigns",
    "batch: one ad set of a campaign": (
        "test_async_requests.py::test_a_batch_writes_one_ad_set_of_a_campaign"
    ),
    "limits: score, quotas, platform, changes": "test_rate_limits.py::test_an_hours_quota_can_be_used_up",
    "logging in: codes once, secret, tokens that end": "test_login_grants.py::test_a_code_is_good_once",
    "wire: removed parameters": "test_rules_more.py::test_parameters_that_were_removed_are_errors",
    "wire: many ids at once": "test_rules_more.py::test_reading_many_ids_at_once_is_gone",
    "wire: refusals say what a person is shown": (
        "test_rules_more.py::test_a_refusal_says_what_a_person_is_shown"
    ),
}

# rule -> why the simulator does not keep it
NOT_KEPT = {
    "ad set: overlapping places (1487756), bad interests (1487079)": "there is no map and no list of interests",
    "ad set: doubled minima in rich countries": "the account's own table of minima is read instead",
    "ad set: custom audiences and their terms (1870034, 1870090)": "there are no custom audiences",
    "creative: page mismatch, posts that are gone (1885029, 1885557, 2446289)": "posts have no fate of their own",
    "creative: apps in development mode (1885183)": "the simulated app is live; a fault can answer so",
    "ad: creation against spend (613/1487225)": "the threshold is not known; a fault can answer so",
    "ad: deleting dynamic ads (1340029), political ads (2708008)": "neither dynamic delivery nor politics exist",
    "account: identity steps (31/3858385), blocks (368, 1404163)": "Meta decides these; faults answer so",
    "insights: data that are too large (1487534, 1504018)": "worlds are small; faults answer so",
}


@pytest.mark.parametrize("rule", KEPT)
def test_the_named_test_exists(rule: str) -> None:
    name, _, test = KEPT[rule].partition("::")
    text = (HERE / name).read_text("utf-8")
    assert re.search(rf"^def {test}\(", text, re.MULTILINE), KEPT[rule]


@pytest.mark.parametrize("rule", NOT_KEPT)
def test_a_rule_that_is_not_kept_has_its_reason(rule: str) -> None:
    assert len(NOT_KEPT[rule].split()) > 3


def test_no_rule_is_both_kept_and_not() -> None:
    assert not set(KEPT) & set(NOT_KEPT)
