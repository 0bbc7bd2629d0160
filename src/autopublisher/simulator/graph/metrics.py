"""One insights row: figures spelled as Meta spells them, zero metrics left out, the same sale under three names."""

from collections.abc import Callable
from typing import Any

from autopublisher.simulator.graph.figures import Figures
from autopublisher.simulator.scenario import MICROS, Account

Row = dict[str, Any]
PEOPLE_PER_IMPRESSION = 0.8  # rough share of impressions that reach somebody new
DECIMALS = 6

# What each conversion event is called; every name reports the same events.
EVENT_NAMES = {
    "PURCHASE": ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase"),
    "LEAD": ("lead", "offsite_conversion.fb_pixel_lead"),
    "ADD_TO_CART": ("add_to_cart", "omni_add_to_cart", "offsite_conversion.fb_pixel_add_to_cart"),
    "INITIATED_CHECKOUT": (
        "initiate_checkout",
        "omni_initiated_checkout",
        "offsite_conversion.fb_pixel_initiate_checkout",
    ),
    "COMPLETE_REGISTRATION": (
        "complete_registration",
        "omni_complete_registration",
        "offsite_conversion.fb_pixel_complete_registration",
    ),
}
OTHER_EVENT = ("offsite_conversion.fb_pixel_custom",)


def event_names(event: str) -> tuple[str, ...]:
    """Return the action types under which an event is reported."""
    return EVENT_NAMES.get(event, OTHER_EVENT)


def metrics(by_event: dict[str, Figures], account: Account, landing_share: float) -> Row:
    """Return all metrics of figures kept apart by conversion event."""
    total = sum(by_event.values(), Figures())
    spend = total.spend_micros / MICROS
    reach = max(1, round(total.impressions * PEOPLE_PER_IMPRESSION)) if total.impressions else 0
    row: Row = {
        "impressions": str(total.impressions),
        "spend": f"{spend:.2f}",
        "clicks": str(total.clicks),
        "inline_link_clicks": str(total.clicks),
        "unique_clicks": str(total.clicks),
        "reach": str(reach),
        "inline_post_engagement": str(total.engagements + total.clicks),
        "frequency": _ratio(total.impressions, reach),
        "ctr": _ratio(total.clicks * 100, total.impressions),
        "inline_link_click_ctr": _ratio(total.clicks * 100, total.impressions),
        "cpc": _ratio(spend, total.clicks),
        "cost_per_inline_link_click": _ratio(spend, total.clicks),
        "cpm": _ratio(spend * 1000, total.impressions),
        "cpp": _ratio(spend * 1000, reach),
    }
    row.update(_actions(by_event, account, landing_share, spend))
    return {name: value for name, value in row.items() if value not in (None, [], "0") or name in _ALWAYS}


_ALWAYS = frozenset({"impressions", "spend", "clicks"})


def _actions(by_event: dict[str, Figures], account: Account, landing_share: float, spend: float) -> Row:
    total = sum(by_event.values(), Figures())
    counts = {
        "link_click": total.clicks,
        "landing_page_view": int(total.clicks * landing_share),
        "post_engagement": total.clicks + total.engagements,
        "page_engagement": total.clicks + total.engagements,
    }
    values: dict[str, float] = {}
    for event, figures in by_event.items():
        for name in event_names(event):
            counts[name] = counts.get(name, 0) + figures.conversions
            worth = figures.value_minor * account.minor_micros / MICROS
            values[name] = values.get(name, 0.0) + (worth if event == "PURCHASE" else 0.0)
    present = {name: count for name, count in counts.items() if count > 0}
    return {
        "actions": _stats(present, str),
        "action_values": _stats(values, lambda value: f"{value:.2f}"),
        "cost_per_action_type": _stats({name: spend / count for name, count in present.items()}, _decimal),
        "purchase_roas": _roas(values, "omni_purchase", spend),
        "website_purchase_roas": _roas(values, "offsite_conversion.fb_pixel_purchase", spend),
    }


def _stats(values: dict[str, Any], spell: Callable[[Any], str]) -> list[dict[str, str]]:
    return [{"action_type": name, "value": spell(value)} for name, value in values.items() if value > 0]


def _roas(values: dict[str, float], name: str, spend: float) -> list[dict[str, str]]:
    return _stats({name: values.get(name, 0.0) / spend}, _decimal) if spend > 0 else []


def _decimal(value: float) -> str:
    return f"{value:.{DECIMALS}f}"


def _ratio(above: float, below: float) -> str | None:
    return _decimal(above / below) if below else None
