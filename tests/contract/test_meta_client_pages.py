"""Listing with the Meta client: every page or an error, and two ways of looking before nothing is believed."""

import json

import pytest

from autopublisher.adapters.meta.client import EMPTY_PAGES, SdkMetaAds
from autopublisher.domain.errors import MetaTransientError
from autopublisher.domain.operations import ObjectKind
from support.graph_stub import ACT, HTML, Stub, page, says


class TestPaging:
    def test_goes_on_over_an_empty_page(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "x [ap]"}], after="one"),
            page(stub, [], after="two"),
            page(stub, [{"id": "2", "name": "y [ap]"}]),
        )

        found = client.find(ACT, ObjectKind.AD, "[ap]", ["status"])

        assert [row["id"] for row in found] == ["1", "2"]

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

        with pytest.raises(MetaTransientError, match="circles"):
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

    def test_a_page_without_rows_is_not_an_empty_one(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(says({"id": "1"}))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap]", [])

    def test_ends_with_an_error_where_only_empty_pages_follow(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(*(page(stub, [], after=str(number)) for number in range(EMPTY_PAGES)))

        with pytest.raises(MetaTransientError, match="without a row"):
            client.find(ACT, ObjectKind.AD, "[ap]", [])


class TestFinding:
    def test_compares_the_names_itself(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(
            page(stub, [{"id": "1", "name": "[AP-1]"}, {"id": "2", "name": "x [ap-1]"}, {"id": "3"}])
        )

        assert [row["id"] for row in client.find(ACT, ObjectKind.AD, "[ap-1]", [])] == ["2"]

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

        assert [row["id"] for row in found] == ["1"]
        assert "filtering" not in stub.seen[1].query

    def test_asks_once_where_the_filter_finds_something(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, [{"id": "1", "name": "x [ap-1]"}]))

        client.find(ACT, ObjectKind.AD, "[ap-1]", [])

        assert len(stub.seen) == 1

    def test_is_no_absence_when_only_the_filter_could_be_asked(self, stub: Stub, client: SdkMetaAds) -> None:
        stub.answers(page(stub, []), says(HTML, 502))

        with pytest.raises(MetaTransientError):
            client.find(ACT, ObjectKind.AD, "[ap-1]", [])
