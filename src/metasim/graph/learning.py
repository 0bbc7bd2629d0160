"""The learning stage of an active ad set: about fifty results within a week of its last significant edit end it."""

from typing import Any

from metasim.delivery_ledger import AdDay
from metasim.facts import CLICK_GOALS
from metasim.state import Ad, AdSet
from metasim.times import DAY, SECOND, STEP
from metasim.world import World

EVENTS_TO_LEARN = 50
WEEK_US = 7 * DAY
CLICKS, COUNT = 2, 0  # columns of the ledgers of delivery and of purchases
WINDOWS = {"CLICK_THROUGH": "click", "VIEW_THROUGH": "view", "ENGAGED_VIDEO_VIEW": "ev"}


def learning_stage(world: World, adset: AdSet, attribution: list[dict[str, Any]]) -> dict[str, Any]:
    """Return `learning_stage_info`: LEARNING, then SUCCESS, or FAIL when a week brought too few results."""
    edited_us = int(adset.learning.get("since_us", max(adset.start_us, adset.created_us)))
    until_us = min(world.figures_us, edited_us + WEEK_US)
    counted = results(world, adset, edited_us, until_us)
    status = "SUCCESS" if counted >= EVENTS_TO_LEARN else "LEARNING"
    if status == "LEARNING" and world.now_us > edited_us + WEEK_US:
        status = "FAIL"
    windows = [f"{row['window_days']}d_{WINDOWS[str(row['event_type'])]}" for row in attribution]
    return {
        "status": status,
        "conversions": counted,
        "last_sig_edit_ts": edited_us // SECOND,
        "attribution_windows": sorted(windows),
    }


def results(world: World, adset: AdSet, from_us: int, until_us: int) -> int:
    """Return how often what an ad set is optimised for was reported in a span: clicks, or purchases."""
    days = [
        day for ad in world.state.children(Ad, adset.id) for day in world.state.days.get(ad.id, {}).values()
    ]
    return sum(_results_of(day, adset.goal, from_us, until_us) for day in days)


def _results_of(day: AdDay, goal: str, from_us: int, until_us: int) -> int:
    book, column = (day.steps, CLICKS) if goal in CLICK_GOALS else (day.sales, COUNT)
    return sum(row[column] for step, row in book.items() if from_us <= step * STEP < until_us)
