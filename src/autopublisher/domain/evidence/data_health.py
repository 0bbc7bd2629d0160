"""Data health: whether figures can be trusted at all; bad data pauses a test, it never decides one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.money_checks import MoneyChecks
from autopublisher.domain.evidence.observations import History, Snapshot
from autopublisher.domain.evidence.timeline import Timeline
from autopublisher.domain.evidence.verdict import Diagnostic

Array = npt.NDArray[np.float64]

MISSING_POLLS_ALLOWED = 0.20
# Below this many gaps a share of missing polls means nothing.
_FEWEST_GAPS = 5


def faults(history: Sequence[Snapshot], checks: MoneyChecks, index: int) -> tuple[str, ...]:
    """Return fault codes as seen at snapshot `index`: counter_fell, polls_missing, edited, those of `money_checks`."""
    found, timeline = [], checks.timeline
    if timeline.row_of[index] is None:
        found.append("counter_fell")
    if missing_polls(checks.design, timeline, latest_row(timeline, index)) >= MISSING_POLLS_ALLOWED:
        found.append("polls_missing")
    if first_edit(history, index) is not None:
        found.append("edited")
    return (*found, *checks.faults(latest_row(timeline, index)))


def first_edit(history: Sequence[Snapshot], index: int) -> float | None:
    """Return the hour of the first reading up to `index` after a variant was changed; None where none was."""
    if isinstance(history, History):  # kept as columns: no snapshot need be made to look at one flag
        marked = np.flatnonzero(history.edited[: index + 1])
        return float(history.hours[marked[0]]) if marked.size else None
    return next((each.hour for each in history[: index + 1] if each.edited), None)


def findings(history: Sequence[Snapshot], checks: MoneyChecks, index: int) -> tuple[Diagnostic, ...]:
    """Return the numbers behind the faults at snapshot `index`, and readings set aside without pausing the test.

    counter_fell: largest relative fall of a total in the latest reading; readings_set_aside: how many so far;
    polls_missing: their share; edited: hour of the first reading after a change; those of `money_checks`.
    """
    if index < 0:
        return ()
    timeline, found = checks.timeline, []
    present = faults(history, checks, index)
    if "counter_fell" in present:
        found.append(Diagnostic("counter_fell", _largest_fall(history, timeline, index)))
    aside = sum(row is None for row in timeline.row_of[: index + 1])
    if aside:
        found.append(Diagnostic("readings_set_aside", float(aside)))
    if "polls_missing" in present:
        missing = missing_polls(checks.design, timeline, latest_row(timeline, index))
        found.append(Diagnostic("polls_missing", missing))
    changed = first_edit(history, index)
    if changed is not None:
        found.append(Diagnostic("edited", changed))
    return (*found, *checks.findings(latest_row(timeline, index)))


def _largest_fall(history: Sequence[Snapshot], timeline: Timeline, index: int) -> float:
    """Return the largest relative fall of any total below the highest accepted one before."""
    before = timeline.figures[: latest_row(timeline, index) + 1].max(axis=0)
    now = np.array([each.row() for each in history[index].figures])
    return float(np.max(np.where(before > 0, 1 - now / np.where(before > 0, before, 1.0), 0.0)))


def latest_row(timeline: Timeline, index: int) -> int:
    """Return the newest accepted row at snapshot `index`; 0 when there is none."""
    return next((row for row in reversed(timeline.row_of[: index + 1]) if row is not None), 0)


def missing_polls(design: Design, timeline: Timeline, row: int) -> float:
    """Return the share of expected polls that are missing while the test delivered.

    How many are expected is the plan's, so that further readings, such as those another run's polls add, neither hide
    a gap nor make one; hourly blocks need no more than one reading each. Without a plan it is the median gap. The gap
    before the first poll is not counted (it may wait on purpose), and neither is time without delivery: a gap counts
    for as many hours as its spend usually takes.
    """
    spent = timeline.column(Figure.SPEND)[: row + 1].sum(axis=1)
    return missing_readings(design, timeline.hours[: row + 1], spent)


def missing_readings(design: Design, hours: Array, spent: Array) -> float:
    """Return the same of readings' hours and their spend of all variants, shape (rows,) each, row 0 being the start."""
    gaps, spend = np.diff(hours[1:]), np.diff(spent[1:])
    delivering = spend > 0
    gaps, spend = gaps[delivering], spend[delivering]
    if len(gaps) < _FEWEST_GAPS:
        return 0.0
    live = np.minimum(gaps, spend / float(np.median(spend / gaps)))
    expected = max(design.poll_hours or float(np.median(gaps)), design.block_hours)
    missing = np.maximum(np.round(live / expected) - 1, 0).sum()
    return float(missing / max(float(live.sum()) / expected, missing + 1))
