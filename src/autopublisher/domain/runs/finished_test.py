"""What a run's test leaves for its account, from its stored snapshots: a row for each criterion that can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from autopublisher.domain import evidence
from autopublisher.domain.evidence.criteria import MEASURES
from autopublisher.domain.evidence.memory import measured_test
from autopublisher.domain.evidence.observations import in_order
from autopublisher.domain.journal.records import Snapshot
from autopublisher.domain.messages import Code
from autopublisher.domain.past_tests import FinishedTest, MeasuredTest, Omission
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.evidence_inputs import design_of, history_of
from autopublisher.domain.runs.run import Run, RunStatus


class OmissionMessage(Code):
    """Why a test does not count for its account's memory."""

    TOO_SHORT = "memory.too_short"
    NO_EVENT = "memory.no_event"
    SET_ASIDE = "memory.set_aside"
    UNHEALTHY = "memory.unhealthy"
    NOT_DELIVERED = "memory.not_delivered"
    NOT_REMEMBERED = "memory.not_remembered"


SAID_OF: Mapping[Omission, OmissionMessage] = MappingProxyType(
    {
        Omission.TOO_SHORT: OmissionMessage.TOO_SHORT,
        Omission.NO_EVENT: OmissionMessage.NO_EVENT,
        Omission.SET_ASIDE: OmissionMessage.SET_ASIDE,
        Omission.UNHEALTHY: OmissionMessage.UNHEALTHY,
        Omission.NOT_DELIVERED: OmissionMessage.NOT_DELIVERED,
    }
)

_IN_TEST = frozenset({RunStatus.AB_TESTING, RunStatus.ANALYZING_RESULTS})
_BEFORE = frozenset({RunStatus.PENDING, RunStatus.CREATING_CAMPAIGNS})


@dataclass(frozen=True)
class Remains:
    """What a finished test leaves: its rows, and the criteria for which it leaves none, with the reason."""

    rows: tuple[FinishedTest, ...]
    omitted: Mapping[str, Omission]


def leaves_its_test(before: Run, after: Run) -> bool:
    """Tell whether a run's test is over by a step, however it ended; one that never began leaves nothing."""
    return before.status in _IN_TEST and after.status not in _IN_TEST and after.trial.starts_at is not None


def has_left_its_test(run: Run) -> bool:
    """Tell whether a run had a test that is over."""
    return run.trial.starts_at is not None and run.status not in _IN_TEST | _BEFORE


def finished_at(run: Run) -> datetime:
    """Return about when a run left its test, where nobody has noted it."""
    return run.trial.settles_at or run.ending.turned_at or run.ending.at or run.updated_at


def remains_of(run: Run, variants: Sequence[Variant], snapshots: Sequence[Snapshot], at: datetime) -> Remains:
    """Return what a run's test leaves, having finished at a moment; criteria that are read alike leave alike rows."""
    design = design_of(run, variants, final=True)
    history = in_order(history_of(run, variants, snapshots), len(variants))
    hours = _hours_of(run, at)
    known = {
        measure: measured_test(replace(design, criterion=criterion), history, hours)
        for measure, criterion in {MEASURES[one]: one for one in evidence.Criterion}.items()
    }
    found = {one.value: known[MEASURES[one]] for one in evidence.Criterion}
    rows = [
        FinishedTest(run.id, run.act_id, name, at, left)
        for name, left in found.items()
        if isinstance(left, MeasuredTest)
    ]
    return Remains(tuple(rows), {name: left for name, left in found.items() if isinstance(left, Omission)})


def _hours_of(run: Run, at: datetime) -> float:
    """Return for how long the arms of a test were on."""
    start = run.trial.starts_at or at
    return ((run.trial.stopped_at or run.ending.turned_at or at) - start).total_seconds() / 3600.0
