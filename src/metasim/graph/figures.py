"""Sums of the ledgers: what ads did, as known at a moment; the one place that reads them."""

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from metasim.delivery_ledger import AdDay
from metasim.state import State
from metasim.times import STEP

Columns = NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """Totals of delivery and of the purchases reported so far."""

    spend_micros: int = 0
    impressions: int = 0
    clicks: int = 0
    engagements: int = 0
    conversions: int = 0
    value_minor: int = 0
    day_conversions: int = 0  # within a day of the click
    day_value_minor: int = 0
    week_conversions: int = 0  # within seven days, whatever the ad set counts
    week_value_minor: int = 0
    month_conversions: int = 0  # within 28 days
    month_value_minor: int = 0
    view_conversions: int = 0  # within a day of seeing the ad, without a click
    view_value_minor: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        """Return the sums."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Figures(*(one + another for one, another in pairs))

    @property
    def all_clicks(self) -> int:
        """Clicks on the link and on everything else of the ad, as `clicks` counts them."""
        return self.clicks + self.engagements

    @property
    def delivered(self) -> bool:
        """Whether anything was shown or paid for."""
        return self.spend_micros > 0 or self.impressions > 0


def day_figures(ledger: AdDay, as_of_us: int) -> Figures:
    """Return one ad-day's figures as they were known at a moment."""
    limit = as_of_us // STEP
    shown = [figures for step, figures in ledger.steps.items() if step < limit]
    columns = [sum(figures[column] for figures in shown) for column in range(4)]
    sold, soon, after = (_sum(book, limit) for book in (ledger.sales, ledger.within_day, ledger.uncounted))
    late, seen, unseen = (_sum(book, limit) for book in (ledger.late, ledger.views, ledger.other_views))
    if ledger.restated:
        factor = math.prod(ledger.restated.values())
        sold, soon, after = (_restated(sums, factor) for sums in (sold, soon, after))
        late, seen, unseen = (_restated(sums, factor) for sums in (late, seen, unseen))
    week = [sold[column] - seen[column] + after[column] for column in range(2)]
    month = [week[column] + late[column] for column in range(2)]
    views = [seen[column] + unseen[column] for column in range(2)]
    return Figures(*columns, *sold, *soon, *week, *month, *views)


def _restated(sums: list[int], factor: float) -> list[int]:
    return [round(each * factor) for each in sums]


def _sum(book: dict[int, list[int]], limit: int) -> list[int]:
    if not book:
        return [0, 0]
    sales = [sale for step, sale in book.items() if step < limit]
    return [sum(sale[column] for sale in sales) for column in range(2)]


def ads_figures(state: State, ad_ids: Iterable[str], since: str, until: str, as_of_us: int) -> Figures:
    """Return the totals of ads over account days (inclusive, ISO) as known at a moment."""
    total = Figures()
    for ad_id in ad_ids:
        for day, ledger in state.days.get(ad_id, {}).items():
            if since <= day <= until:
                total = total + day_figures(ledger, as_of_us)
    return total


def ads_spend(state: State, ad_ids: Iterable[str], since: str, until: str, as_of_us: int) -> int:
    """Return in micros what ``ads_figures`` would give as spend, without adding up the rest."""
    limit = as_of_us // STEP
    return sum(
        figures[0]
        for ad_id in ad_ids
        for ledger in ledgers_of(state, ad_id, since, until)
        for step, figures in ledger.steps.items()
        if step < limit
    )


def cell_figures(ledgers: Iterable[AdDay], as_of_us: int) -> Columns | None:
    """Return what each cell of people did, as known at a moment; None where the market knows no cells.

    Rows are spend, impressions, clicks, purchases and their value; purchases are those of the clicks, reported
    or not yet, so they only serve to divide totals.
    """
    limit = as_of_us // STEP
    parts = [columns for each in ledgers for step, columns in each.cells.items() if step < limit]
    return np.sum([np.array(columns) for columns in parts], axis=0) if parts else None


def ledgers_of(state: State, ad_id: str, since: str, until: str) -> list[AdDay]:
    """Return an ad's ledgers of account days (inclusive, ISO)."""
    return [ledger for day, ledger in state.days.get(ad_id, {}).items() if since <= day <= until]
