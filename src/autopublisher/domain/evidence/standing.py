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
from autopublisher.domain.evidence.data_health import MISSING_POLLS_ALLOWED, missing_polls
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.money_checks import MoneyChecks
from autopublisher.domain.evidence.money_decision import look_rows
from autopublisher.domain.evidence.observations import History, Snapshot, in_order
from autopublisher.domain.evidence.timeline import Timeline, counter_fell, counters_of, held, matured_since

Array = npt.NDArray[np.float64]

_IN_DOUBT = 1e-8
"""Sums in another order, and nine digits of them, differ by less: what is nearer to its mark is judged whole."""


@dataclass(frozen=True, eq=False)
class Readings:
    """The accepted readings of a test: hours (rows,) and counters (rows, variants, figures), row 0 its start."""

    hours: Array
    figures: Array

    def __len__(self) -> int:
        return len(self.hours)

    def and_then(self, read: History) -> "Readings | None":
        """Return these readings and further ones; None where one of them is edited, has fallen or is out of order."""
        if read.cohorts is not None or read.edited.any() or read.hours[0] <= self.hours[-1]:
            return None
        peak, now = self.figures.max(axis=0), counters_of(read)
        for each in now:
            if counter_fell(peak, each):
                return None
            peak = np.maximum(peak, each)
        rising = held(np.concatenate([self.figures[-1:], now]))[1:]
        return Readings(np.concatenate([self.hours, read.hours]), np.concatenate([self.figures, rising]))

    @property
    def bought(self) -> Array:
        """Spend so far by row and variant."""
        return np.asarray(self.figures[:, :, COLUMN[Figure.SPEND]])

    def are_sound(self, design: Design) -> bool:
        """Return whether the data are sound at the last reading."""
        none = np.zeros((len(self), 0))
        timeline = Timeline(self.hours, self.figures, none, none, (), ())
        row = len(self) - 1
        missing = missing_polls(design, timeline, row)
        return missing < MISSING_POLLS_ALLOWED and not MoneyChecks(design, timeline).faults(row)


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
        readings = self.readings.and_then(read)
        if readings is None or not readings.are_sound(self.design):
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
        bought = readings.bought[:, list(self.active)]
        matured = matured_since(self.design.event_delay, readings.hours, bought, len(self.readings))
        planned = self.design.planned_spend_per_variant * len(self.active)
        return np.asarray(matured.sum(axis=1) / planned)

    def _may_be_due(self, hours: Array, shares: Array) -> bool:
        taken = self.design.step(self.share)
        return any(
            self.design.past_guard(hour) and self.design.step(share + _IN_DOUBT) > taken
            for hour, share in zip(hours.tolist(), shares.tolist(), strict=True)
        )
