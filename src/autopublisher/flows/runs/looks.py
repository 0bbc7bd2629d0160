"""Looks at running tests: most polls bring nothing to decide, and cost the same on the first day as on the sixtieth.

Theory of operation. A look that judges a test whole reads all of its snapshots. Where the test stands afterwards is kept in
memory, so that the next look reads what is new and sees that nothing is due. Whatever is stored or acted on comes from
judging the test whole: what is kept only says that this would find nothing. It is no record. A process that starts has none,
one of several workers has its own, and after a restoring of the database, or another plan, the snapshot that it ends with is
not there or its design is another: then the test is judged whole again.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain import evidence
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Snapshot
from autopublisher.domain.runs.run import Run
from autopublisher.flows.runs.judging import Judged, Known, judged, judged_on
from autopublisher.ports.repositories import OpenUnitOfWork

_MOST_KEPT = 500
"""Running tests whose standing is kept: ten variants polled every hour for sixty days take an eighth of a megabyte."""


@dataclass(frozen=True)
class _Kept:
    """Where a test stands, what its hours count from, its last decision, and the snapshots of its last complete poll.

    A decision that was made but not saved is one that the run does not have: then it is made again.
    """

    standing: evidence.Standing
    starts_at: datetime | None
    decision: int
    verdict: evidence.Verdict
    last: tuple[Snapshot, ...]

    def fits(self, run: Run, known: Known) -> bool:
        """Return whether a run is still the one that was kept."""
        number = 0 if known.decision is None else known.decision.sequence
        same = (self.starts_at, self.decision) == (run.trial.starts_at, number)
        return same and tuple(known.snapshots[: len(self.last)]) == self.last


class Looks:
    """Judges running tests, and knows where they stand between looks."""

    def __init__(self, open_unit: OpenUnitOfWork) -> None:
        self._open_unit = open_unit
        self._kept: OrderedDict[RunId, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def known_until(self, run: Run) -> datetime | None:
        """Return the moment from which on a look needs the run's snapshots; None: all of them."""
        kept = self._kept.get(run.id)
        return None if kept is None else kept.last[-1].at

    def judged(
        self, run: Run, known: Known, now: datetime, *, since: datetime | None, whole: bool = False
    ) -> Judged:
        """Judge a running test, ``known`` holding its snapshots ``since`` what ``known_until`` said before they were read.

        ``whole`` asks for a verdict of this very moment, whether or not anything is due.
        """
        kept = self._kept.get(run.id)
        if kept is not None and kept.last[-1].at == since and kept.fits(run, known) and not whole:
            further = replace(known, snapshots=known.snapshots[len(kept.last) :])
            found = judged_on(run, further, kept.standing, kept.verdict)
            if found is not None:
                self._keep(run, known, found)
                return found
        if since is not None:
            with self._open_unit().reading() as unit:
                known = replace(known, snapshots=unit.observations.snapshots(run.id))
        found = judged(run, known, now)
        self._keep(run, known, found)
        return found

    def _keep(self, run: Run, known: Known, found: Judged) -> None:
        last, decision = _last_complete(known.snapshots, found), found.decision or known.decision
        with self._lock:
            before = self._kept.pop(run.id, None)
            if found.standing is None or decision is None or found.ends_test or not last:
                return
            same = before is not None and before.decision == decision.sequence and found.decision is None
            told = before.verdict if same and before else evidence.Verdict.from_json(decision.verdict)
            self._kept[run.id] = _Kept(found.standing, run.trial.starts_at, decision.sequence, told, last)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)


def _last_complete(snapshots: Sequence[Snapshot], found: Judged) -> tuple[Snapshot, ...]:
    """Return the snapshots of the last moment at which every variant has one."""
    wanted = {each.name for each in found.verdict.variants}
    polls: dict[datetime, list[Snapshot]] = {}
    for one in reversed(snapshots):
        polls.setdefault(one.at, []).insert(0, one)
        if {each.variant for each in polls[one.at]} == wanted:
            return tuple(polls[one.at])
    return ()
