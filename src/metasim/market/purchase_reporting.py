"""Reporting of purchases, booked at the steps of their reports: windows, loss, recovery, refunds.

What is drawn, is drawn quarter hour by quarter hour, each from its own stream; what follows from the draws is
worked out for many quarter hours at once, before anybody looks. What is unreported, recovered or refunded is drawn
from streams of its own, so a market without them draws as if they did not exist.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasim.delivery_ledger import AdDay
from metasim.market.noise import RandomStreams
from metasim.market.population import Cells
from metasim.market.reporting_delay import spread_delays
from metasim.parameters import MarketParameters
from metasim.scenario import MICROS
from metasim.times import DAY, HOUR, STEP

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
Books = Callable[[AdDay], dict[int, list[int]]]
WEEK, MONTH = 7 * DAY, 28 * DAY
LOTS_AT_ONCE = 4096


@dataclass(slots=True)
class Lot:
    """Purchases of one ad's quarter hour, as drawn; microseconds, money as the draws' scale says."""

    ledger: AdDay
    ad_id: str
    start_us: int
    length_us: int
    count: int
    uniform: Cells  # when within the span, then what decides the delay
    normal: Cells  # what decides the values
    taken_back: Cells | None  # by chance
    mean: float | Cells  # of an order, major units
    minor_micros: int
    delay: float  # stretches the delays
    window_us: int  # in which a click counts; for views, whether they count (0 or 1)
    unreported: float | Cells  # how likely each is never reported
    lost: Flags | None = None
    found: Flags | None = None
    refunded: Flags | None = None
    waits: Whole | None = None  # steps until the money goes back


class Booking:
    """Enters purchases into the ledgers; `close` is to be called before anybody reads them."""

    def __init__(self, seed: int, market: MarketParameters) -> None:
        self._streams = RandomStreams(seed)
        self._market = market
        self._clicks: list[Lot] = []
        self._views: list[Lot] = []

    @property
    def is_full(self) -> bool:
        """Whether enough is waiting to be worked out."""
        return len(self._clicks) + len(self._views) >= LOTS_AT_ONCE

    def clicks(self, lot: Lot) -> None:
        """Take purchases by click."""
        self._foresee(lot, "click")
        self._clicks.append(lot)

    def views(self, lot: Lot) -> None:
        """Take purchases within a day of seeing an ad, without a click."""
        self._foresee(lot, "view")
        self._views.append(lot)

    def close(self) -> list[Whole]:
        """Enter everything that was taken; return the values of each lot of purchases by click, in order."""
        clicks, views = self._clicks, self._views
        self._clicks, self._views = [], []
        if views:
            self._book_views(views)
        return self._book_clicks(clicks) if clicks else []

    def _foresee(self, lot: Lot, kind: str) -> None:
        """Draw what becomes of the reports, where anything can."""
        market, count = self._market, lot.count
        if np.any(lot.unreported):
            rng = self._streams.throw("loss", kind, lot.ad_id, lot.start_us)
            lot.lost = rng.random(count) < lot.unreported
            lot.found = lot.lost & (rng.random(count) < market.recovered_share)
        if market.refund_rate > 0:
            rng = self._streams.throw("refund", kind, lot.ad_id, lot.start_us)
            lot.refunded = rng.random(count) < market.refund_rate
            lot.waits = rng.exponential(market.refund_hours * HOUR, count).astype(np.int64) // STEP

    def _book_clicks(self, lots: list[Lot]) -> list[Whole]:
        pile = _Pile(lots, self._market)
        soon, slow = pile.uniform(1), pile.uniform(2)
        delays = (spread_delays(soon, slow, self._market) * pile.spread([lot.delay for lot in lots])).astype(
            np.int64
        )
        pile.report(delays)
        counted = delays <= pile.spread([lot.window_us for lot in lots])
        pile.enter(_sales, counted)
        pile.enter(_within_day, delays <= DAY)
        pile.enter(_uncounted, ~counted & (delays <= WEEK))
        pile.enter(_late, ~counted & (delays > WEEK) & (delays <= MONTH))
        return np.split(pile.values, pile.ends[:-1])

    def _book_views(self, lots: list[Lot]) -> None:
        pile = _Pile(lots, self._market)
        pile.report((pile.uniform(1) * DAY).astype(np.int64))
        counted = pile.spread([lot.window_us for lot in lots]) > 0
        pile.enter(_sales, counted)
        pile.enter(_views, counted)
        pile.enter(_other_views, ~counted)


class _Pile:
    """Lots laid end to end."""

    def __init__(self, lots: list[Lot], market: MarketParameters) -> None:
        self._lots = lots
        self._market = market
        self._counts = np.array([lot.count for lot in lots], dtype=np.int64)
        self.ends = np.cumsum(self._counts)
        self.values = self._values()
        self._steps = self._back = self._refunds = np.zeros(0, dtype=np.int64)
        self._known = self._flags(None)
        self._taken = self._flags(None)
        self._refunded = self._flags(None)
        self._books = self._ledgers()

    def spread(self, each: Iterable[float]) -> Cells:
        """Return one number per purchase from one per lot."""
        return np.repeat(np.fromiter(each, np.float64, len(self._lots)), self._counts)

    def uniform(self, row: int) -> Cells:
        """Return the purchases' uniform draws of a row."""
        return np.concatenate([lot.uniform[row * lot.count : (row + 1) * lot.count] for lot in self._lots])

    def report(self, delays: Whole) -> None:
        """Work out when each purchase, so long after its click, is reported, taken back or paid back."""
        market, lots = self._market, self._lots
        starts = np.repeat(np.array([lot.start_us for lot in lots], dtype=np.int64), self._counts)
        within = (self.uniform(0) * self.spread([lot.length_us for lot in lots])).astype(np.int64)
        steps = (starts + within + delays) // STEP
        lost, found = self._flags([lot.lost for lot in lots]), self._flags([lot.found for lot in lots])
        self._known = ~lost | found
        self._steps = np.where(found, steps + int(market.recovered_hours * HOUR) // STEP, steps)
        self._back = self._steps + int(market.restatement_hours * HOUR) // STEP
        if market.restatement_rate > 0:
            chances = [np.ones(lot.count) if lot.taken_back is None else lot.taken_back for lot in lots]
            self._taken = np.concatenate(chances) < market.restatement_rate
        if market.refund_rate > 0:
            waits = [lot.waits for lot in lots if lot.waits is not None]
            self._refunds = self._steps + np.concatenate(waits)
            self._refunded = self._flags([lot.refunded for lot in lots]) & ~self._taken

    def enter(self, books: Books, chosen: Flags) -> None:
        """Book the chosen purchases, and what of them goes back, into one kind of book."""
        chosen = chosen & self._known
        self._sum_up(books, self._steps, chosen, (1, 1))
        if self._market.restatement_rate > 0:
            self._sum_up(books, self._back, chosen & self._taken, (-1, -1))
        if self._market.refund_rate > 0:
            self._sum_up(books, self._refunds, chosen & self._refunded, (0, -1))

    def _sum_up(self, books: Books, steps: Whole, chosen: Flags, signs: tuple[int, int]) -> None:
        places = np.flatnonzero(chosen)
        if not len(places):
            return
        ledgers, owners = self._books
        first = int(steps.min())
        span = int(steps.max()) - first + 1
        keys = owners[places] * span + (steps[places] - first)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        worth = np.add.reduceat(self.values[places][order], starts)
        numbers = np.diff(np.concatenate((starts, [len(keys)])))
        owner, step = np.divmod(keys[starts], span)
        rows = (column.tolist() for column in (owner, step + first, numbers * signs[0], worth * signs[1]))
        open_books = [books(ledger) for ledger in ledgers]
        for place, moment, count, value in zip(*rows, strict=True):
            book = open_books[place]
            known = book.get(moment)
            if known is None:
                book[moment] = [count, value]
            else:
                known[0] += count
                known[1] += value

    def _values(self) -> Whole:
        """Return what the purchases are worth in minor units, at least one."""
        lots, sigma = self._lots, self._market.basket_sigma
        normal = np.concatenate([lot.normal for lot in lots])
        means = np.concatenate([np.broadcast_to(lot.mean, lot.count) for lot in lots])
        major = means * np.exp(sigma * normal - sigma**2 / 2)
        minor = np.rint(major * MICROS / self.spread([lot.minor_micros for lot in lots])).astype(np.int64)
        return np.maximum(minor, 1)

    def _flags(self, parts: list[Flags | None] | None) -> Flags:
        """Lay flags end to end; where there are none they are down."""
        if parts is None or all(part is None for part in parts):
            return np.zeros(int(self.ends[-1]), dtype=np.bool_)
        pairs = zip(parts, self._lots, strict=True)
        return np.concatenate(
            [np.zeros(lot.count, np.bool_) if part is None else part for part, lot in pairs]
        )

    def _ledgers(self) -> tuple[list[AdDay], Whole]:
        """Return the different ledgers, and for each purchase the place of its own among them."""
        places: dict[int, int] = {}
        owners = [places.setdefault(id(lot.ledger), len(places)) for lot in self._lots]
        known = {id(lot.ledger): lot.ledger for lot in self._lots}
        return [known[each] for each in places], np.repeat(np.array(owners, dtype=np.int64), self._counts)


def _sales(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.sales


def _within_day(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.within_day


def _uncounted(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.uncounted


def _late(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.late


def _views(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.views


def _other_views(ledger: AdDay) -> dict[int, list[int]]:
    return ledger.other_views
