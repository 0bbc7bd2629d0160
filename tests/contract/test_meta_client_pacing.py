"""The Meta client keeps to Meta's limits, and asks for figures by the account's own days."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.domain.errors import MetaTransientError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.rules import MetaHeldBackError
from support.graph_stub import ACT, NAMES, NOON, OBJECT, HandClock, Stub, page, says


def used(percent: float, wait_minutes: float = 0) -> dict[str, str]:
    case = {"type": "ads_management", "call_count": percent, "estimated_time_to_regain_access": wait_minutes}
    return {"X-Business-Use-Case-Usage": json.dumps({"42": [case]})}


class TestPacing:
    def test_holds_calls_back_near_the_limit(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96, wait_minutes=7)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        with pytest.raises(MetaHeldBackError) as caught:
            client.create(ACT, ObjectKind.AD_SET, NAMES)

        assert caught.value.retry_at == NOON + timedelta(minutes=7)
        assert len(stub.seen) == 1

    def test_holds_back_reads_of_an_object_of_the_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        with pytest.raises(MetaHeldBackError):
            client.read(ObjectKind.CAMPAIGN, OBJECT, ["status"])

    @pytest.mark.parametrize("stop", ["pause", "delete"])
    def test_never_holds_back_what_stops_delivery(self, stop: str, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(96)), says({"success": True}))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        if stop == "pause":
            client.update(OBJECT, {"status": "PAUSED"})
        else:
            client.delete(OBJECT)

        assert len(stub.seen) == 2

    def test_does_not_spoil_a_good_answer_when_the_clock_is_broken(
        self, stub: Stub, client: SdkMetaAds, hand_clock: HandClock
    ) -> None:
        hand_clock.broken = True
        stub.answers(says({"id": OBJECT}, headers=used(96)))

        assert client.create(ACT, ObjectKind.CAMPAIGN, NAMES) == OBJECT

    def test_tells_the_last_usage_of_an_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": OBJECT}, headers=used(31)))
        client.create(ACT, ObjectKind.CAMPAIGN, NAMES)

        usage = client.last_usage(ACT)

        assert usage is not None
        assert usage.percents == {"ads_management.call_count": 31.0}


ACCOUNT = {
    "id": "act_42",
    "name": "Shop",
    "account_status": 1,
    "currency": "EUR",
    "timezone_name": "America/Los_Angeles",
    "min_campaign_group_spend_cap": "10000",
}


class TestInsights:
    def test_ask_for_the_days_of_the_account(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says(ACCOUNT), page(stub, [{"adset_id": "9", "spend": "1.00"}]))

        client.ad_sets(ACT, [MetaId("9")], datetime(2026, 11, 22, 7, 59, tzinfo=UTC), NOON)

        days = json.loads(stub.seen[1].query["time_range"][0])
        assert days == {"since": "2026-11-19", "until": "2026-11-22"}

    def test_read_the_account_only_once(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says(ACCOUNT), page(stub, []), page(stub, []))

        client.ad_sets(ACT, [MetaId("9")], NOON, NOON)
        client.ad_sets(ACT, [MetaId("9")], NOON, NOON)

        assert [urlsplit(one.path).path.rsplit("/", 1)[1] for one in stub.seen] == [
            "act_42",
            "insights",
            "insights",
        ]

    def test_of_no_ad_set_ask_nothing(self, stub: Stub, client: SdkMetaAds) -> None:
        assert client.ad_sets(ACT, [], NOON, NOON) == ()
        assert stub.seen == []

    def test_of_an_account_in_an_unknown_time_zone_are_refused(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({**ACCOUNT, "timezone_name": "Mars/Olympus"}))

        with pytest.raises(MetaTransientError, match="Mars/Olympus"):
            client.ad_sets(ACT, [MetaId("9")], NOON, NOON)
