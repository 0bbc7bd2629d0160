"""Whether the data can be trusted at all; bad data pauses a test, it never decides one."""

from collections.abc import Sequence

import numpy as np

from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.observations import Snapshot
from autopublisher.domain.evidence.timeline import Timeline

_MISSING_POLLS_ALLOWED = 0.20
# Below this many gaps a share of missing polls means nothing.
_FEWEST_GAPS = 5


def faults(design: Design, history: Sequence[Snapshot], timeline: Timeline, index: int) -> tuple[str, ...]:
    """Return fault codes as seen at snapshot `index`: counter_fell, polls_missing, edited."""
    found = []
    if timeline.row_of[index] is None:
        found.append("counter_fell")
    if missing_polls(design, timeline, latest_row(timeline, index)) >= _MISSING_POLLS_ALLOWED:
        found.append("polls_missing")
    if any(snapshot.edited for snapshot in history[: index + 1]):
        found.append("edited")
    return tuple(found)


def latest_row(timeline: Timeline, index: int) -> int:
    """Return the newest accepted row at snapshot `index`; 0 when there is none."""
    return next((row for row in reversed(timeline.row_of[: index + 1]) if row is not None), 0)


def missing_polls(design: Design, timeline: Timeline, row: int) -> float:
    """Return the share of expected polls that are missing while the test delivered.

    The gap before the first poll is not counted (it may wait on purpose), and neither is time without delivery: a
    gap counts for as many hours as its spend usually takes.
    """
    gaps = np.diff(timeline.hours[1 : row + 1])
    spend = np.diff(timeline.column(Figure.SPEND)[1 : row + 1].sum(axis=1))
    delivering = spend > 0
    gaps, spend = gaps[delivering], spend[delivering]
    if len(gaps) < _FEWEST_GAPS:
        return 0.0
    live = np.minimum(gaps, spend / float(np.median(spend / gaps)))
    expected = design.poll_hours or float(np.median(gaps))
    missing = np.maximum(np.round(live / expected) - 1, 0).sum()
    return float(missing / (missing + len(gaps)))
