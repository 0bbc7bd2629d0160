"""Insights collector: one read per account for all its runs, kept as append-only snapshots as of that moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.insights import InsightsRow, reading_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import ObservedArm, OpenUnitOfWork

REFRESH = timedelta(minutes=15)
"""How often Meta refreshes its figures; asking more often learns nothing."""

SPEND_SHOWS = 3 * REFRESH
"""After so long every cent an arm spent until its end is in Meta's figures."""

_OBSERVED = frozenset({RunStatus.AB_TESTING, RunStatus.ANALYZING_RESULTS})


@dataclass(frozen=True)
class Collected:
    """A run's snapshots, all that were asked for and those of this moment.

    ``remarks`` say how figures of the last answer were taken, ``unreadable`` which were set aside.
    """

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

    def collect(self, run: Run, *, fresh: bool = False, since: datetime | None = None) -> Collected:
        """Return the run's snapshots, adding one of this moment unless the last is younger than REFRESH.

        ``since`` leaves out those before a moment. ``fresh`` asks Meta whatever the age of the last. Other runs observed on
        the same account get theirs from the same answer. An arm with a figure that cannot be read gets no snapshot of this
        moment. Raises a Meta error with nothing stored where the answer was not complete.
        """
        now = self._clock.now()
        with self._open_unit().reading() as unit:
            stored = unit.observations.snapshots(run.id, since)
            if not fresh and stored and now - stored[-1].at < REFRESH:
                return Collected(stored)
            arms = unit.records.observed_arms(run.act_id, _OBSERVED, run.id)
        read = self._read(run, {(arm.run_id, arm.letter): arm for arm in arms}, now)
        own = {(one.at, one.variant): one for one in read.snapshots if one.run_id == run.id}
        known = own | {(one.at, one.variant): one for one in stored}  # what was stored first stays
        return replace(read, snapshots=[known[place] for place in sorted(known)])

    def _read(self, run: Run, arms: Mapping[tuple[RunId, str], ObservedArm], now: datetime) -> Collected:
        """Return what Meta reports of arms now, stored."""
        ad_sets = {arm.ad_set_id: place for place, arm in arms.items()}
        since = min((arm.since for arm in arms.values()), default=run.admitted_at or run.created_at)
        meta = self._clients.for_account(run.act_id)
        rows = list(meta.ad_sets(sorted(ad_sets), since, now))
        if silent := self._silent(arms, rows):
            rows += meta.ad_sets(sorted(arms[place].ad_set_id for place in silent), since, now)
            silent = self._silent(arms, rows)
        figures = {place: Figures() for place in arms if place not in silent}
        remarks: list[Message] = []
        unreadable: list[Message] = []
        for row in rows:
            place = ad_sets.get(row.object_id)
            if place is None:
                continue
            event = arms[place].conversion_event or "PURCHASE"
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
        return Collected(snapshots, tuple(remarks), tuple(unreadable))

    def _silent(
        self, arms: Mapping[tuple[RunId, str], ObservedArm], rows: Sequence[InsightsRow]
    ) -> frozenset[tuple[RunId, str]]:
        """Return the arms without a row that once had figures: those do not vanish, so the answer has a gap.

        Their poll gets no figures at all, which is not the same as none to report.
        """
        answered = {row.object_id for row in rows}
        missing = frozenset(place for place, arm in arms.items() if arm.ad_set_id not in answered)
        if not missing:
            return missing
        with self._open_unit().reading() as unit:
            return missing & unit.observations.with_figures(sorted({run_id for run_id, _ in missing}))
