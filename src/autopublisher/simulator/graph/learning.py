"""The learning stage of an active ad set: about fifty results in a week end it."""

from datetime import timedelta
from typing import Any

from autopublisher.simulator.graph.figures import ads_figures
from autopublisher.simulator.state import Ad, AdSet
from autopublisher.simulator.times import SECOND, local_day
from autopublisher.simulator.world import World

EVENTS_TO_LEARN = 50
WEEK = timedelta(days=7)


def learning_stage(world: World, adset: AdSet) -> dict[str, Any]:
    """Return `learning_stage_info`: LEARNING, then SUCCESS, or FAIL when a week brought too few results."""
    account = world.account_of(adset)
    started = int(adset.learning.get("since_us", max(adset.start_us, adset.created_us)))
    first = local_day(started, account.zone)
    ads = [ad.id for ad in world.state.children(Ad, adset.id)]
    last = first + WEEK
    counted = ads_figures(world.state, ads, first.isoformat(), last.isoformat(), world.figures_us).conversions
    status = "SUCCESS" if counted >= EVENTS_TO_LEARN else "LEARNING"
    if status == "LEARNING" and local_day(world.now_us, account.zone) > last:
        status = "FAIL"
    return {"status": status, "conversions": counted, "last_sig_edit_ts": started // SECOND}
