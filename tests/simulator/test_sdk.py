"""The official SDK, told only another base URL, works against the simulator as it does against Meta."""

import base64
from typing import Any

import pytest
import requests
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

from metasim.server import SimulatorThread
from metasim.testing import PIXEL, TARGETING, TINY_PNG, story


def make_campaign(account: AdAccount, name: str = "Shoes [ap-1/c]", **params: Any) -> str:
    usual = {
        "name": name,
        "objective": "OUTCOME_SALES",
        "status": "PAUSED",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
    }
    return str(account.create_campaign(params={**usual, **params})["id"])


def make_adset(account: AdAccount, campaign_id: str, **params: Any) -> str:
    usual = {
        "name": "Set",
        "campaign_id": campaign_id,
        "lifetime_budget": 5000,
        "end_time": "2026-11-23T10:00:00+0100",
        "billing_event": "IMPRESSIONS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "promoted_object": {"pixel_id": PIXEL, "custom_event_type": "PURCHASE"},
        "targeting": TARGETING,
        "status": "ACTIVE",
    }
    return str(account.create_ad_set(params={**usual, **params})["id"])


def test_a_whole_campaign_is_created_delivers_and_reports(
    account: AdAccount, served: SimulatorThread
) -> None:
    image = account.create_ad_image(params={"bytes": base64.b64encode(TINY_PNG).decode(), "name": "a.png"})
    campaign_id = make_campaign(account)
    adset_id = make_adset(account, campaign_id)
    creative = account.create_ad_creative(params={"name": "A", **story("A", image_hash=image["hash"])})
    ad_params = {
        "name": "Ad A",
        "adset_id": adset_id,
        "creative": {"creative_id": creative["id"]},
        "conversion_domain": "shop.example",
    }
    ad = account.create_ad(params={**ad_params, "status": "ACTIVE"})
    Campaign(campaign_id, api=account.get_api_assured()).api_update(params={"status": "ACTIVE"})

    requests.post(f"{served.url}/_sim/clock", json={"advance_seconds": 30 * 3600}, timeout=20)

    rows = list(
        account.get_insights(
            fields=["ad_id", "spend", "impressions", "purchase_roas"],
            params={"level": "ad", "date_preset": "maximum"},
        )
    )
    assert [row["ad_id"] for row in rows] == [ad["id"]]
    assert 49.5 < float(rows[0]["spend"]) <= 50
    assert float(rows[0]["purchase_roas"][0]["value"]) > 1


def test_updates_are_read_back_and_deletion_hides_from_edges(account: AdAccount, api: FacebookAdsApi) -> None:
    campaign_id = make_campaign(account)
    campaign = Campaign(campaign_id, api=api)
    campaign.api_update(params={"name": "Renamed"})
    assert campaign.api_get(fields=["name"])["name"] == "Renamed"
    campaign.api_delete()
    assert list(account.get_campaigns(fields=["name"])) == []
    assert campaign.api_get(fields=["effective_status"])["effective_status"] == "DELETED"


def test_budgets_read_back_as_strings_and_reach_as_impressions(
    account: AdAccount, api: FacebookAdsApi
) -> None:
    campaign_id = make_campaign(account, objective="OUTCOME_AWARENESS")
    adset_id = make_adset(
        account, campaign_id, optimization_goal="REACH", promoted_object={"page_id": "1001"}
    )
    adset = AdSet(adset_id, api=api).api_get(
        fields=["lifetime_budget", "optimization_goal", "end_time", "budget_remaining"]
    )
    assert adset["lifetime_budget"] == "5000"
    assert adset["budget_remaining"] == "5000"
    assert adset["optimization_goal"] == "IMPRESSIONS"
    assert adset["end_time"] == "2026-11-23T10:00:00+0100"


def test_the_cursor_walks_all_pages(account: AdAccount) -> None:
    names = [f"Campaign {number}" for number in range(7)]
    for name in names:
        make_campaign(account, name)
    cursor = account.get_campaigns(fields=["name"], params={"limit": 3})
    assert sorted(campaign["name"] for campaign in cursor) == names
    assert cursor.total() == len(names)


def test_filtering_by_name_and_status_passes_through_the_sdk(account: AdAccount) -> None:
    make_campaign(account, "One [ap-1/c]")
    make_campaign(account, "Two [ap-2/c]", status="ACTIVE")
    by_name = [{"field": "name", "operator": "CONTAIN", "value": "[ap-2/"}]
    found = account.get_campaigns(fields=["name"], params={"filtering": by_name})
    assert [each["name"] for each in found] == ["Two [ap-2/c]"]
    active = account.get_campaigns(fields=["name"], params={"effective_status": ["ACTIVE"]})
    assert [each["name"] for each in active] == ["Two [ap-2/c]"]


def test_errors_arrive_as_the_sdk_knows_them(account: AdAccount) -> None:
    campaign_id = make_campaign(account)
    spain_only = {**TARGETING, "age_min": 30}
    del spain_only["targeting_automation"]
    with pytest.raises(FacebookRequestError) as caught:
        make_adset(account, campaign_id, targeting=spain_only)
    assert caught.value.http_status() == 400
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 1870227)
    assert caught.value.body()["error"]["fbtrace_id"]


def test_an_ad_follows_its_parents_and_its_review(
    account: AdAccount, api: FacebookAdsApi, served: SimulatorThread
) -> None:
    campaign_id = make_campaign(account)
    adset_id = make_adset(account, campaign_id, status="PAUSED")
    creative = account.create_ad_creative(params={"name": "A", **story("A")})
    params = {
        "name": "Ad",
        "adset_id": adset_id,
        "creative": {"creative_id": creative["id"]},
        "conversion_domain": "shop.example",
        "status": "ACTIVE",
    }
    ad = Ad(account.create_ad(params=params)["id"], api=api)

    def status() -> str:
        return str(ad.api_get(fields=["effective_status"])["effective_status"])

    seen = [status()]
    Campaign(campaign_id, api=api).api_update(params={"status": "ACTIVE"})
    seen.append(status())
    AdSet(adset_id, api=api).api_update(params={"status": "ACTIVE"})
    seen.append(status())
    requests.post(f"{served.url}/_sim/clock", json={"advance_seconds": 21 * 60}, timeout=20)
    seen.append(status())
    assert seen == ["CAMPAIGN_PAUSED", "ADSET_PAUSED", "PENDING_REVIEW", "ACTIVE"]
