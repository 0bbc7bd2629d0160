"""What the page for people shows: the clock, accounts, campaigns, what ads are truly worth, and the faults."""

from collections.abc import Callable, Mapping
from typing import Any

from metasim.engine import Simulator
from metasim.faults import Fault
from metasim.page import Table, page
from metasim.scenario import MICROS, Account
from metasim.state import Ad, Campaign
from metasim.status import effective_status
from metasim.times import SECOND, to_datetime

MOST_ROWS = 60
ACCOUNT_WORDS = {
    1: "active",
    2: "disabled",
    3: "unsettled",
    7: "risk review",
    8: "pending settlement",
    9: "grace period",
    100: "closing",
    101: "closed",
}
Row = Mapping[str, Any]


class Overview:
    """Draws the page of one simulator; `ad_truth` tells an ad's true worth."""

    def __init__(self, simulator: Simulator, ad_truth: Callable[[Ad], Row]) -> None:
        self._simulator = simulator
        self._ad_truth = ad_truth

    def page(self) -> str:
        """Return the page as it is now; the newest of what there is much of."""
        sim = self._simulator
        with sim.lock:
            now_us = sim.catch_up()
            sim.save()
            tables = (
                Table("Accounts", [self._account(each) for each in sim.scenario.accounts], "None."),
                self._campaigns(now_us),
                self._ads(now_us),
                Table(
                    "Planned faults", [_plan(each) for each in sim.faults.faults], "Nothing will go wrong."
                ),
                Table(
                    "Faults that happened",
                    [dict(entry) for entry in sim.faults.log[-MOST_ROWS:][::-1]],
                    "Nothing went wrong so far.",
                    len(sim.faults.log),
                ),
            )
            title = f"Simulator: {sim.scenario.name}"
            return page(title, self._facts(now_us), tables)

    def _facts(self, now_us: int) -> dict[str, str]:
        sim = self._simulator
        clock, behind_us = sim.clock, sim.clock.now_us() - now_us
        pace = "stands until it is moved"
        if clock.mode == "speed":
            pace = f"runs {clock.speed:g} times as fast as ours"
        return {
            "Simulated time": f"{to_datetime(now_us):%a %d %b %Y, %H:%M:%S} UTC",
            "Clock": pace,
            **({"Behind": f"{behind_us // SECOND} s"} if behind_us > clock.speed * SECOND else {}),
            "Seed": str(sim.config.seed),
            "Requests answered": f"{sim.calls:,}",
            "State": "in memory"
            if sim.config.state_path is None
            else f"kept in {sim.config.state_path.name}",
        }

    def _account(self, account: Account) -> Row:
        sim = self._simulator
        state = sim.state.accounts[account.id]
        campaigns = list(sim.state.of_kind(Campaign, account.id))
        return {
            "id": f"act_{account.id}",
            "name": account.name,
            "status": ACCOUNT_WORDS.get(state.account_status, str(state.account_status)),
            "time zone": account.timezone,
            "campaigns": len(campaigns),
            "of these active": sum(1 for each in campaigns if each.status == "ACTIVE"),
            "ads": sum(1 for _ in sim.state.of_kind(Ad, account.id)),
            "spent": state.spent_micros / MICROS,
            "currency": account.currency,
        }

    def _campaigns(self, now_us: int) -> Table:
        state = self._simulator.state
        campaigns = list(state.of_kind(Campaign))
        rows = [self._campaign(each, now_us) for each in campaigns[-MOST_ROWS:][::-1]]
        return Table("Campaigns", rows, "No campaign was made yet.", len(campaigns))

    def _campaign(self, campaign: Campaign, now_us: int) -> Row:
        sim = self._simulator
        account = sim.scenario.account(campaign.account_id)
        could = sim.exposure.could_still(campaign, now_us)
        return {
            "id": campaign.id,
            "name": campaign.name,
            "account": "" if account is None else account.name,
            "status": effective_status(sim.state, campaign, now_us),
            "ads": len(sim.state.children(Ad, campaign.id)),
            "spent": campaign.spent_micros / MICROS,
            "could still spend": "without bound" if could is None else could / MICROS,
            "currency": "" if account is None else account.currency,
        }

    def _ads(self, now_us: int) -> Table:
        ads = list(self._simulator.state.of_kind(Ad))
        rows = [self._ad(each, now_us) for each in ads[-MOST_ROWS:][::-1]]
        return Table("True worth of ads", rows, "No ad was made yet.", len(ads))

    def _ad(self, ad: Ad, now_us: int) -> Row:
        truth = self._ad_truth(ad)
        return {
            "id": ad.id,
            "name": ad.name,
            "headline": truth["title"],
            "status": effective_status(self._simulator.state, ad, now_us),
            "effects": truth["effects"],
            "CPM": truth["cpm"],
            "CTR": truth["ctr"],
            "CVR": truth["cvr"],
            "order": truth["aov"],
            "expected ROAS": truth["expected_roas"],
            "delivered ROAS": truth["realised"]["true_roas"],
            "spent": ad.spent_micros / MICROS,
        }


def _plan(fault: Fault) -> Row:
    limit = "for good" if fault.times is None else str(fault.times)
    return {
        "id": fault.id,
        "kind": fault.kind,
        "method": fault.method or "any",
        "path": fault.path_regex or "any",
        "after": fault.after,
        "times": limit,
        "rate": fault.rate,
        "details": ", ".join(f"{name}={value}" for name, value in fault.details.items()),
        "seen": fault.seen,
        "met": fault.fired,
    }
