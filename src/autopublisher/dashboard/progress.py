"""A run's way as steps a reader can follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from autopublisher.domain.runs.run import FINAL, Control, Run, RunStatus

_R = RunStatus
WAY: Final = (
    _R.PENDING,
    _R.CREATING_CAMPAIGNS,
    _R.AB_TESTING,
    _R.ANALYZING_RESULTS,
    _R.SELECTING_WINNER,
    _R.WAITING_APPROVAL,
    _R.SCALING_BUDGET,
    _R.PUBLISHING_FINAL,
    _R.COMPLETED,
)


@dataclass(frozen=True)
class PathStep:
    """One step: its status, and whether it is ``done``, ``current`` or ``open``."""

    status: RunStatus
    state: str


def steps_of(run: Run) -> Sequence[PathStep]:
    """Return the steps of a run; one that ended early has no way left to show and ends with its status."""
    way = [one for one in WAY if one is not _R.WAITING_APPROVAL or _asks(run)]
    if run.status is _R.COMPLETED:
        return [PathStep(one, "done") for one in way]
    if run.status in FINAL:
        return [PathStep(run.status, "current")]
    here = way.index(run.status)
    return [PathStep(one, _state(index, here)) for index, one in enumerate(way)]


def is_moving(run: Run) -> bool:
    """Tell whether the run may change without anybody's doing, so that the page should look again."""
    waits = run.status is _R.WAITING_APPROVAL and run.release.approval is None and run.control is Control.NONE
    return not run.is_final and not waits and not run.is_refused


def awaits_approval(run: Run) -> bool:
    """Tell whether a person's approval would be taken now."""
    return run.is_refused or (run.status is _R.WAITING_APPROVAL and not is_moving(run))


def _asks(run: Run) -> bool:
    return run.request.require_human_approval or run.status is _R.WAITING_APPROVAL


def _state(index: int, here: int) -> str:
    if index == here:
        return "current"
    return "done" if index < here else "open"
