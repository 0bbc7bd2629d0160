"""From a design and its snapshots to a verdict.

Looks are derived from the snapshots themselves: the first sound snapshot at or past each planned share of
matured spend is a look. So nothing but design and snapshots need be stored, judging again gives the same
bytes, and a boundary once crossed stays crossed however often, or late, anybody asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from autopublisher.domain.evidence import report
from autopublisher.domain.evidence.boundaries import LookTime
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.health import faults, latest_row
from autopublisher.domain.evidence.observations import Snapshot, digest, in_order
from autopublisher.domain.evidence.rules import ENDING_KINDS, Kind, Ruling, rule, unmet_guards
from autopublisher.domain.evidence.timeline import Timeline, build
from autopublisher.domain.evidence.verdict import Look, Verdict
from autopublisher.domain.evidence.weighing import Evidence, weigh


def judge(design: Design, history: Sequence[Snapshot], *, final: bool = False) -> Verdict:
    """Return the verdict at the latest snapshot.

    `final` says that no more data will come (after the cool-down, or when the run is cut short): the last
    look is taken and all remaining error is spent. Raises ValueError when snapshots do not fit the design.
    """
    ordered = in_order(history, len(design.variants))
    trial = _Trial(design, ordered, build(design, ordered), final=final)
    return trial.verdict(trial.course())


def replay(design: Design, history: Sequence[Snapshot], *, final: bool = False) -> Verdict:
    """Return the verdict the live system would have stopped with, polling at each snapshot in turn.

    Equals `judge` on the snapshots up to the first ending verdict, or on all of them when there is none.
    """
    ordered = in_order(history, len(design.variants))
    trial = _Trial(design, ordered, build(design, ordered), final=final)
    course = trial.course()
    if course.ended_at is None or course.ended_at == len(ordered) - 1:
        return trial.verdict(course)
    # Nothing known at the end depends on what came later, so what was worked out on the way is kept.
    seen = course.ended_at + 1
    return _Trial(design, ordered[:seen], trial.timeline.until(course.ended_at), final=False).verdict(course)


@dataclass(frozen=True, eq=False)
class _Course:
    """The test up to some snapshot: looks taken, variants left, and how it ended, if it has."""

    active: tuple[int, ...]
    looks: tuple[LookTime, ...] = ()
    taken: tuple[Look, ...] = ()
    eliminated: tuple[int, ...] = ()
    ruling: Ruling = field(default_factory=lambda: Ruling(Kind.NOT_YET))
    evidence: Evidence | None = None
    looked_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, eq=False)
class _Trial:
    design: Design
    history: tuple[Snapshot, ...]
    timeline: Timeline
    final: bool

    def verdict(self, course: _Course) -> Verdict:
        """Return the verdict at the latest snapshot of the course run so far."""
        now = len(self.history) - 1
        found = faults(self.design, self.history, self.timeline, now) if self.history else ()
        if found and (course.ended_at is None or self.final):
            return self._report(course, self._present(course), Ruling(Kind.UNHEALTHY, reasons=found))
        if course.ended_at is not None:
            return self._settled(course)
        if course.looked_at == now:
            return self._report(course, course.evidence, course.ruling)
        evidence = self._present(course)
        kind = Kind.NOT_ENOUGH_DATA if self.final else Kind.NOT_YET
        return self._report(course, evidence, Ruling(kind, reasons=self._why_no_look(evidence)))

    def course(self) -> _Course:
        """Return the whole course, poll by poll, up to the first ending verdict."""
        course = _Course(active=tuple(range(len(self.design.variants))))
        for index in range(len(self.history)):
            course = self._advance(course, index)
            if course.ended_at is not None:
                break
        return course

    def _advance(self, course: _Course, index: int) -> _Course:
        row, last = self.timeline.row_of[index], self.final and index == len(self.history) - 1
        if row is None or (not last and not self.design.past_guard(self._hours[row])):
            return course
        share = self._share(course, row)
        if not last and self._step(share) <= self._step(course.looks[-1].share if course.looks else 0.0):
            return course
        if faults(self.design, self.history, self.timeline, index):
            return course
        return self._look(course, index, LookTime(share, last=last))

    def _look(self, course: _Course, index: int, look: LookTime) -> _Course:
        looks, row = (*course.looks, look), latest_row(self.timeline, index)
        evidence = weigh(self.design, self.timeline, row, course.active, looks)
        ruling = rule(evidence, last=look.last)
        taken = Look(len(looks), evidence.hour, look.share, evidence.bounds.winner)
        gone = (*course.eliminated, *ruling.eliminated)
        return _Course(
            active=tuple(each for each in course.active if each not in gone),
            looks=looks,
            taken=(*course.taken, taken),
            eliminated=gone,
            ruling=ruling,
            evidence=evidence,
            looked_at=index,
            ended_at=index if ruling.kind in ENDING_KINDS else None,
        )

    @cached_property
    def _hours(self) -> list[float]:
        hours: list[float] = self.timeline.hours.tolist()
        return hours

    @cached_property
    def _matured(self) -> dict[tuple[int, ...], list[float]]:
        return {}

    def _matured_of(self, active: tuple[int, ...]) -> list[float]:
        """Return the matured spend of some variants by row, added up once for each set of them."""
        if active not in self._matured:
            self._matured[active] = self.timeline.matured_spend[:, list(active)].sum(axis=1).tolist()
        return self._matured[active]

    def _share(self, course: _Course, row: int) -> float:
        """Return the clock: matured over planned spend of the active variants; it never runs back."""
        matured = self._matured_of(course.active)[row]
        share = matured / (self.design.planned_spend_per_variant * len(course.active))
        return max(share, course.looks[-1].share if course.looks else 0.0)

    def _step(self, share: float) -> int:
        """Return the number of looks due by `share`; the last planned one is only taken as final."""
        return min(int(share * self.design.look_count + 1e-9), self.design.look_count - 1)

    def _present(self, course: _Course) -> Evidence | None:
        """Return the evidence now, against the bound a look taken now would have."""
        row = latest_row(self.timeline, len(self.history) - 1)
        share = self._share(course, row)
        if row == 0 or share <= 0:
            return None
        return weigh(self.design, self.timeline, row, course.active, (*course.looks, LookTime(share)))

    def _why_no_look(self, evidence: Evidence | None) -> tuple[str, ...]:
        if evidence is None:
            return ("no_data",)
        return unmet_guards(evidence) or ("look_not_due",)

    def _settled(self, course: _Course) -> Verdict:
        """Return the ending verdict; a winner that settled data contradict is withdrawn."""
        if self.final and course.ruling.kind in (Kind.WINNER, Kind.SAFE_PICK):
            present = self._present(replace(course, looks=course.looks[:-1]))
            if present is not None and _contradicted(present, course.ruling):
                withdrawn = Ruling(Kind.NOT_ENOUGH_DATA, reasons=("reversed_after_settling",))
                return self._report(course, present, withdrawn)
        return self._report(course, course.evidence, course.ruling)

    def _report(self, course: _Course, evidence: Evidence | None, ruling: Ruling) -> Verdict:
        row = latest_row(self.timeline, len(self.history) - 1)
        return report.compose(
            report.Case(
                design=self.design,
                timeline=self.timeline,
                row=row,
                evidence=evidence,
                ruling=ruling,
                looks=course.taken,
                eliminated=course.eliminated,
                share=self._share(course, row),
                next_step=self._step(self._share(course, row)) + 1,
                final=self.final,
                decided_hour=None if course.ended_at is None or evidence is None else evidence.hour,
                digest=digest(self.design, self.history, final=self.final),
            )
        )


def _contradicted(present: Evidence, ruling: Ruling) -> bool:
    """Return whether the variant named is now behind another one (by more than a safe pick allows)."""
    margin = present.design.safe_margin if ruling.kind is Kind.SAFE_PICK else None
    ahead = present.statistics(1 - (margin or 0.0))
    return bool(
        ahead[[present.active.index(each) for each in (ruling.winner,) if each is not None]].min() <= 0
    )
