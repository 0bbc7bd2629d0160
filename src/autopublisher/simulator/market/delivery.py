"""Steps the market: spends budgets in quarter hours and lets the public see, click and buy.

A campaign is settled up to `flushed_us`. Clock steps settle whole quarter hours; a write to a campaign first
settles it up to that very moment, so figures depend on the writes and their moments, not on how time was moved.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autopublisher.simulator.facts import DELIVERABLE_ACCOUNT_STATUSES
from autopublisher.simulator.market.budget import Pacing, Span
from autopublisher.simulator.market.effects import EffectBook, Truth, content_of
from autopublisher.simulator.market.noise import NoiseBook
from autopublisher.simulator.market.public import Exposed, Public
from autopublisher.simulator.scenario import Account, Scenario
from autopublisher.simulator.state import Ad, AdSet, Campaign, Funded, State, Study, StudyCell
from autopublisher.simulator.status import campaign_end, holds_budget
from autopublisher.simulator.times import HOUR, STEP, floor_step, local_day


@dataclass(frozen=True)
class Slot:
    """An ad's part of a span: when it may run, and how strongly Meta prefers it."""

    ad: Ad
    adset: AdSet
    span: Span
    weight: float
    truth: Truth


class Market:
    """Moves the world's deliveries forward."""

    def __init__(self, state: State, scenario: Scenario, seed: int) -> None:
        self._state = state
        self._scenario = scenario
        noise = NoiseBook(seed)
        self.effects = EffectBook(scenario, seed)
        self._pacing = Pacing(noise, scenario.market)
        self._public = Public(noise, scenario.market)
        self._noise = noise

    def advance(self, from_us: int, to_us: int, after_step: Callable[[int], None]) -> None:
        """Settle every live campaign at each quarter hour in (from, to]; call `after_step` with each such hour."""
        boundary = floor_step(from_us) + STEP
        live = list(self._live(boundary - STEP))
        while boundary <= to_us and live:
            for campaign in live:
                self.flush(campaign, boundary)
            after_step(boundary)
            live = [campaign for campaign in live if self._is_live(campaign, boundary)]
            boundary += STEP

    def flush(self, campaign: Campaign, until_us: int) -> None:
        """Settle one campaign up to a moment."""
        start = campaign.flushed_us
        if until_us <= start:
            return
        campaign.flushed_us = until_us
        if not self._is_live(campaign, start):
            return
        while start < until_us:
            end = min(until_us, floor_step(start) + STEP)
            self._deliver(campaign, Span(start, end))
            start = end
        self._state.touch(campaign)

    def _live(self, now_us: int) -> Iterator[Campaign]:
        return (each for each in self._state.of_kind(Campaign) if self._is_live(each, now_us))

    def _is_live(self, campaign: Campaign, now_us: int) -> bool:
        if campaign.status != "ACTIVE" or not self._account_delivers(campaign.account_id):
            return False
        end = campaign_end(self._state, campaign)
        ads = self._state.children(Ad, campaign.id)
        return (end is None or end > now_us) and any(ad.status == "ACTIVE" for ad in ads)

    def _account_delivers(self, account_id: str) -> bool:
        return self._state.accounts[account_id].account_status in DELIVERABLE_ACCOUNT_STATUSES

    def _deliver(self, campaign: Campaign, span: Span) -> None:
        account = self._scenario.account(campaign.account_id)
        if account is None:
            return
        if holds_budget(campaign):
            slots = [slot for adset in self._adsets(campaign) for slot in self._slots(adset, span)]
            self._spend(campaign, campaign, account, slots, campaign_end(self._state, campaign))
            return
        for adset in self._adsets(campaign):
            if holds_budget(adset):
                self._spend(campaign, adset, account, self._slots(adset, span), adset.end_us)

    def _adsets(self, campaign: Campaign) -> list[AdSet]:
        return [adset for adset in self._state.children(AdSet, campaign.id) if adset.status == "ACTIVE"]

    def _slots(self, adset: AdSet, span: Span) -> list[Slot]:
        slots = []
        for ad in self._state.children(Ad, adset.id):
            if ad.status != "ACTIVE" or ad.refused or ad.reviewed_us is None:
                continue
            start = max(span.start_us, adset.start_us, ad.reviewed_us)
            end = span.end_us if adset.end_us is None else min(span.end_us, adset.end_us)
            if start < end:
                slots.append(self._slot(ad, adset, Span(start, end)))
        return slots

    def _slot(self, ad: Ad, adset: AdSet, span: Span) -> Slot:
        truth = self.effects.truth(content_of(self._state, ad))
        taste = self._noise.gamma(0.3, "preference", ad.id, span.start_us // (96 * STEP))
        weight = truth.ctr * truth.cvr * taste * (span.end_us - span.start_us)
        age_hours = (span.start_us - (ad.reviewed_us or 0)) / HOUR
        return Slot(ad, adset, span, weight, self.effects.truth_at(content_of(self._state, ad), age_hours))

    def _spend(
        self, campaign: Campaign, budget: Funded, account: Account, slots: list[Slot], end_us: int | None
    ) -> None:
        if not slots:
            return
        whole = Span(min(slot.span.start_us for slot in slots), max(slot.span.end_us for slot in slots))
        pace = sum(slot.truth.pace for slot in slots) / len(slots)
        wanted = self._pacing.wanted(budget, account, whole, end_us, pace)
        wanted = min(wanted, self._room(campaign, account))
        total = sum(slot.weight for slot in slots) or 1.0  # nobody is weighed where nobody buys
        for slot in slots:
            share = int(wanted * slot.weight / total) if len(slots) > 1 else wanted
            if share > 0:
                self._pay(campaign, account, slot, share)

    def _room(self, campaign: Campaign, account: Account) -> int:
        holder = self._state.accounts[account.id]
        rooms = []
        if campaign.spend_cap is not None:
            rooms.append(campaign.spend_cap * account.minor_micros - campaign.spent_micros)
        if holder.spend_cap:
            rooms.append(holder.spend_cap * account.minor_micros - holder.spent_micros)
        return max(0, min(rooms, default=2**62))

    def _pay(self, campaign: Campaign, account: Account, slot: Slot, micros: int) -> None:
        day = local_day(slot.span.start_us, account.zone).isoformat()
        campaign.pay(day, micros)
        slot.adset.pay(day, micros)
        slot.ad.spent_micros += micros
        holder = self._state.accounts[account.id]
        holder.spent_micros += micros
        ledger = self._state.day(slot.ad.id, day)
        exposed = Exposed(
            slot.ad.id, slot.truth, slot.span, micros, click_window_hours(slot.adset), self._divided(slot)
        )
        self._public.respond(exposed, account, ledger)
        self._state.touch(campaign, slot.adset, slot.ad, holder, ledger)

    def _divided(self, slot: Slot) -> bool:
        ad, start_us = slot.ad, slot.span.start_us
        for member in (ad.id, ad.adset_id, ad.campaign_id, ad.account_id):
            for cell in self._state.children(StudyCell, member):
                study = self._state.need(Study, cell.study_id)
                until_us = study.end_us if study.cancelled_us is None else study.cancelled_us
                if study.start_us <= start_us < until_us:
                    return True
        return False


def click_window_hours(adset: AdSet) -> float:
    """Return how long after a click a sale still counts, by the ad set's attribution setting."""
    spec = adset.extra.get("attribution_spec") or [{"event_type": "CLICK_THROUGH", "window_days": 7}]
    days = [int(row["window_days"]) for row in spec if row.get("event_type") == "CLICK_THROUGH"]
    return 24.0 * max(days, default=1)
