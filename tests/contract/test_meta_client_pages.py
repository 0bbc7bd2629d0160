"""Listing with the Meta client: every page or an error, and two ways of looking before nothing is believed."""

import json

import pytest

from autopublisher.adapters.meta.client import EMPTY_PAGES, SdkMetaAds
from autopublisher.domain.errors import MetaTooMuchDataError, MetaTransientError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.answers import MetaFault
from support.graph_stub import ACT, HTML, NOON, Stub, fails, page, says

ACCOUNT = {
    "currency": "EUR",
    "timezone_name": "Europe/Madrid",
    "account_status": 1,
    "id": ACT,
    "min_campaign_group_spend_cap": "1",
}


class TestPaging:
    def test_goes_on_over_an_empty_page(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "x [ap]"}], after="one"),
            page(stub, [], after="two"),
            page(stub, [{"id": "2", "name": "y [ap]"}]),
        )

        found = client.find(ACT, ObjectKind.AD, "[ap]", ["status"])

        assert [one.id for one in found] == ["1", "2"]

    def test_asks_our_own_host_with_the_cursor(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [], after="one"), page(stub, [{"id": "1", "name": "[ap]"}]))

        client.find(ACT, ObjectKind.AD, "[ap]", [])

        assert [one.query.get("after") for one in stub.seen] == [None, ["one"]]

    def test_refuses_a_next_page_at_another_host(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "[ap]"}], after="one", host="http://evil.example"))

        with pytest.raises(MetaTransientError, match=r"evil\.example"):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_notices_pages_in_a_circle(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [], after="one"), page(stub, [], after="one"))

        with pytest.raises(MetaTransientError, match=MetaFault.PAGES_IN_CIRCLES):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_that_breaks_in_the_middle_is_an_error_not_a_short_list(
        self, stub: Stub, client: SdkMetaAds
    ) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "[ap]"}], after="one"), says(HTML, 502))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_counts_an_object_that_moved_between_pages_once(self, stub: Stub, client: SdkMetaAds) -> None:
        row = {"id": "1", "name": "[ap]"}
        stub.answers(page(stub, [row], after="one"), page(stub, [row]))

        assert len(client.find(ACT, ObjectKind.AD, "[ap]", [])) == 1

    def test_ads_come_with_what_belongs_to_them_each_once(self, stub: Stub, client: SdkMetaAds) -> None:
        above = {"campaign": {"id": "7", "status": "ACTIVE"}, "adset": {"id": "8", "status": "PAUSED"}}
        ads = [{"id": id_, "name": "[ap]", "creative": {"id": "9"}, **above} for id_ in ("1", "2")]
        stub.answers(page(stub, [ads[0], {"id": "3", "name": "[AP]"}], after="one"), page(stub, [ads[1]]))

        kinds = (ObjectKind.AD, ObjectKind.CAMPAIGN, ObjectKind.AD_SET)
        found = client.tree(ACT, "[ap]", dict.fromkeys(kinds, ("id", "status")))

        assert sorted((one.id, one.status) for one in found) == [
            ("1", None),
            ("2", None),
            ("7", "ACTIVE"),
            ("8", "PAUSED"),
        ]
        assert stub.seen[0].query["fields"] == ["id,name,status,campaign{id,status},adset{id,status}"]

    def test_a_page_without_rows_is_not_an_empty_one(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": "1"}))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_ends_with_an_error_where_only_empty_pages_follow(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(*(page(stub, [], after=str(number)) for number in range(EMPTY_PAGES)))

        with pytest.raises(MetaTransientError, match=MetaFault.EMPTY_PAGES):
            client.find(ACT, ObjectKind.AD, "[ap]", [])


TOO_MUCH = fails(
    1, message="Please reduce the amount of data you're asking for, then retry your request", status=500
)


class TestWhatMetaFindsTooLarge:
    def test_is_asked_for_in_smaller_pages_from_where_it_stood(self, stub: Stub, client: SdkMetaAds) -> None:
        first, second = ({"id": number, "name": "[ap]"} for number in "12")
        stub.answers(page(stub, [first], after="one"), TOO_MUCH, page(stub, [second]))

        found = client.find(ACT, ObjectKind.AD, "[ap]", [])

        assert [one.id for one in found] == ["1", "2"]
        asked = [(one.query["limit"], one.query.get("after")) for one in stub.seen]
        assert asked == [(["2"], None), (["2"], ["one"]), (["1"], ["one"])]

    def test_is_an_error_once_a_single_row_is_too_large(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(TOO_MUCH, TOO_MUCH)

        with pytest.raises(MetaTooMuchDataError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

        assert stub.seen[-1].query["limit"] == ["1"]

    def test_of_figures_is_asked_for_ad_set_by_ad_set(self, stub: Stub, client: SdkMetaAds) -> None:
        account = says(ACCOUNT)
        rows = [says({"data": [{"adset_id": number, "spend": number}]}) for number in "123"]
        stub.answers(account, TOO_MUCH, rows[0], TOO_MUCH, rows[1], rows[2])

        found = client.ad_sets(ACT, [MetaId(number) for number in "123"], NOON, NOON)

        assert [row.metrics["spend"] for row in found] == ["1", "2", "3"]

    def test_of_one_ad_sets_figures_is_an_error(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says(ACCOUNT), TOO_MUCH)

        with pytest.raises(MetaTooMuchDataError):
            client.ad_sets(ACT, [MetaId("1")], NOON, NOON)


class TestFinding:
    def test_compares_the_names_itself(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "[AP-1]"}, {"id": "2", "name": "x [ap-1]"}, {"id": "3"}])
        )

        assert [one.id for one in client.find(ACT, ObjectKind.AD, "[ap-1]", [])] == ["2"]

    def test_lets_meta_filter_by_name_and_by_no_status(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, []), page(stub, []))

        client.find(ACT, ObjectKind.CAMPAIGN, "[ap-1]", ["status"])

        assert json.loads(stub.seen[0].query["filtering"][0]) == [
            {"field": "name", "operator": "CONTAIN", "value": "[ap-1]"}
        ]
        assert "effective_status" not in stub.seen[0].query

    def test_looks_through_the_whole_edge_for_what_the_filter_misses(
        self, stub: Stub, client: SdkMetaAds
    ) -> None:
        stub.answers(
            page(stub, []), page(stub, [{"id": "2", "name": "other"}, {"id": "1", "name": "x [ap-1]"}])
        )

        found = client.find(ACT, ObjectKind.CAMPAIGN, "[ap-1]", [])

        assert [one.id for one in found] == ["1"]
        assert "filtering" not in stub.seen[1].query

    def test_asks_once_where_the_filter_finds_something(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "x [ap-1]"}]))

        client.find(ACT, ObjectKind.AD, "[ap-1]", [])

        assert len(stub.seen) == 1

    def test_is_no_absence_when_only_the_filter_could_be_asked(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, []), says(HTML, 502))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap-1]", [])
