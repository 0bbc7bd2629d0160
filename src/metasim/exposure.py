"""Exposure of groups of campaigns: the money that can still be spent, and the most it ever was.

The judge of the product's money promise: computed from the simulator's own records after every change.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from metasim.market.budget import daily_room, lifetime_left
from metasim.scenario import Account, Scenario
from metasim.state import AdSet, Campaign, Funded, State
from metasim.status import campaign_end, holds_budget
from metasim.times import local_day


@dataclass(frozen=True)
class Exposure:
    """Amounts in minor units; None means without bound."""

    spent: int
    could_still_spend: int | None
    total: int | None
    peak_total: int | None


class ExposureBook:
    """Tracks the peak of spent + could-still-spend for every group of campaigns."""

    def __init__(self, state: State, scenario: Scenario, group_pattern: str) -> None:
        self._state = state
        self._scenario = scenario
        self._pattern = re.compile(group_pattern)
        self.peaks: dict[str, int | None] = {}  # micros

    def name_group(self, campaign: Campaign) -> None:
        """Give a campaign its group at its creation or renaming; a group once found stays."""
        found = self._pattern.search(campaign.name)
        if found:
            campaign.group = found.group()
        elif not campaign.group:
            campaign.group = f"#{campaign.id}"

    def note(self, now_us: int) -> bool:
        """Update every group's peak; True if any rose."""
        totals: dict[str, int | None] = {}
        for campaign in self._state.of_kind(Campaign):
            could = self.could_still(campaign, now_us)
            spent = campaign.spent_micros
            totals[campaign.group] = _add(totals.get(campaign.group, 0), _add(spent, could))
        risen = {group: total for group, total in totals.items() if self._is_new_peak(group, total)}
        self.peaks.update(risen)
        return bool(risen)

    def of(self, text: str, now_us: int) -> Exposure:
        """Return the exposure of the campaigns whose name contains a text.

        The peak is that of their groups; with several groups it is the sum of peaks, an upper bound.
        """
        chosen = [campaign for campaign in self._state.of_kind(Campaign) if text in campaign.name]
        minor = self._minor(chosen)
        spent = sum(campaign.spent_micros for campaign in chosen)
        could: int | None = 0
        for campaign in chosen:
            could = _add(could, self.could_still(campaign, now_us))
        peak: int | None = 0
        for group in {campaign.group for campaign in chosen}:
            peak = _add(peak, self.peaks.get(group, 0))
        total, left = _whole(_add(spent, could), minor), _whole(could, minor)
        known = -(-spent // minor) if total is None or left is None else total - left
        return Exposure(known, left, total, _whole(peak, minor))

    def _is_new_peak(self, group: str, total: int | None) -> bool:
        known = self.peaks.get(group, 0)
        if group not in self.peaks:
            return True
        return known is not None and (total is None or total > known)

    def _minor(self, campaigns: list[Campaign]) -> int:
        accounts = {self._account(campaign).minor_micros for campaign in campaigns}
        return max(accounts, default=10_000)

    def _account(self, campaign: Campaign) -> Account:
        account = self._scenario.account(campaign.account_id)
        if account is None:
            raise KeyError(campaign.account_id)
        return account

    def could_still(self, campaign: Campaign, now_us: int) -> int | None:
        """Return what a campaign can still spend, in micros; None if there is no bound."""
        if campaign.status != "ACTIVE":
            return 0
        account = self._account(campaign)
        could: int | None = 0
        for node, start_us, end_us in self._budgets(campaign):
            could = _add(could, budget_left(node, account, max(start_us, now_us), end_us))
        if campaign.spend_cap is None:
            return could
        room = max(0, campaign.spend_cap * account.minor_micros - campaign.spent_micros)
        return room if could is None else min(room, could)

    def _budgets(self, campaign: Campaign) -> list[tuple[Funded, int, int | None]]:
        adsets = [each for each in self._state.children(AdSet, campaign.id) if each.status == "ACTIVE"]
        if adsets and holds_budget(campaign):
            start = min(adset.start_us for adset in adsets)
            return [(campaign, start, campaign_end(self._state, campaign))]
        return [(adset, adset.start_us, adset.end_us) for adset in adsets if holds_budget(adset)]


def budget_left(node: Funded, account: Account, from_us: int, end_us: int | None) -> int | None:
    """Return the most a budget can still spend, in micros; None if it is daily and open-ended.

    A daily budget counts 175 % of itself for every account day its schedule still touches, less today's spend.
    """
    if end_us is not None and end_us <= from_us:
        return 0
    if node.lifetime_budget is not None:
        return lifetime_left(node, account)
    if end_us is None:
        return None
    first, last = local_day(from_us, account.zone), local_day(end_us - 1, account.zone)
    later = max(0, (last - first) // timedelta(days=1))
    worst_day = (node.daily_budget or 0) * account.minor_micros * 7 // 4
    return daily_room(node, account, first) + later * worst_day


def _add(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _whole(micros: int | None, minor_micros: int) -> int | None:
    """Round up to minor units: exposure is never understated, and the total stays within whole-unit caps."""
    return None if micros is None else -(-micros // minor_micros)
