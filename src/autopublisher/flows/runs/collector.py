"""Insights collector: one read per account for all its runs, kept as append-only snapshots as of that moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.insights import InsightsRow, reading_of
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.run_pages import every_run
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

REFRESH = timedelta(minutes=15)
"""How often Meta refreshes its figures; asking more often learns nothing."""

_PAGE = 500
_OBSERVED = frozenset({RunStatus.AB_TESTING, RunStatus.ANALYZING_RESULTS})


@dataclass(frozen=True)
class Collected:
    """A run's snapshots; ``remarks`` say how figures of the last answer were taken, ``unreadable`` which were set aside."""

    snapshots: Sequence[Snapshot]
    remarks: tuple[Message, ...] = ()
    unreadable: tuple[Message, ...] = ()

    @property
    def attention(self) -> Message | None:
        """What people are to know of the last answer; None where nothing is out of the ordinary."""
        aside = [RunMessage.FIGURES_SET_ASIDE(what=one) for one in self.unreadable]
        said = (*aside, *self.remarks)
        return RunMessage.NOTES(notes=said) if said else None


class Collector:
    """Collects cumulative figures of running tests."""

    def __init__(self, open_unit: OpenUnitOfWork, clients: ReadingClients, clock: Clock) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock

    def collect(self, run: Run, *, fresh: bool = False) -> Collected:
        """Return the run's snapshots, adding one of this moment unless the last is younger than REFRESH.

        ``fresh`` asks Meta whatever the age of the last. Other runs observed on the same account get theirs from the same
        answer. An arm with a figure that cannot be read gets no snapshot of this moment. Raises a Meta error with nothing
        stored where the answer was not complete.
        """
        now = self._clock.now()
        with self._open_unit().reading() as unit:
            stored = unit.observations.snapshots(run.id)
            if not fresh and stored and now - stored[-1].at < REFRESH:
                return Collected(stored)
            observed = _observed(unit, run)
            arms = _arms(unit, observed)
        return self._read(run, observed, arms, now)

    def _read(
        self, run: Run, observed: Mapping[RunId, Run], arms: Mapping[tuple[RunId, str], MetaId], now: datetime
    ) -> Collected:
        ad_sets = {meta_id: place for place, meta_id in arms.items()}
        since = min(one.admitted_at or one.created_at for one in observed.values())
        meta = self._clients.for_account(run.act_id)
        rows = list(meta.ad_sets(sorted(ad_sets), since, now))
        if silent := self._silent(arms, rows):
            rows += meta.ad_sets(sorted(arms[place] for place in silent), since, now)
            silent = self._silent(arms, rows)
        figures = {place: Figures() for place in arms if place not in silent}
        remarks: list[Message] = []
        unreadable: list[Message] = []
        for row in rows:
            place = ad_sets.get(row.object_id)
            if place is None:
                continue
            event = observed[place[0]].request.ad.conversion_event or "PURCHASE"
            own = place[0] == run.id  # what is amiss with another run's figures its own tick will say
            try:
                read = reading_of(row, run.currency, event)
            except MetaReadError as error:
                del figures[place]
                unreadable += [RunMessage.VARIANT_REMARK(letter=place[1], remark=error.why)] if own else []
                continue
            figures[place] = read.figures
            remarks += [
                RunMessage.VARIANT_REMARK(letter=place[1], remark=remark) for remark in read.remarks if own
            ]
        snapshots = [Snapshot(*place, now, found) for place, found in figures.items()]
        with self._open_unit() as unit:
            unit.observations.add_snapshots(snapshots)
            unit.commit()
            stored = unit.observations.snapshots(run.id)
        return Collected(stored, tuple(remarks), tuple(unreadable))

    def _silent(
        self, arms: Mapping[tuple[RunId, str], MetaId], rows: Sequence[InsightsRow]
    ) -> set[tuple[RunId, str]]:
        """Return the arms without a row that once had figures: those do not vanish, so the answer has a gap.

        Their poll gets no figures at all, which is not the same as none to report.
        """
        answered = {row.object_id for row in rows}
        missing = {place for place, meta_id in arms.items() if meta_id not in answered}
        if not missing:
            return set()
        with self._open_unit().reading() as unit:
            stored = {
                run_id: unit.observations.snapshots(run_id) for run_id in {place[0] for place in missing}
            }
        return {
            (run_id, letter)
            for run_id, letter in missing
            if any(one.variant == letter and one.figures != Figures() for one in stored[run_id])
        }


def _observed(unit: UnitOfWork, run: Run) -> dict[RunId, Run]:
    """Return every run of the account whose figures are wanted, ``run`` among them."""
    found = every_run(unit, RunFilter(statuses=_OBSERVED, act_id=run.act_id, limit=_PAGE))
    return {one.id: one for one in found} | {run.id: run}


def _arms(unit: UnitOfWork, run_ids: Iterable[RunId]) -> dict[tuple[RunId, str], MetaId]:
    """Return the runs' ad-set ids, keyed by run and variant letter."""
    return {
        (model.run_id, model.variant): model.meta_id
        for run_id in run_ids
        for model in unit.records.objects(run_id)
        if model.variant is not None and model.key == test_key(model.variant, ObjectKind.AD_SET)
    }
