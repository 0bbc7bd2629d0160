"""Messages of the Marketing API, built and read without a wire."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from autopublisher.adapters.meta import messages
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaOutcomeUnknownError, MetaTransientError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.answers import MetaFault

BASE = "https://graph.example"
ACT = ActId("act_42")
ACCOUNT: dict[str, Any] = {
    "id": "act_42",
    "name": "Shop",
    "account_status": 1,
    "currency": "EUR",
    "timezone_name": "Europe/Madrid",
    "min_campaign_group_spend_cap": "10000",
    "default_dsa_payor": "Shop SL",
    "business": {"id": "77", "name": "Group"},
}


def test_parameters_become_plain_containers() -> None:
    assert messages.wire(MappingProxyType({"a": (1, MappingProxyType({"b": "text"}))})) == {
        "a": [1, {"b": "text"}]
    }


def test_each_field_is_asked_for_once() -> None:
    assert messages.field_list(("id", "name"), ("name", "status")) == "id,name,status"


@pytest.mark.parametrize("kind", [ObjectKind.CREATIVE, ObjectKind.IMAGE])
def test_edges_without_a_name_filter_are_read_whole(kind: ObjectKind) -> None:
    (whole,) = messages.name_queries(kind, "[ap-1]", [])
    assert "filtering" not in whole


@pytest.mark.parametrize("kind", [ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD])
def test_edges_with_a_name_filter_are_read_by_it_and_then_whole(kind: ObjectKind) -> None:
    filtered, whole = messages.name_queries(kind, "[ap-1]", [])
    assert filtered["filtering"] == [{"field": "name", "operator": "CONTAIN", "value": "[ap-1]"}]
    assert whole == {"fields": "id,name"}


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 11, 22, 22, 59, tzinfo=UTC), "Europe/Madrid", "2026-11-22"),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), "Europe/Madrid", "2026-11-23"),
        (datetime(2026, 11, 22, 7, 59, tzinfo=UTC), "America/Los_Angeles", "2026-11-21"),
    ],
)
def test_a_day_is_the_accounts(moment: datetime, zone: str, day: str) -> None:
    assert messages.account_day(moment, zone) == day


@pytest.mark.parametrize("status", ["PAUSED", "ARCHIVED", "DELETED"])
def test_ending_delivery_is_a_stop(status: str) -> None:
    assert messages.stops({"status": status})


@pytest.mark.parametrize("params", [{"status": "ACTIVE"}, {"daily_budget": 100}, {}])
def test_anything_else_is_no_stop(params: dict[str, Any]) -> None:
    assert not messages.stops(params)


class TestCursor:
    def test_is_none_on_the_last_page(self) -> None:
        assert messages.next_cursor({"data": [], "paging": {"cursors": {"after": "x"}}}, BASE) is None

    def test_is_the_after_cursor(self) -> None:
        paging = {"cursors": {"after": "x"}, "next": f"{BASE}/v26.0/1/ads?after=y"}

        assert messages.next_cursor({"paging": paging}, BASE) == "x"

    def test_may_stand_in_the_address_alone(self) -> None:
        assert messages.next_cursor({"paging": {"next": f"{BASE}/v26.0/1/ads?after=y"}}, BASE) == "y"

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/v26.0/1/ads?after=y",
            "http://graph.example/v26.0/1/ads?after=y",
            "https://graph.example:444/?after=y",
            "https://graph.example@evil.example/?after=y",
            "//evil.example/?after=y",
        ],
    )
    def test_at_another_host_is_refused(self, address: str) -> None:
        with pytest.raises(MetaTransientError, match=MetaFault.PAGE_ELSEWHERE):
            messages.next_cursor({"paging": {"next": address}}, BASE)

    def test_that_is_missing_is_an_error(self) -> None:
        with pytest.raises(MetaTransientError, match=MetaFault.PAGE_WITHOUT_CURSOR):
            messages.next_cursor({"paging": {"next": f"{BASE}/v26.0/1/ads?offset=25"}}, BASE)


class TestAccount:
    def test_is_read(self) -> None:
        facts = messages.account_facts(ACT, ACCOUNT)

        assert (facts.minimum_spend_cap, facts.business_id) == (Money(10000, "EUR"), "77")
        assert (facts.default_dsa_beneficiary, facts.default_dsa_payor) == (None, "Shop SL")
        assert facts.delivers

    @pytest.mark.parametrize(
        "name", ["account_status", "currency", "timezone_name", "min_campaign_group_spend_cap"]
    )
    def test_without_a_needed_field_is_unreadable(self, name: str) -> None:
        with pytest.raises(MetaTransientError, match=name):
            messages.account_facts(ACT, {**ACCOUNT, name: None})


class TestAccountsOwnSpendingLimit:
    @pytest.mark.parametrize(
        ("cap", "spent", "left"),
        [
            ("3000", "1000", 2000),
            (3000, 3100, 0),
            ("0", "1000", None),
            (None, "1000", None),
            ("3000", None, None),
        ],
    )
    def test_leaves_what_is_not_spent_yet(self, cap: object, spent: object, left: int | None) -> None:
        facts = messages.account_facts(ACT, {**ACCOUNT, "spend_cap": cap, "amount_spent": spent})

        assert facts.limit_left == (None if left is None else Money(left, "EUR"))

    def test_that_cannot_be_read_is_an_error(self) -> None:
        with pytest.raises(MetaTransientError, match="spend_cap"):
            messages.account_facts(ACT, {**ACCOUNT, "spend_cap": "much"})


class TestMinimumBudgets:
    ROWS = (
        {"currency": "USD", "min_daily_budget_imp": "1"},
        {
            "currency": "EUR",
            "min_daily_budget_imp": 50,
            "min_daily_budget_high_freq": "250",
            "min_daily_budget_low_freq": "4000",
            "min_daily_budget_video_views": "251",
        },
    )

    def test_are_those_of_the_accounts_currency(self) -> None:
        found = messages.minimum_budgets_of(self.ROWS, "EUR")

        assert [found.impressions.minor, found.high_frequency.minor, found.low_frequency.minor] == [
            50,
            250,
            4000,
        ]

    def test_in_no_row_of_the_currency_are_unreadable(self) -> None:
        with pytest.raises(MetaTransientError, match="GBP"):
            messages.minimum_budgets_of(self.ROWS, "GBP")


def test_only_granted_permissions_count() -> None:
    rows = [
        {"permission": "ads_management", "status": "granted"},
        {"permission": "pages_manage_ads", "status": "declined"},
    ]

    assert messages.granted(rows) == {"ads_management"}


@pytest.mark.parametrize(
    "answer", [{}, {"images": []}, {"images": {"a": {}}}, {"images": {"a": {"hash": ""}}}]
)
def test_an_upload_without_hash_is_in_doubt(answer: dict[str, Any]) -> None:
    with pytest.raises(MetaOutcomeUnknownError):
        messages.image_hash(answer)


@pytest.mark.parametrize("answer", [{}, {"id": None}, {"id": 7}, {"id": ""}])
def test_a_create_without_id_is_in_doubt(answer: dict[str, Any]) -> None:
    with pytest.raises(MetaOutcomeUnknownError):
        messages.new_id(answer)


@pytest.mark.parametrize("booked", ["Pacific/Pago_Pago", "Europe/Madrid", "Pacific/Kiritimati"])
@pytest.mark.parametrize("reported", ["Pacific/Pago_Pago", "Europe/Madrid", "Pacific/Kiritimati"])
def test_a_window_holds_the_first_day_in_whatever_time_zone_meta_has_booked_it(
    booked: str, reported: str
) -> None:
    for hour in range(24):
        began = datetime(2026, 11, 21, hour, tzinfo=UTC)
        query = messages.own_insights_query(reported, began, began)
        assert query["time_range"]["since"] <= messages.account_day(began, booked)
