"""The learning phase of an ad set: until about fifty results delivery is dearer and less even.

A significant edit begins it anew: other people, goal, bid or creative, a new ad, a budget changed by more than
a fifth, or a week's pause. Edits are noticed when delivery goes on, at the very moment of the write, because
every write first settles the market.
"""

import hashlib
from typing import Any

from metasim.parameters import MarketParameters
from metasim.state import Ad, AdSet, Campaign, Funded
from metasim.times import DAY

EVENTS_TO_LEARN = 50
PAUSE_US = 7 * DAY
BUDGET_STEP = 0.2
BID_FIELDS = ("bid_strategy", "bid_amount", "bid_constraints")


class LearningPhase:
    """Keeps every ad set's learning record up to date; the record is saved with the ad set."""

    def __init__(self, market: MarketParameters) -> None:
        self._market = market
        self._looked: dict[str, tuple[object, ...]] = {}

    def attend(self, campaign: Campaign, adset: AdSet, ads: list[Ad], start_us: int) -> bool:
        """Notice significant edits before delivery from a moment on; tell whether the record changed."""
        budget = _budget(adset) or _budget(campaign)
        look = (adset.updated_us, campaign.updated_us, budget, *((ad.id, ad.updated_us) for ad in ads))
        rested = start_us - int(adset.learning.get("last_us", start_us)) >= PAUSE_US
        if self._looked.get(adset.id) == look and not rested:
            return False
        self._looked[adset.id] = look
        settings = _settings(campaign, adset)
        shown = {ad.id: ad.creative_id for ad in ads}
        if not adset.learning:
            adset.learning = _beginning(settings, shown, budget, max(adset.start_us, adset.created_us))
        elif rested or _is_significant(adset.learning, settings, shown, budget):
            adset.learning = _beginning(settings, shown, budget, start_us)
        elif adset.learning["shown"] == shown:
            return False
        else:
            adset.learning["shown"] = shown
        return True

    def stage(self, adset: AdSet) -> float:
        """Return how much is still to be learnt: one at the beginning, zero after fifty results."""
        events = int(adset.learning.get("events", 0))
        return max(0.0, 1 - events / EVENTS_TO_LEARN)

    def cost(self, adset: AdSet) -> float:
        """Return the factor of the price of impressions."""
        return 1 + self._market.learning_cost * self.stage(adset)

    def note(self, adset: AdSet, start_us: int, results: int) -> None:
        """Count results of delivery at a moment."""
        adset.learning["events"] = int(adset.learning.get("events", 0)) + results
        adset.learning["last_us"] = start_us


def _beginning(settings: str, shown: dict[str, str], budget: int, since_us: int) -> dict[str, Any]:
    return {"settings": settings, "shown": shown, "budget": budget, "since_us": since_us, "events": 0}


def _is_significant(record: dict[str, Any], settings: str, shown: dict[str, str], budget: int) -> bool:
    known = record["shown"]
    if record["settings"] != settings or any(known.get(ad) != creative for ad, creative in shown.items()):
        return True
    return abs(budget - int(record["budget"])) > BUDGET_STEP * int(record["budget"])


def _settings(campaign: Campaign, adset: AdSet) -> str:
    bid = [adset.extra.get(name) for name in BID_FIELDS]
    words = repr((adset.extra.get("targeting"), adset.goal, bid, campaign.bid_strategy))
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _budget(node: Funded) -> int:
    return node.daily_budget or node.lifetime_budget or 0
