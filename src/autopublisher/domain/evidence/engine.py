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
from autopublisher.domain.evidence.cohorts import CohortView
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.health import findings, latest_row
from autopublisher.domain.evidence.looks import Calendar, DueLook
from autopublisher.domain.evidence.observations import History, Snapshot, digest, in_order
from autopublisher.domain.evidence.pair_limits import PairLimits, clocks_at
from autopublisher.domain.evidence.rules import (
    ENDING_KINDS,
    Kind,
    Ruling,
    crossings,
    rule,
    rules_on_little,
    unmet_guards,
)
from autopublisher.domain.evidence.timeline import Timeline, build
from autopublisher.domain.evidence.verdict import Diagnostic, Look, Verdict
from autopublisher.domain.evidence.weighing import Bounds, Evidence, Limits, weigh_looks

_UNREACHABLE = 100.0
"""How a look without error to spend is written: no score of as many blocks as a test has comes near it."""


def judge(design: Design, history: Sequence[Snapshot], *, final: bool = False) -> Verdict:
    """Return the verdict at the latest snapshot.

    `final` says that no more data will come (after the cool-down, or when the run is cut short): the last
    look is taken and all remaining error is spent. Raises ValueError when snapshots do not fit the design.
    """
    trial = _trial(design, history, final=final)
    return trial.verdict(trial.course())


def replay(
    design: Design,
    history: Sequence[Snapshot],
    *,
    final: bool = False,
    detailed: bool = True,
    planned_shares: Sequence[float] | None = None,
) -> Verdict:
    """Return the verdict the live system would have stopped with, polling at each snapshot in turn.

    Equals `judge` on the snapshots up to the first ending verdict, or on all of them when there is none. The verdict
    itself is the same without details: diagnostics, cost of proof and digest, which take longer than all the rest.
    `planned_shares` say what part of the spend each variant should have, for the diagnostics; None: even ones.
    """
    shares = None if planned_shares is None else tuple(planned_shares)
    trial = replace(_trial(design, history, final=final), detailed=detailed, planned_shares=shares)
    course = trial.course()
    if course.ended_at is None or course.ended_at == len(trial.history) - 1:
        return trial.verdict(course)
    # Nothing known at the end depends on what came later, so what was worked out on the way is kept.
    known = trial.history[: course.ended_at + 1]
    calendar = Calendar(design, known, trial.timeline.until(course.ended_at), final=False)
    return replace(trial, calendar=calendar).verdict(course)


def _trial(design: Design, history: Sequence[Snapshot], *, final: bool) -> "_Trial":
    ordered = in_order(history, len(design.variants))
    return _Trial(Calendar(design, ordered, build(design, ordered), final=final))


@dataclass(frozen=True, eq=False)
class _Course:
    """The test up to some snapshot: looks taken, variants left, and how it ended, if it has.

    `limits` hold the bounds of the looks taken, `before` those without the latest look; `share` is its clock.
    """

    active: tuple[int, ...]
    limits: Limits | PairLimits
    before: Limits | PairLimits
    share: float = 0.0
    taken: tuple[Look, ...] = ()
    eliminated: tuple[int, ...] = ()
    ruling: Ruling = field(default_factory=lambda: Ruling(Kind.NOT_YET))
    evidence: Evidence | None = None
    looked_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, eq=False)
class _Trial:
    calendar: Calendar
    detailed: bool = True
    planned_shares: tuple[float, ...] | None = None

    @property
    def design(self) -> Design:
        return self.calendar.design

    @property
    def history(self) -> History:
        return self.calendar.history

    @property
    def timeline(self) -> Timeline:
        return self.calendar.timeline

    @property
    def final(self) -> bool:
        return self.calendar.final

    @cached_property
    def view(self) -> CohortView:
        return CohortView(self.design, self.timeline)

    def verdict(self, course: _Course) -> Verdict:
        """Return the verdict at the latest snapshot of the course run so far."""
        now = len(self.history) - 1
        found = self.calendar.faults(now) if len(self.history) else ()
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
        """Return the whole course, look by look, up to the first ending verdict."""
        none = PairLimits.of(self.design) if self.design.adaptive else Limits.of(self.design)
        course = _Course(tuple(range(len(self.design.variants))), none, none)
        while len(self.history) and course.ended_at is None:
            after = -1 if course.looked_at is None else course.looked_at
            due = self.calendar.due(course.active, after, course.share)
            if not due:
                break
            # Where the delay is estimated again at each look, looks have different pasts and are taken one by one.
            course = self._take(course, due[:1] if self.view.depends_on_row else due)
        return course

    def _take(self, course: _Course, due: Sequence[DueLook]) -> _Course:
        """Return the course after these looks, or after the first of them that ends something."""
        now = len(self.history) - 1
        rows = [each.row for each in due]
        series = weigh_looks(self.design, self.view.at(rows[-1]), rows, course.active)
        for position, look in enumerate(due):
            course, bounds = self._noted(course, look)
            reported = look.index == now or look.time.last
            if reported or rules_on_little(self.design) or series.may_decide(position, bounds):
                evidence = series.evidence(position, course.share, bounds)
                course = _remembering(course, evidence)
                course = _ruled(course, evidence, rule(evidence, last=look.time.last))
                if course.ended_at is not None or course.ruling.eliminated:
                    break
        return course

    def _noted(self, course: _Course, look: DueLook) -> tuple[_Course, Bounds]:
        """Return the course with one more look that decides nothing, and that look's bounds."""
        limits, share = self._after(course, look.time, look.row), look.time.share
        bounds, number = limits.bounds, len(course.taken) + 1
        boundary = min(bounds.winner, _UNREACHABLE)
        taken = Look(number, float(self.timeline.hours[look.row]), share, boundary)
        noted = _Course(
            active=course.active,
            limits=limits,
            before=course.limits,
            share=share,
            taken=(*course.taken, taken),
            eliminated=course.eliminated,
            looked_at=look.index,
        )
        return noted, bounds

    def _after(self, course: _Course, time: LookTime, row: int) -> Limits | PairLimits:
        """Return the course's limits with one more look."""
        if isinstance(course.limits, PairLimits):
            return course.limits.after(clocks_at(self.design, self.timeline, row), course.active)
        return course.limits.after(time)

    def _present(self, course: _Course) -> Evidence | None:
        """Return the evidence now, against the bound a look taken now would have."""
        row = latest_row(self.timeline, len(self.history) - 1)
        share = max(course.share, self.calendar.share(course.active, row))
        if row == 0 or share <= 0:
            return None
        bounds = self._after(course, LookTime(share), row).bounds
        return weigh_looks(self.design, self.view.at(row), [row], course.active).evidence(0, share, bounds)

    def _why_no_look(self, evidence: Evidence | None) -> tuple[str, ...]:
        if evidence is None:
            return ("no_data",)
        return unmet_guards(evidence) or ("look_not_due",)

    def _settled(self, course: _Course) -> Verdict:
        """Return the ending verdict; a winner that settled data contradict is withdrawn."""
        if self.final and course.ruling.kind in (Kind.WINNER, Kind.SAFE_PICK):
            present = self._present(replace(course, limits=course.before))
            if present is not None and _contradicted(present, course.ruling):
                withdrawn = Ruling(Kind.NOT_ENOUGH_DATA, reasons=("reversed_after_settling",))
                return self._report(course, present, withdrawn)
        return self._report(course, course.evidence, course.ruling)

    def _report(self, course: _Course, evidence: Evidence | None, ruling: Ruling) -> Verdict:
        row = latest_row(self.timeline, len(self.history) - 1)
        share = max(course.share, self.calendar.share(course.active, row))
        return report.compose(
            report.Case(
                design=self.design,
                timeline=self.view.at(row),
                row=row,
                evidence=evidence,
                ruling=ruling,
                looks=course.taken,
                eliminated=course.eliminated,
                share=share,
                next_step=self.calendar.step(share) + 1,
                final=self.final,
                detailed=self.detailed,
                decided_hour=None if course.ended_at is None or evidence is None else evidence.hour,
                digest=digest(self.design, self.history, final=self.final) if self.detailed else "",
                findings=self._findings() if self.detailed else (),
                planned_shares=self.planned_shares,
            )
        )

    def _findings(self) -> tuple[Diagnostic, ...]:
        return findings(self.design, self.history, self.timeline, len(self.history) - 1)


def _remembering(course: _Course, evidence: Evidence) -> _Course:
    """Return the course knowing for good what pairs with a clock of their own have shown at its latest look."""
    if not isinstance(course.limits, PairLimits) or unmet_guards(evidence):
        return course
    return replace(course, limits=course.limits.noting(*crossings(evidence)))


def _ruled(course: _Course, evidence: Evidence, ruling: Ruling) -> _Course:
    """Return the course after the ruling of its latest look."""
    gone = (*course.eliminated, *ruling.eliminated)
    return replace(
        course,
        active=tuple(each for each in course.active if each not in gone),
        eliminated=gone,
        ruling=ruling,
        evidence=evidence,
        ended_at=course.looked_at if ruling.kind in ENDING_KINDS else None,
    )


def _contradicted(present: Evidence, ruling: Ruling) -> bool:
    """Return whether the variant named is now behind another one (by more than a safe pick allows)."""
    margin = present.design.safe_margin if ruling.kind is Kind.SAFE_PICK else None
    ahead = present.statistics(1 - (margin or 0.0))
    return bool(
        ahead[[present.active.index(each) for each in (ruling.winner,) if each is not None]].min() <= 0
    )
