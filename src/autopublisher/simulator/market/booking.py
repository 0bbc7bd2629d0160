"""Books purchases at the steps of their reports: windows, loss, recovery, refunds.

What is unreported, recovered or refunded is drawn from streams of its own, so a market without them draws as if
they did not exist.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autopublisher.simulator.market.noise import Dice
from autopublisher.simulator.parameters import MarketParameters
from autopublisher.simulator.state import AdDay
from autopublisher.simulator.times import DAY, HOUR, STEP

Moments = NDArray[np.int64]
Flags = NDArray[np.bool_]
Book = dict[int, list[int]]
WEEK, MONTH = 7 * DAY, 28 * DAY


@dataclass(frozen=True)
class Sales:
    """Purchases of one ad's quarter hour, one entry each; microseconds and minor units."""

    ad_id: str
    start_us: int
    moments: Moments  # of the click or the view
    delays: Moments  # to the purchase and its report
    values: NDArray[np.int64]
    taken_back: Flags
    unreported: NDArray[np.float64]  # how likely each is never reported


@dataclass(frozen=True)
class _Reports:
    """When each purchase is reported, taken back or paid back, in steps."""

    steps: Moments
    known: Flags
    back: Moments
    refunded: Flags
    refunds: Moments


class Booking:
    """Enters purchases into the ledgers."""

    def __init__(self, seed: int, market: MarketParameters) -> None:
        self._dice = Dice(seed)
        self._market = market

    def clicks(self, ledger: AdDay, sales: Sales, window_hours: float) -> None:
        """Book purchases by click; those after the ad set's own window only stand beside it."""
        reports = self._reports(sales, "click")
        delays = sales.delays
        counted = delays <= int(window_hours * HOUR)
        self._enter(ledger.sales, sales, reports, counted)
        self._enter(ledger.within_day, sales, reports, delays <= DAY)
        self._enter(ledger.uncounted, sales, reports, ~counted & (delays <= WEEK))
        self._enter(ledger.late, sales, reports, ~counted & (delays > WEEK) & (delays <= MONTH))

    def views(self, ledger: AdDay, sales: Sales, *, counted: bool) -> None:
        """Book purchases within a day of seeing an ad, without a click."""
        reports = self._reports(sales, "view")
        everyone = np.ones(len(sales.delays), dtype=np.bool_)
        if counted:
            self._enter(ledger.sales, sales, reports, everyone)
        self._enter(ledger.views if counted else ledger.other_views, sales, reports, everyone)

    def _reports(self, sales: Sales, kind: str) -> _Reports:
        market, count = self._market, len(sales.delays)
        steps = (sales.moments + sales.delays) // STEP
        none = np.zeros(count, dtype=np.bool_)
        known, refunded, refunds = ~none, none, steps
        if sales.unreported.any():
            rng = self._dice.throw("loss", kind, sales.ad_id, sales.start_us)
            lost = rng.random(count) < sales.unreported
            found = lost & (rng.random(count) < market.recovered_share)
            known = ~lost | found
            steps = np.where(found, steps + int(market.recovered_hours * HOUR) // STEP, steps)
        if market.refund_rate > 0:
            rng = self._dice.throw("refund", kind, sales.ad_id, sales.start_us)
            refunded = rng.random(count) < market.refund_rate
            wait = rng.exponential(market.refund_hours * HOUR, count).astype(np.int64)
            refunds = steps + wait // STEP
        back = steps + int(market.restatement_hours * HOUR) // STEP
        return _Reports(steps, known, back, refunded & ~sales.taken_back, refunds)

    def _enter(self, book: Book, sales: Sales, reports: _Reports, chosen: Flags) -> None:
        chosen = chosen & reports.known
        _book(book, reports.steps, sales.values, chosen, (1, 1))
        if self._market.restatement_rate > 0:
            _book(book, reports.back, sales.values, chosen & sales.taken_back, (-1, -1))
        if self._market.refund_rate > 0:
            _book(book, reports.refunds, sales.values, chosen & reports.refunded, (0, -1))


def _book(
    book: Book, steps: Moments, values: NDArray[np.int64], chosen: Flags, signs: tuple[int, int]
) -> None:
    count, sign = signs
    for step, value in zip(steps[chosen].tolist(), values[chosen].tolist(), strict=True):
        known = book.get(step)
        if known is None:
            book[step] = [count, sign * value]
        else:  # in place: this is the market's innermost loop
            known[0] += count
            known[1] += sign * value
