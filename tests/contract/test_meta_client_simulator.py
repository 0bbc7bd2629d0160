"""The Meta client against the simulator: delivery, many pages, faults on the way, many threads."""

import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from facebook_business.api import FacebookAdsApi

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials, Timeouts
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaOutcomeUnknownError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import figures_of
from autopublisher.domain.meta.rules import MetaHeldBackError
from metasim.config import SimulatorConfig
from metasim.server import SimulatorThread
from support.pictures import picture

pytestmark = pytest.mark.slow  # answers that take their time

ACT = ActId("act_123456789")
TOKEN = "stub-token"
MARK = "[ap-0123456789abcdef-"
CAMPAIGN = {
    "name": f"Autumn {MARK}campaign]",
    "objective": "OUTCOME_SALES",
    "status": "PAUSED",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
}


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(scenario="demo")) as running:
        yield running


@pytest.fixture
def clock(simulator: SimulatorThread) -> Iterator[SimulatedClock]:
    with SimulatedClock(simulator.url) as clock:
        yield clock


@pytest.fixture
def meta(simulator: SimulatorThread, clock: SimulatedClock) -> Iterator[SdkMetaAds]:
    with SdkMetaAds(Credentials(TOKEN), clock, simulator.url, Timeouts(5.0, 1.0), page_size=2) as client:
        yield client


def plan(simulator: SimulatorThread, kind: str, **details: Any) -> None:
    fault = {"kind": kind, "match": {"method": "POST", "path_regex": "campaigns"}, **details}
    httpx2.post(f"{simulator.url}/_sim/faults", json=fault).raise_for_status()


def found(meta: SdkMetaAds) -> int:
    return len(meta.find(ACT, ObjectKind.CAMPAIGN, MARK, []))


def launch(meta: SdkMetaAds, clock: SimulatedClock) -> MetaId:
    """Create and activate a campaign with one ad set and one ad; return the ad set."""
    now = clock.now()
    campaign = meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)
    ad_set = meta.create(
        ACT,
        ObjectKind.AD_SET,
        {
            "name": f"{MARK}a.adset]",
            "campaign_id": campaign,
            "status": "PAUSED",
            "billing_event": "IMPRESSIONS",
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
            "lifetime_budget": 5000,
            "start_time": now.isoformat(),
            "end_time": (now + timedelta(hours=24)).isoformat(),
            "promoted_object": {"pixel_id": "2001", "custom_event_type": "PURCHASE"},
            "targeting": {
                "geo_locations": {"countries": ["ES"]},
                "targeting_automation": {"advantage_audience": 0},
            },
        },
    )
    image = meta.upload_image(ACT, "a.png", picture(1))
    link = "https://example.com/"
    link_data = {
        "link": link,
        "name": "Headline B",
        "message": "Text B",
        "image_hash": image,
        "call_to_action": {"type": "SHOP_NOW", "value": {"link": link}},
    }
    creative = meta.create(
        ACT,
        ObjectKind.CREATIVE,
        {"name": f"{MARK}a.creative]", "object_story_spec": {"page_id": "1001", "link_data": link_data}},
    )
    ad = meta.create(
        ACT,
        ObjectKind.AD,
        {
            "name": f"{MARK}a.ad]",
            "adset_id": ad_set,
            "creative": {"creative_id": creative},
            "conversion_domain": "example.com",
            "status": "PAUSED",
        },
    )
    for each in (ad, ad_set, campaign):
        meta.update(each, {"status": "ACTIVE"})
    return ad_set


class TestDelivery:
    def test_becomes_figures_within_the_budget(self, meta: SdkMetaAds, clock: SimulatedClock) -> None:
        start = clock.now()
        ad_set = launch(meta, clock)
        end = clock.advance_to(start + timedelta(hours=25))

        rows = meta.ad_sets(ACT, [ad_set], start, end)
        figures = figures_of(rows[0], "EUR", "PURCHASE")

        assert [row.object_id for row in rows] == [ad_set]
        assert 4500 < figures.spend <= 5000
        assert figures.impressions > figures.clicks > figures.conversions > 0
        assert figures.revenue > 0

    def test_is_told_of_campaign_and_ad_as_well_and_when_all_is_deleted(
        self, meta: SdkMetaAds, clock: SimulatedClock
    ) -> None:
        start = clock.now()
        ad_set = launch(meta, clock)
        campaign = meta.read(ObjectKind.AD_SET, ad_set, ["campaign_id"]).campaign_id or MetaId("")
        ads = meta.read(ObjectKind.AD_SET, ad_set, ["ads{id}"]).children(ObjectKind.AD, "ads")
        every = (ads[0].id, ad_set, campaign)
        assert [meta.insights_of(ACT, each, start, start) for each in every] == [None] * 3
        end = clock.advance_to(start + timedelta(hours=25))
        (row,) = meta.ad_sets(ACT, [ad_set], start, end)
        meta.update(campaign, {"status": "ARCHIVED"})
        assert [one.object_id for one in meta.ad_sets(ACT, None, start, end)] == [ad_set]
        for each in reversed(every):
            meta.delete(each)

        own = [meta.insights_of(ACT, each, start, end) for each in (*every, MetaId(ACT))]

        assert (len(ads), [one and one.metrics["spend"] for one in own]) == (1, [row.metrics["spend"]] * 4)
        assert (
            list(meta.ad_sets(ACT, [ad_set], start, end)) == list(meta.ad_sets(ACT, None, start, end)) == []
        )

    def test_counts_each_sale_once(self, meta: SdkMetaAds, clock: SimulatedClock) -> None:
        start = clock.now()
        ad_set = launch(meta, clock)
        row = meta.ad_sets(ACT, [ad_set], start, clock.advance_to(start + timedelta(hours=6)))[0]

        sales = next(one["value"] for one in row.metrics["actions"] if one["action_type"] == "omni_purchase")

        assert figures_of(row, "EUR", "PURCHASE").conversions == int(sales)


class TestPages:
    def test_are_all_read(self, meta: SdkMetaAds) -> None:
        created = {meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN) for _ in range(5)}

        assert {one.id for one in meta.find(ACT, ObjectKind.CAMPAIGN, MARK, [])} == created

    def test_leave_archived_objects_to_a_list_of_their_own(self, meta: SdkMetaAds) -> None:
        kept, archived = (meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN) for _ in range(2))
        meta.update(archived, {"status": "ARCHIVED"})

        assert [one.id for one in meta.find(ACT, ObjectKind.CAMPAIGN, MARK, [])] == [kept]
        assert [one.id for one in meta.archived(ACT, ObjectKind.CAMPAIGN, MARK, [])] == [archived]


IN_DOUBT: dict[str, dict[str, Any]] = {
    "commit_then_timeout": {},
    "drop_before_commit": {},
    "connection_reset": {},
    "html_502": {},
    "slow": {"seconds": 3.0},
}


class TestFaults:
    @pytest.mark.parametrize("kind", IN_DOUBT)
    def test_without_an_answer_leave_a_create_in_doubt(
        self, kind: str, simulator: SimulatorThread, meta: SdkMetaAds
    ) -> None:
        plan(simulator, kind, **IN_DOUBT[kind])

        with pytest.raises(MetaOutcomeUnknownError) as caught:
            meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)

        assert type(caught.value) is MetaOutcomeUnknownError

    @pytest.mark.parametrize(("kind", "hits"), [("commit_then_timeout", 1), ("drop_before_commit", 0)])
    def test_are_told_apart_by_looking(
        self, kind: str, hits: int, simulator: SimulatorThread, meta: SdkMetaAds
    ) -> None:
        plan(simulator, kind)
        with pytest.raises(MetaOutcomeUnknownError):
            meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)

        assert found(meta) == hits

    @pytest.mark.parametrize(
        ("kind", "error"),
        [
            ("error_200", MetaTransientError),
            ("transient", MetaTransientError),
            ("throttle", MetaThrottledError),
            ("token_expired", MetaAuthorisationError),
        ],
    )
    def test_with_an_answer_become_its_error(
        self, kind: str, error: type[MetaError], simulator: SimulatorThread, meta: SdkMetaAds
    ) -> None:
        plan(simulator, kind)

        with pytest.raises(MetaError) as caught:
            meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)

        assert type(caught.value) is error

    def test_of_throttling_hold_the_next_call_back(
        self, simulator: SimulatorThread, meta: SdkMetaAds, clock: SimulatedClock
    ) -> None:
        plan(simulator, "throttle")
        with pytest.raises(MetaThrottledError) as throttled:
            meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)

        with pytest.raises(MetaHeldBackError):
            found(meta)

        assert throttled.value.retry_at is not None
        clock.advance_to(throttled.value.retry_at)
        assert found(meta) == 0


class TestToken:
    def test_that_is_unknown_is_not_shown(self, simulator: SimulatorThread, clock: SimulatedClock) -> None:
        secret = "EAAB-not-a-token-of-the-scenario"
        with (
            SdkMetaAds(Credentials(secret), clock, simulator.url) as client,
            pytest.raises(MetaAuthorisationError) as caught,
        ):
            client.account(ACT)

        assert secret not in "".join(traceback.format_exception(caught.value))


class TestTheSdk:
    def test_is_used_without_its_global_default(self, meta: SdkMetaAds) -> None:
        meta.account(ACT)

        assert FacebookAdsApi.get_default_api() is None

    def test_installs_no_crash_reporter(self, meta: SdkMetaAds) -> None:
        meta.account(ACT)

        assert "facebook_business.crashreporter" not in sys.modules

    def test_serves_many_threads_at_once(self, meta: SdkMetaAds) -> None:
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(meta.create, ACT, ObjectKind.CAMPAIGN, CAMPAIGN) for _ in range(24)]
            created = {job.result() for job in jobs}

        assert len(created) == 24
