"""Insights rows as figures."""

from typing import Any

import pytest

from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.records import Figures
from autopublisher.domain.meta.answers import FigureRemark, MetaFault
from autopublisher.domain.meta.insights import (
    PURCHASE_TYPES,
    InsightsRow,
    action_types,
    figures_of,
    reading_of,
)

WHOLE_FAMILY = [{"action_type": name, "value": "3"} for name in reversed(PURCHASE_TYPES)]


def row(**metrics: Any) -> InsightsRow:
    return InsightsRow(MetaId("9"), metrics)


def test_reads_metas_strings() -> None:
    figures = figures_of(
        row(
            spend="12.34",
            impressions="1000",
            clicks="40",
            inline_link_clicks="30",
            inline_post_engagement="55",
            actions=[{"action_type": "omni_purchase", "value": "3", "7d_click": "2"}],
            action_values=[{"action_type": "omni_purchase", "value": "99.95"}],
        ),
        "EUR",
        "PURCHASE",
    )

    assert figures == Figures(
        spend=1234, impressions=1000, clicks=30, conversions=3, revenue=9995, engagements=55
    )


def test_an_absent_metric_is_zero() -> None:
    assert figures_of(row(), "EUR", "PURCHASE") == Figures()


def test_a_sale_with_three_names_counts_once() -> None:
    figures = figures_of(row(actions=WHOLE_FAMILY, action_values=WHOLE_FAMILY), "EUR", "PURCHASE")

    assert (figures.conversions, figures.revenue) == (3, 300)


@pytest.mark.parametrize("present", range(3))
def test_the_widest_name_counts(present: int) -> None:
    actions = [
        {"action_type": name, "value": str(rank)}
        for rank, name in enumerate(PURCHASE_TYPES)
        if rank >= present
    ]

    assert figures_of(row(actions=actions), "EUR", "PURCHASE").conversions == present


def test_other_actions_do_not_count() -> None:
    actions = [
        {"action_type": "link_click", "value": "50"},
        {"action_type": "omni_add_to_cart", "value": "9"},
    ]

    assert figures_of(row(actions=actions), "EUR", "PURCHASE").conversions == 0


def test_a_lead_counts_as_itself() -> None:
    actions = [{"action_type": "offsite_conversion.fb_pixel_lead", "value": "4"}]

    assert figures_of(row(actions=actions), "EUR", "LEAD").conversions == 4


def test_an_unlisted_event_counts_under_its_pixel_name_only() -> None:
    assert action_types("Donate") == ("offsite_conversion.fb_pixel_donate",)


def test_spend_is_rounded_up_and_revenue_down() -> None:
    values = [{"action_type": "purchase", "value": "10.019"}]

    figures = figures_of(row(spend="10.011", action_values=values), "EUR", "PURCHASE")

    assert (figures.spend, figures.revenue) == (1002, 1001)


def test_a_currency_without_hundredths_is_counted_whole() -> None:
    assert figures_of(row(spend="1200"), "JPY", "PURCHASE").spend == 1200


@pytest.mark.parametrize(
    "metrics",
    [
        {"spend": "twelve"},
        {"spend": "-1"},
        {"spend": "NaN"},
        {"spend": "Infinity"},
        {"spend": ""},
        {"impressions": "1.5"},
        {"inline_link_clicks": []},
        {"impressions": "-1"},
        {"inline_link_clicks": "2.5"},
        {"spend": "1e15"},
        {"action_values": [{"action_type": "purchase", "value": "-1e300"}]},
        {"actions": [{"action_type": "purchase", "value": "-1"}]},
        {"actions": "3"},
        {"actions": ["3"]},
        {"actions": [{"action_type": "purchase", "value": "?"}]},
        {"action_values": [{"action_type": "purchase", "value": "1,50"}]},
    ],
)
def test_a_figure_that_cannot_be_read_is_an_error(metrics: dict[str, Any]) -> None:
    with pytest.raises(MetaReadError, match=MetaFault.FIGURE):
        figures_of(row(**metrics), "EUR", "PURCHASE")


def test_refunds_above_sales_make_a_revenue_negative_and_are_remarked_on() -> None:
    values = [{"action_type": "purchase", "value": "-12.505"}]

    read = reading_of(row(action_values=values), "EUR", "PURCHASE")

    assert (read.figures.revenue, read.remarks) == (-1251, (FigureRemark.REFUNDED(),))


def test_an_estimated_count_is_taken_without_its_fraction_and_remarked_on() -> None:
    actions = [{"action_type": "purchase", "value": "7.5"}]

    read = reading_of(row(actions=actions), "EUR", "PURCHASE")

    assert (read.figures.conversions, read.remarks) == (7, (FigureRemark.ESTIMATED(),))


def test_an_ordinary_row_is_not_remarked_on() -> None:
    assert reading_of(row(), "EUR", "PURCHASE").remarks == ()
