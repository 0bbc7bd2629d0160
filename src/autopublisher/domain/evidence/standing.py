"""Where a running test stands: enough of its past to tell that a poll brings nothing to decide.

Most polls of a test are such: no analysis is due, and the data are sound. That is told from the accepted readings alone,
without comparing any variants; whatever else a poll brings is judged whole, from all snapshots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import COLUMN, Figure
from autopublisher.domain.evidence.data_health import MISSING_POLLS_ALLOWED, missing_readings
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.money_checks import Baskets, MoneyChecks
from autopublisher.domain.evidence.money_decision import look_rows
from autopublisher.domain.evidence.observations import History, Snapshot, in_order
from autopublisher.domain.evidence.timeline import Timeline, counter_fell, counters_of, held, matured_since

Array = npt.NDArray[np.float64]

_IN_DOUBT = 1e-8
"""Sums in another order, and nine digits of them, differ by less: what is nearer to its mark is judged whole."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What is kept of a test's accepted readings.

    Attributes:
        hours: (rows,) hours since the start, row 0 the start.
        spend: (rows, variants) spend so far.
        peak: (variants, figures) the highest that each counter has been.
        baskets: what purchases were worth.
    """

    hours: Array
    spend: Array
    peak: Array
    baskets: Baskets

    @classmethod
    def of(cls, checks: MoneyChecks) -> "Readings":
        """Return the readings of a timeline."""
        timeline = checks.timeline
        spend = timeline.column(Figure.SPEND).copy()
        return cls(timeline.hours, spend, timeline.figures.max(axis=0), checks.baskets())

    def __len__(self) -> int:
        return len(self.hours)

    def and_then(self, design: Design, read: History) -> "Readings | None":
        """Return these readings and further ones; None where one of them is not simply taken, or the last is not sound."""
        if read.cohorts is not None or read.edited.any() or read.hours[0] <= self.hours[-1]:
            return None
        peak, now = self.peak, counters_of(read)
        for each in now:
            if counter_fell(peak, each):
                return None
            peak = np.maximum(peak, each)
        rising, none = held(np.concatenate([self.peak[None], now]))[1:], np.zeros((len(now), 0))
        checks = MoneyChecks(design, Timeline(read.hours, rising, none, none, (), ()), self.baskets)
        spend = np.concatenate([self.spend, rising[:, :, COLUMN[Figure.SPEND]]])
        readings = Readings(np.concatenate([self.hours, read.hours]), spend, peak, checks.baskets())
        missing = missing_readings(design, readings.hours, spend.sum(axis=1))
        sound = missing < MISSING_POLLS_ALLOWED and not checks.faults(len(now) - 1)
        return readings if sound else None


@dataclass(frozen=True, eq=False)
class Standing:
    """A running test about which nothing has been decided since it was last judged whole.

    Attributes:
        design: its plan.
        active: positions of the variants that have not been stopped.
        share: the clock at its last analysis, 0 before the first.
        analyses: how many have been taken.
        clock: matured over planned spend of the active variants now.
        readings: those up to now.
        looked: how many of them there were when it was judged whole.
    """

    design: Design
    active: tuple[int, ...]
    share: float
    analyses: int
    clock: float
    readings: Readings
    looked: int

    def after(self, polls: Sequence[Snapshot]) -> "Standing | None":
        """Return where the test stands after further polls; None where they have to be judged whole.

        So they have where an analysis is due, or where the data are not sound at the last of them.
        """
        read = in_order(polls, len(self.design.variants))
        if not len(read):
            return self
        readings = self.readings.and_then(self.design, read)
        if readings is None:
            return None
        shares = self._shares(readings)
        if self._may_be_due(readings.hours[-len(shares) :], shares):
            return None
        return replace(self, clock=max(self.clock, float(shares.max())), readings=readings)

    def is_past(self, share: float) -> bool:
        """Return whether the clock may have reached a share."""
        return self.clock + _IN_DOUBT >= share

    @cached_property
    def is_money_due(self) -> bool:
        """Whether a money look has become due since the test was judged whole."""
        return any(row >= self.looked for row in look_rows(self.design, self.readings.hours))

    def _shares(self, readings: Readings) -> Array:
        """Return the clock at each reading that is new."""
        bought = readings.spend[:, list(self.active)]
        matured = matured_since(self.design.event_delay, readings.hours, bought, len(self.readings))
        planned = self.design.planned_spend_per_variant * len(self.active)
        return np.asarray(matured.sum(axis=1) / planned)

    def _may_be_due(self, hours: Array, shares: Array) -> bool:
        taken = self.design.step(self.share)
        return any(
            self.design.past_guard(hour) and self.design.step(share + _IN_DOUBT) > taken
            for hour, share in zip(hours.tolist(), shares.tolist(), strict=True)
        )
