"""The simulator's parameters, enumerations and fields beside those of the installed SDK and of Meta's pages."""

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adasyncrequest import AdAsyncRequest
from facebook_business.adobjects.adasyncrequestset import AdAsyncRequestSet
from facebook_business.adobjects.adimage import AdImage
from facebook_business.adobjects.adlabel import AdLabel
from facebook_business.adobjects.adpromotedobject import AdPromotedObject
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adrule import AdRule
from facebook_business.adobjects.adruleevaluationspec import AdRuleEvaluationSpec
from facebook_business.adobjects.adruleexecutionspec import AdRuleExecutionSpec
from facebook_business.adobjects.adrulefilters import AdRuleFilters
from facebook_business.adobjects.adrulehistory import AdRuleHistory
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.adstudy import AdStudy
from facebook_business.adobjects.adstudycell import AdStudyCell
from facebook_business.adobjects.business import Business
from facebook_business.adobjects.campaign import Campaign

from metasim import SimulatorConfig, facts
from metasim.graph import (
    ad_rules,
    ads,
    adsets,
    async_requests,
    attribution_windows,
    breakdowns,
    campaigns,
    catalogue,
    copies,
    creatives,
    insights,
    periods,
    rule_engine,
    rule_specs,
    studies,
)
from metasim.graph.unsupported_parameters import UNSERVED
from metasim.graph.wire import Call, Params
from metasim.testing import ACCOUNT, Advertiser, story

REFERENCE = Path(__file__).parents[3] / "shared/reference/meta-facts.json"

# on Meta's pages, yet not in the SDK
BEYOND_SDK = {
    "goals": {"TWO_SECOND_CONTINUOUS_VIDEO_VIEWS"},
    "billing": {"TWO_SECOND_CONTINUOUS_VIDEO_VIEWS"},
    "destinations": {"PHONE_CALL", "LEAD_FROM_MESSENGER", "LEAD_FROM_IG_DIRECT"},
    "studies": {"SPLIT_TEST_V2"},
    "windows": set[str](),
    "breakdowns": {"user_segment_key"},
}
STATEMENTS = {
    *("is_sac_cfca_terms_certified", "execution_options", "date_format"),
    *("ui_creation_source", "recommended_rule_key", "account_id"),
}  # said, and nothing more
PROTOCOL = {
    "appsecret_proof",
    "fields",
    "execution_options",
    "adlabels",
    "instagram_actor_id",
    "type",
    "limit",
    "after",
    "before",
}


def words(kind: Any) -> set[str]:
    return {str(value) for name, value in vars(kind).items() if not name.startswith("_")}


def parameters(method: Callable[..., Any]) -> set[str]:
    found = re.search(r"param_types = \{(.*?)\n        \}", inspect.getsource(method), re.DOTALL)
    return set(re.findall(r"'(\w+)':", found[1])) if found else set()


FIELDS = [
    (catalogue.IMAGE, AdImage),
    (catalogue.LABEL, AdLabel),
    (catalogue.STUDY, AdStudy),
    (catalogue.STUDY_CELL, AdStudyCell),
    (catalogue.ASYNC_SET, AdAsyncRequestSet),
    (catalogue.ASYNC_REQUEST, AdAsyncRequest),
    (catalogue.RULE, AdRule),
    (catalogue.REPORT_RUN, AdReportRun),
]


@pytest.mark.parametrize(("known", "kind"), FIELDS)
def test_no_field_is_known_that_the_sdk_does_not_know(known: frozenset[str], kind: Any) -> None:
    assert known <= words(kind.Field)


ENUMERATIONS: list[tuple[str, set[str], set[str]]] = [
    (
        "objectives",
        {*facts.CREATABLE_OBJECTIVES, *facts.LEGACY_OBJECTIVES},
        words(Campaign.Objective),
    ),
    ("bid strategies", set(facts.BID_STRATEGIES), words(AdSet.BidStrategy)),
    ("special categories", set(facts.SPECIAL_CATEGORIES), words(Campaign.SpecialAdCategories)),
    ("events", set(facts.CUSTOM_EVENTS), words(AdPromotedObject.CustomEventType)),
    ("copy statuses", set(copies.STATUS_OPTIONS), words(Campaign.StatusOption)),
    ("levels", set(insights.LEVELS), words(AdsInsights.Level)),
    ("presets", set(periods.PRESETS), words(AdsInsights.DatePreset)),
    ("rule statuses", set(ad_rules.UPDATES) | {"HAS_ISSUES"}, words(AdRule.Status)),
    ("notification modes", set(async_requests.MODES), words(AdAsyncRequestSet.NotificationMode)),
]


@pytest.mark.parametrize(("what", "ours", "theirs"), ENUMERATIONS)
def test_enumerations_are_the_sdks(what: str, ours: set[str], theirs: set[str]) -> None:
    assert ours == theirs, what


PARTS: list[tuple[str, set[str], set[str]]] = [
    ("goals", {goal for row in facts.GOAL_ROWS for goal in row.goals}, words(AdSet.OptimizationGoal)),
    ("billing", set(facts.BILLED_ON_THEMSELVES) | {"IMPRESSIONS"}, words(AdSet.BillingEvent)),
    (
        "destinations",
        {row.destination for row in facts.GOAL_ROWS if row.destination},
        words(AdSet.DestinationType),
    ),
    ("studies", set(studies.TYPES), words(AdStudy.Type)),
    (
        "windows",
        set(attribution_windows.LIVE) | set(attribution_windows.RETIRED),
        words(AdsInsights.ActionAttributionWindows),
    ),
    ("breakdowns", set(breakdowns.SHARES), words(AdsInsights.Breakdowns)),
    ("rule operators", set(rule_specs.OPERATORS), words(AdRuleFilters.Operator)),
    ("rule actions", set(rule_specs.EXECUTIONS), words(AdRuleExecutionSpec.ExecutionType)),
    ("rule evaluations", set(rule_specs.EVALUATIONS), words(AdRuleEvaluationSpec.EvaluationType)),
    ("rule history", set(rule_engine.DONE.values()) | {"NOT_CHANGED"}, words(AdRuleHistory.Action)),
    ("statuses", {"ACTIVE", "PAUSED", "DELETED", "ARCHIVED"}, words(AdSet.Status)),
    (
        "request statuses",
        {"INITIAL", "IN_PROGRESS", "SUCCESS", "ERROR", "USER_CANCELED"},
        words(AdAsyncRequest.Statuses),
    ),
]


@pytest.mark.parametrize(("what", "ours", "theirs"), PARTS)
def test_what_is_simulated_is_part_of_the_sdks_enumerations(
    what: str, ours: set[str], theirs: set[str]
) -> None:
    assert ours - theirs == BEYOND_SDK.get(what, set()), what


KEPT: list[tuple[tuple[str, ...], Callable[..., Any]]] = [
    (campaigns.KEPT, AdAccount.create_campaign),
    (adsets.KEPT, AdAccount.create_ad_set),
    (ads.KEPT, AdAccount.create_ad),
    (creatives.CONTENT, AdAccount.create_ad_creative),
]


@pytest.mark.parametrize(("kept", "method"), KEPT)
def test_parameters_that_are_kept_are_the_sdks(kept: tuple[str, ...], method: Callable[..., Any]) -> None:
    assert set(kept) <= parameters(method)


class Recording(dict[str, Any]):
    """A call's values that remember which of them were asked for."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


class Watched(Params):
    """Parameters that remember which names a handler looked up."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.recording = Recording(values)
        self._values = self.recording


def asked(advertiser: Advertiser, path: str, method: str = "POST", **params: Any) -> set[str]:
    """Return the names a successful call looked up."""
    watched = Watched(params)
    advertiser.send(Call(method, tuple(path.split("/")), watched, "v26.0", "stub-token", "http://sim"))
    return watched.recording.asked


def campaign_params() -> dict[str, Any]:
    return {
        "name": "C",
        "objective": "OUTCOME_SALES",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
    }


def adset_params(advertiser: Advertiser) -> dict[str, Any]:
    return {
        "name": "S",
        "campaign_id": advertiser.campaign(),
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "billing_event": "IMPRESSIONS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "daily_budget": 9000,
        "targeting": {"geo_locations": {"countries": ["ES"]}},
        "promoted_object": {"pixel_id": "2001", "custom_event_type": "PURCHASE"},
    }


def ad_params(advertiser: Advertiser) -> dict[str, Any]:
    creative = {"creative_id": advertiser.creative()}
    adset = advertiser.adset(advertiser.campaign())
    return {"name": "A", "adset_id": adset, "creative": creative, "conversion_domain": "shop.example"}


def rule_params(_desk: Advertiser) -> dict[str, Any]:
    filters = [{"field": "entity_type", "operator": "EQUAL", "value": "AD"}]
    return {
        "name": "R",
        "evaluation_spec": {"evaluation_type": "SCHEDULE", "filters": filters},
        "execution_spec": {"execution_type": "PAUSE"},
        "schedule_spec": {"schedule_type": "DAILY"},
    }


CREATIONS: dict[str, tuple[str, Callable[[Advertiser], dict[str, Any]], Callable[..., Any]]] = {
    "campaign": ("campaigns", lambda _desk: campaign_params(), AdAccount.create_campaign),
    "ad set": ("adsets", adset_params, AdAccount.create_ad_set),
    "ad": ("ads", ad_params, AdAccount.create_ad),
    "creative": ("adcreatives", lambda _desk: story("A"), AdAccount.create_ad_creative),
    "rule": ("adrules_library", rule_params, AdAccount.create_ad_rules_library),
}


@pytest.mark.parametrize("kind", CREATIONS)
def test_creation_looks_at_parameters_of_the_sdk_only(advertiser: Advertiser, kind: str) -> None:
    edge, params, method = CREATIONS[kind]
    looked_up = asked(advertiser, f"{ACCOUNT}/{edge}", **params(advertiser))
    assert looked_up - PROTOCOL <= parameters(method)
    unserved = UNSERVED.get(kind.replace(" ", "").replace("rule", ""), frozenset())
    assert parameters(method) - looked_up <= unserved | STATEMENTS, "neither served nor refused"


def test_insights_look_at_parameters_of_the_sdk_only(advertiser: Advertiser) -> None:
    looked_up = asked(advertiser, f"{ACCOUNT}/insights", "GET", level="ad", date_preset="today")
    assert looked_up - PROTOCOL <= parameters(AdAccount.get_insights)


def test_studies_look_at_parameters_of_the_sdk_only() -> None:
    advertiser = Advertiser(SimulatorConfig(scenario="large"))
    sets = [advertiser.campaign(name) for name in "AB"]
    cells = [{"name": each, "treatment_percentage": 50, "campaigns": [each]} for each in sets]
    times = {"start_time": advertiser.moment(), "end_time": advertiser.moment(hours=24)}
    looked_up = asked(advertiser, "5001/ad_studies", name="S", cells=cells, **times)
    assert looked_up - PROTOCOL <= parameters(Business.create_ad_study)


def test_copies_look_at_parameters_of_the_sdk_only(advertiser: Advertiser) -> None:
    looked_up = asked(advertiser, f"{advertiser.campaign()}/copies")
    assert looked_up - PROTOCOL <= parameters(Campaign.create_copy)


EFFECTIVE: list[tuple[Any, set[str]]] = [
    (Campaign, {"ACTIVE", "PAUSED", "DELETED", "ARCHIVED"}),
    (AdSet, {"ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "CAMPAIGN_PAUSED"}),
    (Ad, {"ACTIVE", "CAMPAIGN_PAUSED", "ADSET_PAUSED", "PENDING_REVIEW", "DISAPPROVED"}),
]


@pytest.mark.parametrize(("kind", "ours"), EFFECTIVE)
def test_effective_statuses_are_words_of_the_sdk(kind: Any, ours: set[str]) -> None:
    assert ours <= words(kind.EffectiveStatus)


# our own table of what Meta's pages say, against the simulator
OFFSET_ONE = "CLP COP CRC HUF ISK IDR JPY KRW PYG TWD VND"
PAGES: dict[str, tuple[object, object]] = {
    "currencies in whole units": (set(OFFSET_ONE.split()), set(facts.ONE_UNIT_CURRENCIES)),
    "statuses that deliver": ({1, 8, 9}, set(facts.DELIVERABLE_ACCOUNT_STATUSES)),
    "live versions": (("v25.0", "v26.0"), facts.LIVE_VERSIONS),
    "longest name": (400, facts.NAME_LIMIT),
    "longest DSA name": (512, facts.DSA_LIMIT),
    "longest link": (1000, facts.LINK_LIMIT),
    "labels of an object": (50, facts.LABELS_PER_OBJECT),
    "budget edits in an hour": (4, facts.BUDGET_EDITS_PER_HOUR),
    "changes of the spending limit in a day": (10, facts.SPEND_LIMIT_CHANGES_PER_DAY),
    "months of insights": (37, facts.INSIGHTS_MONTHS),
    "no spend cap": (922337203685478, facts.NO_SPEND_CAP),
    "cells of a creative test": ((2, 5), studies.CREATIVE_CELLS),
    "studies at once": (100, studies.MOST_STUDIES),
    "ads of a copy, now and later": (
        (3, 51),
        (copies.SYNCHRONOUS_ADS, copies.ASYNCHRONOUS_ADS),
    ),
    "creatable objectives": (6, len(facts.CREATABLE_OBJECTIVES)),
    "EU countries": (27, len(facts.EU_COUNTRIES)),
}


@pytest.mark.parametrize("fact", PAGES)
def test_numbers_are_those_of_metas_pages(fact: str) -> None:
    expected, ours = PAGES[fact]
    assert ours == expected


@pytest.mark.skipif(not REFERENCE.exists(), reason="the collected facts are not beside this checkout")
def test_tables_agree_with_the_collected_facts() -> None:
    known = json.loads(REFERENCE.read_text("utf-8"))
    assert set(known["objectives"]["creatable"]) == set(facts.CREATABLE_OBJECTIVES)
    assert set(known["currencies"]["offset_1"]) == set(facts.ONE_UNIT_CURRENCIES)
    assert set(known["custom_event_types"]) == set(facts.CUSTOM_EVENTS)
    assert known["limits"]["study"]["creative_test_cells"] == list(studies.CREATIVE_CELLS)
    for name in ("facebook_positions", "instagram_positions", "publisher_platforms", "device_platforms"):
        assert set(known["placements"][name]) == set(facts.PLACEMENTS[name])
