"""How quickly the simulated market runs: `python benchmarks/simulator/speed.py [live ad sets]`.

Two figures, both in CPU seconds of one process: eight variants over fourteen days with every late sale, for
every scenario asked for; and one simulated hour of an account with thousands of live ad sets, beyond what the
API would let one write at once, hence copied inside the world.
"""

import copy
import sys
import time

from metasim import SimulatorConfig
from metasim.state import Ad, AdSet, Campaign, Creative
from metasim.testing import Advertiser

SCENARIOS = ("demo", "ordinary", "people")
DAYS, LATE_DAYS = 14, 7
ADS_A_CAMPAIGN = 8


def fortnight(scenario: str) -> float:
    """Return the CPU seconds of eight variants in one campaign, 70 EUR a day each."""
    advertiser = Advertiser(SimulatorConfig(scenario=scenario))
    advertiser.split_test("ABCDEFGH", hours=24 * DAYS, lifetime_budget=98_000)
    began = time.process_time()
    advertiser.pass_time(hours=24 * (DAYS + LATE_DAYS))
    return time.process_time() - began


def crowd(scenario: str, ad_sets: int, hours: int = 3) -> float:
    """Return simulated hours per CPU second with so many live ad sets."""
    advertiser = Advertiser(SimulatorConfig(scenario=scenario))
    advertiser.split_test("ABCDEFGH", hours=24 * DAYS, lifetime_budget=98_000)
    for _ in range(ad_sets // ADS_A_CAMPAIGN - 1):
        _double(advertiser)
    advertiser.pass_time(hours=1)
    began = time.process_time()
    advertiser.pass_time(hours=hours)
    return hours / (time.process_time() - began)


def _double(advertiser: Advertiser) -> None:
    """Put another copy of the first campaign into the world."""
    state = advertiser.simulator.state
    first = next(iter(state.of_kind(Campaign)))
    campaign = copy.deepcopy(first)
    campaign.id = state.new_id()
    state.add(campaign)
    for adset in state.children(AdSet, first.id):
        twin = copy.deepcopy(adset)
        twin.id, twin.campaign_id = state.new_id(), campaign.id
        state.add(twin)
        for ad in state.children(Ad, adset.id):
            creative = copy.deepcopy(state.need(Creative, ad.creative_id))
            creative.id = state.new_id()
            state.add(creative)
            other = copy.deepcopy(ad)
            other.id, other.campaign_id, other.adset_id = state.new_id(), campaign.id, twin.id
            other.creative_id = creative.id
            state.add(other)


def main(ad_sets: int) -> None:
    """Print both figures."""
    for scenario in SCENARIOS:
        print(f"{scenario}: 8 variants, {DAYS} days and late sales: {fortnight(scenario):.2f} s CPU")
    for scenario in SCENARIOS[1:]:
        print(f"{scenario}: {ad_sets} live ad sets: {crowd(scenario, ad_sets):.2f} simulated hours per CPU s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
