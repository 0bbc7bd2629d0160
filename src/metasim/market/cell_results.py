"""Results per population cell in each quarter hour, entered into the ledgers for many quarter hours at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasim.delivery_ledger import AdDay
from metasim.market.population import Cells

Counts = NDArray[np.int64]


@dataclass(slots=True)
class CellResults:
    """One ad's quarter hour among cells of people: money, relative prices, impressions, clicks and buyers."""

    ledger: AdDay
    step: int
    micros: int
    prices: Cells
    shown: Counts
    clicks: Counts
    buyers: Counts


class PendingCellResults:
    """Waits until the buyers' values are known."""

    def __init__(self) -> None:
        self._waiting: list[CellResults] = []

    def add(self, results: CellResults) -> None:
        """Remember a results; those with buyers in the order in which their purchases are booked."""
        self._waiting.append(results)

    def close(self, values: list[Counts]) -> None:
        """Enter what waits; `values` are those of the pending_cells with buyers, in order, minor units."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        columns = _columns(waiting, values)
        places: dict[int, list[int]] = {}
        for place, each in enumerate(waiting):
            places.setdefault(id(each.ledger), []).append(place)
        for mine in places.values():
            _enter(waiting[mine[0]].ledger, [waiting[place].step for place in mine], columns[mine])


def _columns(waiting: list[CellResults], values: list[Counts]) -> Counts:
    """Return spend, impressions, clicks, buyers and value: one table of columns by cells for each results."""
    shown, clicks, buyers = (
        np.stack([getattr(each, name) for each in waiting]) for name in ("shown", "clicks", "buyers")
    )
    cost = shown * np.stack([each.prices for each in waiting])
    micros = np.array([each.micros for each in waiting], dtype=np.int64)[:, None]
    spend = np.rint(micros * cost / np.maximum(cost.sum(axis=1, keepdims=True), 1e-9)).astype(np.int64)
    ends = np.cumsum(buyers.ravel())
    totals = np.concatenate(([0], np.cumsum(np.concatenate(values)))) if values else np.zeros(1, np.int64)
    worth = (totals[ends] - totals[ends - buyers.ravel()]).reshape(buyers.shape)
    return np.stack([spend, shown, clicks, buyers, worth], axis=1)


def _enter(ledger: AdDay, steps: list[int], columns: Counts) -> None:
    """Add to a ledger, where only the last quarter hour stands apart."""
    apart = np.array([step == steps[-1] for step in steps])
    if not apart.all():
        ledger.meet(steps[0], columns[~apart].sum(axis=0).tolist())
    ledger.meet(steps[-1], columns[apart].sum(axis=0).tolist())
