"""One insights row: figures spelled as Meta spells them, zero metrics left out, the same sale under three names."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from metasim.graph.figures import Figures
from metasim.scenario import MICROS, Account

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
CUSTOM = "custom conversion "
OTHER_EVENT = ("offsite_conversion.fb_pixel_custom",)


def event_names(event: str) -> tuple[str, ...]:
    """Return the action types under which an event is reported."""
    if event.startswith(CUSTOM):
        return (f"offsite_conversion.custom.{event.removeprefix(CUSTOM)}",)
    return EVENT_NAMES.get(event, OTHER_EVENT)


def metrics(
    by_event: dict[str, Figures],
    account: Account,
    landing_share: float,
    windows: tuple[str, ...] = (),
    people: int | None = None,
) -> Row:
    """Return all metrics of figures kept apart by conversion event; `people` saw them, if that is known."""
    total = sum(by_event.values(), Figures())
    spend = total.spend_micros / MICROS
    reach = _reach(total.impressions, people)
    row: Row = {
        "impressions": str(total.impressions),
        "spend": f"{spend:.2f}",
        "clicks": str(total.all_clicks),
        "inline_link_clicks": str(total.clicks),
        "unique_clicks": str(total.all_clicks),
        "unique_inline_link_clicks": str(total.clicks),
        "reach": str(reach),
        "inline_post_engagement": str(total.engagements + total.clicks),
        "frequency": _ratio(total.impressions, reach),
        "ctr": _ratio(total.all_clicks * 100, total.impressions),
        "inline_link_click_ctr": _ratio(total.clicks * 100, total.impressions),
        "cpc": _ratio(spend, total.all_clicks),
        "cost_per_inline_link_click": _ratio(spend, total.clicks),
        "cpm": _ratio(spend * 1000, total.impressions),
        "cpp": _ratio(spend * 1000, reach),
    }
    row.update(_actions(by_event, account, landing_share, spend))
    for window in windows:
        add_window(row, by_event, account, landing_share, window)
    return {name: value for name, value in row.items() if value not in (None, [], "0") or name in _ALWAYS}


def _reach(impressions: int, people: int | None) -> int:
    guess = round(impressions * PEOPLE_PER_IMPRESSION) if people is None else min(people, impressions)
    return max(1, guess) if impressions else 0


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


def add_window(
    row: Row, by_event: dict[str, Figures], account: Account, landing_share: float, window: str
) -> None:
    """Put one attribution window's value beside `value` in every action of a row; zero ones stay absent."""
    seen = {event: _within(figures, window) for event, figures in by_event.items()}
    spend = sum(figures.spend_micros for figures in by_event.values()) / MICROS
    other = _actions(seen, account, landing_share, spend)
    for name, stats in other.items():
        known = {stat["action_type"]: stat for stat in row.setdefault(name, [])}
        for stat in stats:
            entry = known.get(stat["action_type"])
            if entry is None:
                entry = {"action_type": stat["action_type"], "value": "0"}
                row[name].append(entry)
            entry[window] = stat["value"]


def _within(figures: Figures, window: str) -> Figures:
    """Return figures whose conversions are those of one window; by view there are no clicks."""
    if window == "1d_click":
        return replace(figures, conversions=figures.day_conversions, value_minor=figures.day_value_minor)
    if window == "7d_click":
        return replace(figures, conversions=figures.week_conversions, value_minor=figures.week_value_minor)
    if window == "28d_click":
        return replace(figures, conversions=figures.month_conversions, value_minor=figures.month_value_minor)
    if window == "1d_view":
        seen = Figures(spend_micros=figures.spend_micros)
        return replace(seen, conversions=figures.view_conversions, value_minor=figures.view_value_minor)
    return Figures(spend_micros=figures.spend_micros)


def _stats(values: dict[str, Any], spell: Callable[[Any], str]) -> list[dict[str, str]]:
    return [{"action_type": name, "value": spell(value)} for name, value in values.items() if value > 0]


def _roas(values: dict[str, float], name: str, spend: float) -> list[dict[str, str]]:
    return _stats({name: values.get(name, 0.0) / spend}, _decimal) if spend > 0 else []


def _decimal(value: float) -> str:
    return f"{value:.{DECIMALS}f}"


def _ratio(above: float, below: float) -> str | None:
    return _decimal(above / below) if below else None
