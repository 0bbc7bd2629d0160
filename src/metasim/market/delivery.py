"""Steps the market: spends budgets in quarter hours and lets the public see, click and buy.

A campaign is settled up to `flushed_us`. Clock steps settle whole quarter hours; a write to a campaign first
settles it up to that very moment, so figures depend on the writes and their moments, not on how time was moved.
"""

from collections.abc import Callable, Iterator

from metasim.facts import DELIVERABLE_ACCOUNT_STATUSES
from metasim.market.budget import Pacing, Span
from metasim.market.creative_tests import CreativeTests
from metasim.market.effects import EffectBook
from metasim.market.noise import NoiseBook
from metasim.market.offers import Offer, Offers
from metasim.market.population import Population
from metasim.market.public import Exposed, Public
from metasim.scenario import Account, Scenario
from metasim.state import Ad, AdSet, Campaign, Funded, State, Study
from metasim.status import campaign_end, holds_budget
from metasim.times import STEP, day_name, floor_step


class Market:
    """Moves the world's deliveries forward."""

    def __init__(self, state: State, scenario: Scenario, seed: int) -> None:
        self._state = state
        self._scenario = scenario
        self.accounts = {account.id: account for account in scenario.accounts}
        noise = NoiseBook(seed)
        self.population = None if scenario.population is None else Population(scenario.population)
        self.effects = EffectBook(scenario, seed)
        self.offers = Offers(state, scenario, noise, self.effects, self.population)
        self._pacing = Pacing(noise, scenario.market)
        self.tests = CreativeTests(state, self._pacing)
        self._public = Public(noise, scenario.market, self.population)

    def advance(self, from_us: int, to_us: int, after_step: Callable[[int], None]) -> None:
        """Settle every live campaign at each quarter hour in (from, to]; call `after_step` with each such hour."""
        boundary = floor_step(from_us) + STEP
        live = list(self._live(boundary - STEP))
        while boundary <= to_us and live:
            for campaign in live:
                self._flush(campaign, boundary)
            after_step(boundary)
            live = [campaign for campaign in live if self._is_live(campaign, boundary)]
            boundary += STEP
        self._public.close()

    def flush(self, campaign: Campaign, until_us: int) -> None:
        """Settle one campaign up to a moment."""
        self._flush(campaign, until_us)
        self._public.close()

    def _flush(self, campaign: Campaign, until_us: int) -> None:
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
        account = self.accounts.get(campaign.account_id)
        if account is None:
            return
        if holds_budget(campaign):
            offers = [each for adset in self._adsets(campaign) for each in self._made(campaign, adset, span)]
            self._spend(campaign, campaign, account, offers, campaign_end(self._state, campaign))
            return
        for adset in self._adsets(campaign):
            if holds_budget(adset):
                self._spend(campaign, adset, account, self._made(campaign, adset, span), adset.end_us)

    def _adsets(self, campaign: Campaign) -> list[AdSet]:
        return [adset for adset in self._state.children(AdSet, campaign.id) if adset.status == "ACTIVE"]

    def _made(self, campaign: Campaign, adset: AdSet, span: Span) -> list[Offer]:
        ads = self._state.children(Ad, adset.id)
        parts = [(ad, part) for ad in ads if (part := _part(ad, adset, span)) is not None]
        if not parts:
            return []
        if self.offers.learning.attend(campaign, adset, ads, parts[0][1].start_us):
            self._state.touch(adset)
        return [self.offers.make(ad, adset, campaign, part) for ad, part in parts]

    def _spend(
        self, campaign: Campaign, budget: Funded, account: Account, offers: list[Offer], end_us: int | None
    ) -> None:
        if not offers:
            return
        whole = offers[0].span
        if len(offers) > 1:
            whole = Span(min(each.span.start_us for each in offers), max(each.span.end_us for each in offers))
        pace = sum(each.truth.pace for each in offers) / len(offers)
        wanted = self._pacing.wanted(budget, account, whole, end_us, pace)
        wanted = min(wanted, self._room(campaign, account))
        shares = self._tested(offers, account, wanted) or _divided(wanted, offers)
        for offer, share in zip(offers, shares, strict=True):
            if share > 0 and self.offers.accepted(offer, campaign, account):
                self._pay(campaign, account, offer, share)
                self._charge_test(offer, account, share)

    def _tested(self, offers: list[Offer], account: Account, wanted: int) -> list[int] | None:
        """Return what each offer gets where some are in a creative test, which come first; else None."""
        if not self._state.has(Study):
            return None
        tests = [self.tests.of(each.ad, each.span.start_us) for each in offers]
        if not any(tests):
            return None
        own = [
            0 if test is None else self.tests.wanted(*test, account, offer.span)
            for test, offer in zip(tests, offers, strict=True)
        ]
        scale = min(1.0, wanted / sum(own)) if sum(own) else 1.0
        own = [int(micros * scale) for micros in own]
        free = [offer for offer, test in zip(offers, tests, strict=True) if test is None]
        rest = iter(_divided(wanted - sum(own), free))
        return [next(rest) if test is None else micros for micros, test in zip(own, tests, strict=True)]

    def _charge_test(self, offer: Offer, account: Account, micros: int) -> None:
        test = self.tests.of(offer.ad, offer.span.start_us) if self._state.has(Study) else None
        if test is not None:
            self.tests.pay(test[0], account, offer.span.start_us, micros)

    def _room(self, campaign: Campaign, account: Account) -> int:
        holder = self._state.accounts[account.id]
        rooms = []
        if campaign.spend_cap is not None:
            rooms.append(campaign.spend_cap * account.minor_micros - campaign.spent_micros)
        if holder.spend_cap:
            rooms.append(holder.spend_cap * account.minor_micros - holder.spent_micros)
        return max(0, min(rooms, default=2**62))

    def _pay(self, campaign: Campaign, account: Account, offer: Offer, micros: int) -> None:
        ad, adset, start_us = offer.ad, offer.adset, offer.span.start_us
        day = day_name(start_us, account.zone)
        campaign.pay(day, micros)
        adset.pay(day, micros)
        ad.spent_micros += micros
        holder = self._state.accounts[account.id]
        holder.spent_micros += micros
        ledger = self._state.day(ad.id, day)
        exposed = Exposed(
            ad.id,
            offer.truth,
            offer.span,
            micros,
            offer.profile.window_hours,
            offer.profile.counts_views,
            offer.study > 0,
            self.offers.learning.stage(adset),
            offer.base,
            offer.scene,
        )
        response = self._public.respond(exposed, account, ledger)
        self.offers.note(offer, micros, response, account)
        self._state.touch(campaign, adset, ad, holder, ledger)


def _divided(wanted: int, offers: list[Offer]) -> list[int]:
    """Return how a budget's money is divided among offers by their weights."""
    if len(offers) == 1:
        return [wanted]
    total = sum(each.weight for each in offers) or 1.0  # nobody is weighed where nobody buys
    return [int(wanted * offer.weight / total) for offer in offers]


def _part(ad: Ad, adset: AdSet, span: Span) -> Span | None:
    """Return the part of a span in which an ad may run."""
    if ad.status != "ACTIVE" or ad.refused or ad.reviewed_us is None:
        return None
    start = max(span.start_us, adset.start_us, ad.reviewed_us)
    end = span.end_us if adset.end_us is None else min(span.end_us, adset.end_us)
    return Span(start, end) if start < end else None
