"""Schedule of interim analyses: the first sound poll at or past each planned share of matured spend.

Derived from the polls alone, so that nothing but design and snapshots need be stored.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.boundaries import AnalysisTime
from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.data_health import faults
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.money_checks import MoneyChecks
from autopublisher.domain.evidence.observations import History
from autopublisher.domain.evidence.timeline import Timeline

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DueAnalysis:
    """An analysis: the poll's position in the history, its row in the timeline, and its time."""

    index: int
    row: int
    time: AnalysisTime


@dataclass(frozen=True, eq=False)
class AnalysisSchedule:
    """A test's polls seen as possible analyses; `final` makes the latest one the last analysis."""

    design: Design
    history: History
    timeline: Timeline
    final: bool

    def due(self, active: tuple[int, ...], after: int, share: float) -> list[DueAnalysis]:
        """Return the analyses due after poll `after` for these variants, the clock having stood at `share`."""
        found: list[DueAnalysis] = []
        shares, steps = self._clock(active)
        row = max(self._row_after(after), self._first_row)
        while True:
            row = self._sound_from(
                max(row, int(np.searchsorted(steps, self.design.step(share), side="right")))
            )
            if row >= len(shares):
                return self._with_last(found, after, max(share, float(shares[-1])))
            share = max(share, float(shares[row]))
            found.append(DueAnalysis(self._polls[row], row, AnalysisTime(share)))
            row += 1

    def share(self, active: tuple[int, ...], row: int) -> float:
        """Return the clock at a row: matured over planned spend of the active variants."""
        return float(self._clock(active)[0][row])

    def faults(self, index: int) -> tuple[str, ...]:
        """Return the fault codes at a poll; looked for only where there can be any."""
        row = self.timeline.row_of[index]
        quiet = row is not None and not (self._polls_may_miss[row] or self._money_is_doubtful[row])
        if quiet and index < self._first_edited:
            return ()
        return faults(self.history, self.checks, index)

    @cached_property
    def checks(self) -> MoneyChecks:
        """The money checks of all rows, worked out once."""
        return MoneyChecks(self.design, self.timeline)

    def _clock(self, active: tuple[int, ...]) -> tuple[Array, npt.NDArray[np.int64]]:
        """Return share and step by row, worked out once for each set of variants."""
        if active not in self._clocks:
            planned = self.design.planned_spend_per_variant * len(active)
            shares = np.maximum.accumulate(self.timeline.matured_spend[:, list(active)].sum(axis=1) / planned)
            steps = np.minimum(shares * self.design.analysis_count + 1e-9, self.design.last_step)
            self._clocks[active] = shares, steps.astype(np.int64)
        return self._clocks[active]

    @cached_property
    def _clocks(self) -> dict[tuple[int, ...], tuple[Array, npt.NDArray[np.int64]]]:
        return {}

    @cached_property
    def _polls(self) -> list[int]:
        """The poll of each row; the start, row 0, has none."""
        return [-1, *(index for index, row in enumerate(self.timeline.row_of) if row is not None)]

    @cached_property
    def _first_row(self) -> int:
        """The first row past the guard."""
        hours = self.timeline.hours.tolist()
        return next((row for row in range(1, len(hours)) if self.design.past_guard(hours[row])), len(hours))

    def _row_after(self, index: int) -> int:
        return int(np.searchsorted(self._polls, index, side="right"))

    def _sound_from(self, row: int) -> int:
        while row < len(self._polls) and self.faults(self._polls[row]):
            row += 1
        return row

    def _with_last(self, found: list[DueAnalysis], after: int, share: float) -> list[DueAnalysis]:
        """Return the analyses with the latest poll as the last one, if it is final and sound."""
        index = len(self.history) - 1
        row = self.timeline.row_of[index] if self.final and index > after else None
        if row is None or self.faults(index):
            return found
        earlier = found[:-1] if found and found[-1].index == index else found
        return [*earlier, DueAnalysis(index, row, AnalysisTime(share, last=True))]

    @cached_property
    def _first_edited(self) -> int:
        edited = np.flatnonzero(self.history.edited)
        return int(edited[0]) if len(edited) else len(self.history)

    @cached_property
    def _money_is_doubtful(self) -> list[bool]:
        return self.checks.any_by_row()

    @cached_property
    def _polls_may_miss(self) -> list[bool]:
        """Whether any poll can be missing by row: an upper bound, which mostly settles the matter."""
        gaps = np.diff(self.timeline.hours[1:])
        delivering = np.diff(self.timeline.column(Figure.SPEND)[1:].sum(axis=1)) > 0
        may = np.zeros(len(self.timeline.hours), dtype=np.bool_)
        if delivering.any():
            # No median of gaps is below the smallest of them.
            least = self.design.poll_hours or float(gaps[delivering].min())
            expected = max(least, self.design.block_hours)
            may[2:] = np.logical_or.accumulate(delivering & (np.round(gaps / expected) > 1))
        found: list[bool] = may.tolist()
        return found
