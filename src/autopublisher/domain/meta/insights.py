"""Insights rows read into figures: strings to whole numbers, absent to zero, one name per sale.

Meta reports the same purchase under several action types; adding them up would count it several times over. So exactly
one type of a family is read, the widest that the row has.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from autopublisher.domain.amounts import Money, offset_of
from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.records import Figures
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import FigureRemark, MetaFault

PURCHASE_TYPES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
"""The names of one sale, the widest first."""

_TOO_LARGE = 10**15
"""More than any metric of Meta's reaches; what lies above would not fit where it is kept."""

_PIXEL = "offsite_conversion.fb_pixel_"

ACTION_TYPES: Mapping[str, tuple[str, ...]] = {
    "ADD_PAYMENT_INFO": ("add_payment_info", f"{_PIXEL}add_payment_info"),
    "ADD_TO_CART": ("omni_add_to_cart", "add_to_cart", f"{_PIXEL}add_to_cart"),
    "ADD_TO_WISHLIST": ("add_to_wishlist", f"{_PIXEL}add_to_wishlist"),
    "COMPLETE_REGISTRATION": (
        "omni_complete_registration",
        "complete_registration",
        f"{_PIXEL}complete_registration",
    ),
    "CONTACT": ("contact_total", "contact_website", f"{_PIXEL}contact"),
    "CONTENT_VIEW": ("omni_view_content", "view_content", f"{_PIXEL}view_content"),
    "INITIATED_CHECKOUT": ("omni_initiated_checkout", "initiate_checkout", f"{_PIXEL}initiate_checkout"),
    "LEAD": ("lead", f"{_PIXEL}lead"),
    "OTHER": (f"{_PIXEL}custom",),
    "PURCHASE": PURCHASE_TYPES,
    "SCHEDULE": ("schedule_total", "schedule_website", f"{_PIXEL}schedule"),
    "SEARCH": ("omni_search", "search", f"{_PIXEL}search"),
    "START_TRIAL": ("start_trial_total", "start_trial_website", f"{_PIXEL}start_trial"),
    "SUBMIT_APPLICATION": (
        "submit_application_total",
        "submit_application_website",
        f"{_PIXEL}submit_application",
    ),
    "SUBSCRIBE": ("subscribe_total", "subscribe_website", f"{_PIXEL}subscribe"),
}
"""Conversion event -> the action types that all count it, the widest first."""


def action_types(conversion_event: str) -> tuple[str, ...]:
    """Return the action types that all mean this event, in order of preference."""
    event = conversion_event.upper()
    return ACTION_TYPES.get(event, (f"{_PIXEL}{event.lower()}",))


@dataclass(frozen=True)
class InsightsRow:
    """What Meta reports of one object over a period: ``metrics`` by Meta's names, money and counts as Meta's strings."""

    object_id: MetaId
    metrics: Mapping[str, Any]

    @property
    def has_delivery(self) -> bool:
        """Whether anything was spent or shown; a figure that cannot be read may be more than nothing."""
        return any(_may_be_some(self.metrics.get(name)) for name in ("spend", "impressions"))


def _may_be_some(figure: Any) -> bool:
    try:
        return Decimal(str(figure or 0)) != 0
    except InvalidOperation:
        return True


@dataclass(frozen=True)
class Reading:
    """A row's figures, and what of them had to be read otherwise than it was written."""

    figures: Figures
    remarks: tuple[Message, ...] = ()


def reading_of(row: InsightsRow, currency: str, conversion_event: str) -> Reading:
    """Return a row's figures; money in minor units, spend rounded up and revenue down, so neither flatters.

    Refunds above sales make a revenue negative, and counts that Meta has estimated may have a fraction, which is left out;
    both are remarked on. Raises MetaReadError for a figure that cannot be read: this one proves nothing.
    """
    metrics, types = row.metrics, action_types(conversion_event)
    revenue = _amount("action_values", _first_of(metrics, "action_values", types))
    conversions = _decimal("actions", _first_of(metrics, "actions", types))
    figures = Figures(
        spend=Money.at_least(_decimal("spend", metrics.get("spend")), currency).minor,
        impressions=_whole("impressions", metrics.get("impressions")),
        clicks=_whole("inline_link_clicks", metrics.get("inline_link_clicks")),
        conversions=int(conversions),
        revenue=math.floor(revenue * offset_of(currency)),
        engagements=_whole("inline_post_engagement", metrics.get("inline_post_engagement")),
    )
    refunded = (FigureRemark.REFUNDED(),) if revenue < 0 else ()
    estimated = (FigureRemark.ESTIMATED(),) if conversions % 1 else ()
    return Reading(figures, (*refunded, *estimated))


def spend_of(row: InsightsRow | None) -> Decimal:
    """Return what a row says was spent, in major units, nothing without a row; raises MetaReadError as ``reading_of``."""
    return Decimal(0) if row is None else _decimal("spend", row.metrics.get("spend"))


def figures_of(row: InsightsRow, currency: str, conversion_event: str) -> Figures:
    """Return the figures of ``reading_of`` alone."""
    return reading_of(row, currency, conversion_event).figures


def _entries(metrics: Mapping[str, Any], metric: str) -> Sequence[Mapping[str, Any]]:
    entries = metrics.get(metric)
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise _unreadable(metric, entries)
    return entries


def _first_of(metrics: Mapping[str, Any], metric: str, types: Sequence[str]) -> object:
    """Return the value of the first action type the row has, None where Meta left them all out as zero."""
    values = {entry.get("action_type"): entry.get("value") for entry in _entries(metrics, metric)}
    return next((values[name] for name in types if name in values), None)


def _amount(metric: str, value: object) -> Decimal:
    """Read an amount; absent means zero."""
    if value is None:
        return Decimal(0)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= _TOO_LARGE:
        raise _unreadable(metric, value)
    return amount


def _decimal(metric: str, value: object) -> Decimal:
    """Read an amount that is never negative."""
    amount = _amount(metric, value)
    if amount < 0:
        raise _unreadable(metric, value)
    return amount


def _whole(metric: str, value: object) -> int:
    amount = _decimal(metric, value)
    if amount % 1:
        raise _unreadable(metric, value)
    return int(amount)


def _unreadable(metric: str, value: object) -> MetaReadError:
    return MetaReadError(MetaFault.FIGURE(name=metric, value=f"{value!r:.80}"))
