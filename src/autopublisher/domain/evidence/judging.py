"""Decision engine: from a design and its snapshots to a verdict.

Analyses are derived from the snapshots themselves: the first sound snapshot at or past each planned share of
matured spend is an analysis. So nothing but design and snapshots need be stored, judging again gives the same
bytes, and a boundary once crossed stays crossed however often, or late, anybody asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from autopublisher.domain.evidence import report
from autopublisher.domain.evidence.boundaries import AnalysisTime
from autopublisher.domain.evidence.cohorts import CohortView
from autopublisher.domain.evidence.comparison import (
    Boundaries,
    Bounds,
    Evidence,
    EvidenceSeries,
    compare_at_analyses,
)
from autopublisher.domain.evidence.data_health import findings, latest_row
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.interim_analyses import AnalysisSchedule, DueAnalysis
from autopublisher.domain.evidence.observations import History, Snapshot, digest, in_order
from autopublisher.domain.evidence.pair_boundaries import PairBoundaries, clocks_at
from autopublisher.domain.evidence.rules import (
    ENDING_KINDS,
    Kind,
    Ruling,
    crossings,
    may_decide_without_crossing,
    rule,
    unmet_guards,
)
from autopublisher.domain.evidence.standing import Readings, Standing
from autopublisher.domain.evidence.timeline import Timeline, build
from autopublisher.domain.evidence.verdict import Diagnostic, InterimAnalysis, Verdict

_UNREACHABLE = 100.0
"""How an analysis without error to spend is written: no score of as many blocks as a test has comes near it."""


def judge(design: Design, history: Sequence[Snapshot], *, final: bool = False) -> Verdict:
    """Return the verdict at the latest snapshot.

    `final` says that no more data will come (after the cool-down, or when the run is cut short): the last
    analysis is taken and all remaining error is spent. Raises ValueError when snapshots do not fit the design.
    """
    judgement = _judgement(design, history, final=final)
    return judgement.verdict(judgement.progress())


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
    judgement = replace(
        _judgement(design, history, final=final), detailed=detailed, planned_shares=_given(planned_shares)
    )
    return _replayed(judgement, judgement.progress())


def judge_running(
    design: Design, history: Sequence[Snapshot], *, planned_shares: Sequence[float] | None = None
) -> tuple[Verdict, Standing | None]:
    """Return what `replay` does of a running test, and where it stands; None where its next poll has to be judged whole."""
    judgement = replace(_judgement(design, history, final=False), planned_shares=_given(planned_shares))
    progress = judgement.progress()
    verdict = _replayed(judgement, progress)
    known = verdict.kind is Kind.NOT_YET and judgement.timeline.cohorts is None
    if not known or progress.ended_at is not None or design.poll_hours is None:
        return verdict, None
    taken, past = len(progress.taken), Readings.of(judgement.schedule.checks)
    return verdict, Standing(design, progress.active, progress.share, taken, verdict.share, past, len(past))


def _given(planned_shares: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if planned_shares is None else tuple(planned_shares)


def _replayed(judgement: "_Judgement", progress: "_Progress") -> Verdict:
    if progress.ended_at is None or progress.ended_at == len(judgement.history) - 1:
        return judgement.verdict(progress)
    # Nothing known at the end depends on what came later, so what was worked out on the way is kept.
    known = judgement.history[: progress.ended_at + 1]
    until = judgement.timeline.until(progress.ended_at)
    schedule = AnalysisSchedule(judgement.design, known, until, final=False)
    return replace(judgement, schedule=schedule).verdict(progress)


def _judgement(design: Design, history: Sequence[Snapshot], *, final: bool) -> "_Judgement":
    ordered = in_order(history, len(design.variants))
    return _Judgement(AnalysisSchedule(design, ordered, build(design, ordered), final=final))


@dataclass(frozen=True, eq=False)
class _Progress:
    """The test up to some snapshot: analyses taken, variants left, and how it ended, if it has.

    `boundaries` hold the bounds of the analyses taken, `before` those without the latest one; `share` is its clock.
    """

    active: tuple[int, ...]
    boundaries: Boundaries | PairBoundaries
    before: Boundaries | PairBoundaries
    share: float = 0.0
    taken: tuple[InterimAnalysis, ...] = ()
    eliminated: tuple[int, ...] = ()
    ruling: Ruling = field(default_factory=lambda: Ruling(Kind.NOT_YET))
    evidence: Evidence | None = None
    analysed_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, eq=False)
class _Judgement:
    schedule: AnalysisSchedule
    detailed: bool = True
    planned_shares: tuple[float, ...] | None = None

    @property
    def design(self) -> Design:
        return self.schedule.design

    @property
    def history(self) -> History:
        return self.schedule.history

    @property
    def timeline(self) -> Timeline:
        return self.schedule.timeline

    @property
    def final(self) -> bool:
        return self.schedule.final

    @cached_property
    def view(self) -> CohortView:
        return CohortView(self.design, self.timeline)

    def verdict(self, progress: _Progress) -> Verdict:
        """Return the verdict at the latest snapshot of the progress so far."""
        now = len(self.history) - 1
        found = self.schedule.faults(now) if len(self.history) else ()
        if found and (progress.ended_at is None or self.final):
            return self._report(progress, self._present(progress), Ruling(Kind.UNHEALTHY, reasons=found))
        if progress.ended_at is not None:
            return self._settled(progress)
        if progress.analysed_at == now:
            return self._report(progress, progress.evidence, progress.ruling)
        evidence = self._present(progress)
        kind = Kind.NOT_ENOUGH_DATA if self.final else Kind.NOT_YET
        return self._report(progress, evidence, Ruling(kind, reasons=self._why_no_analysis(evidence)))

    def progress(self) -> _Progress:
        """Return the whole progress, analysis by analysis, up to the first ending verdict."""
        none = PairBoundaries.of(self.design) if self.design.adaptive else Boundaries.of(self.design)
        progress = _Progress(tuple(range(len(self.design.variants))), none, none)
        while len(self.history) and progress.ended_at is None:
            after = -1 if progress.analysed_at is None else progress.analysed_at
            due = self.schedule.due(progress.active, after, progress.share)
            if not due:
                break
            # Where the delay is estimated again at each analysis, analyses have different pasts and are taken one by one.
            progress = self._analyse(progress, due[:1] if self.view.depends_on_row else due)
        return progress

    def _analyse(self, progress: _Progress, due: Sequence[DueAnalysis]) -> _Progress:
        """Return the progress after these analyses, or after the first of them that ends something."""
        now = len(self.history) - 1
        rows = [each.row for each in due]
        latest = latest_row(self.timeline, now)
        if latest > rows[-1] and not self.view.depends_on_row:
            rows.append(latest)  # what is known now comes with the same pass
        series = compare_at_analyses(self.design, self.view.at(rows[-1]), rows, progress.active)
        self._series[progress.active] = series
        for position, analysis in enumerate(due):
            progress, bounds = self._noted(progress, analysis)
            reported = analysis.index == now or analysis.time.last
            if reported or may_decide_without_crossing(self.design) or series.may_decide(position, bounds):
                evidence = series.evidence(position, progress.share, bounds)
                progress = _remembering(progress, evidence)
                progress = _ruled(progress, evidence, rule(evidence, last=analysis.time.last))
                if progress.ended_at is not None or progress.ruling.eliminated:
                    break
        return progress

    def _noted(self, progress: _Progress, analysis: DueAnalysis) -> tuple[_Progress, Bounds]:
        """Return the progress with one more analysis that decides nothing, and that analysis's bounds."""
        boundaries, share = self._after(progress, analysis.time, analysis.row), analysis.time.share
        bounds, number = boundaries.bounds, len(progress.taken) + 1
        boundary = min(bounds.winner, _UNREACHABLE)
        taken = InterimAnalysis(number, float(self.timeline.hours[analysis.row]), share, boundary)
        noted = _Progress(
            active=progress.active,
            boundaries=boundaries,
            before=progress.boundaries,
            share=share,
            taken=(*progress.taken, taken),
            eliminated=progress.eliminated,
            analysed_at=analysis.index,
        )
        return noted, bounds

    def _after(self, progress: _Progress, time: AnalysisTime, row: int) -> Boundaries | PairBoundaries:
        """Return the boundaries with one more analysis."""
        if isinstance(progress.boundaries, PairBoundaries):
            return progress.boundaries.after(clocks_at(self.design, self.timeline, row), progress.active)
        return progress.boundaries.after(time)

    def _present(self, progress: _Progress) -> Evidence | None:
        """Return the evidence now, against the bound an analysis taken now would have."""
        row = latest_row(self.timeline, len(self.history) - 1)
        share = max(progress.share, self.schedule.share(progress.active, row))
        if row == 0 or share <= 0:
            return None
        bounds = self._after(progress, AnalysisTime(share), row).bounds
        series = self._series.get(progress.active)
        if series is None or series.rows[-1] != row:
            series = compare_at_analyses(self.design, self.view.at(row), [row], progress.active)
        return series.evidence(len(series.rows) - 1, share, bounds)

    @cached_property
    def _series(self) -> dict[tuple[int, ...], EvidenceSeries]:
        """The last comparison of each set of variants."""
        return {}

    def _why_no_analysis(self, evidence: Evidence | None) -> tuple[str, ...]:
        if evidence is None:
            return ("no_data",)
        return unmet_guards(evidence) or ("look_not_due",)

    def _settled(self, progress: _Progress) -> Verdict:
        """Return the ending verdict; a winner that settled data contradict is withdrawn."""
        if self.final and progress.ruling.kind in (Kind.WINNER, Kind.SAFE_PICK):
            present = self._present(replace(progress, boundaries=progress.before))
            if present is not None and _contradicted(present, progress.ruling):
                withdrawn = Ruling(Kind.NOT_ENOUGH_DATA, reasons=("reversed_after_settling",))
                return self._report(progress, present, withdrawn)
        return self._report(progress, progress.evidence, progress.ruling)

    def _report(self, progress: _Progress, evidence: Evidence | None, ruling: Ruling) -> Verdict:
        row = latest_row(self.timeline, len(self.history) - 1)
        share = max(progress.share, self.schedule.share(progress.active, row))
        return report.compose(
            report.Case(
                design=self.design,
                timeline=self.view.at(row),
                row=row,
                evidence=evidence,
                ruling=ruling,
                analyses=progress.taken,
                eliminated=progress.eliminated,
                share=share,
                next_step=self.design.step(share) + 1,
                final=self.final,
                detailed=self.detailed,
                decided_hour=None if progress.ended_at is None or evidence is None else evidence.hour,
                digest=digest(self.design, self.history, final=self.final) if self.detailed else "",
                findings=self._findings() if self.detailed else (),
                planned_shares=self.planned_shares,
            )
        )

    def _findings(self) -> tuple[Diagnostic, ...]:
        return findings(self.history, self.schedule.checks, len(self.history) - 1)


def _remembering(progress: _Progress, evidence: Evidence) -> _Progress:
    """Return the progress knowing for good what pairs with a clock of their own have shown at its latest analysis."""
    if not isinstance(progress.boundaries, PairBoundaries) or unmet_guards(evidence):
        return progress
    return replace(progress, boundaries=progress.boundaries.noting(*crossings(evidence)))


def _ruled(progress: _Progress, evidence: Evidence, ruling: Ruling) -> _Progress:
    """Return the progress after the ruling of its latest analysis."""
    gone = (*progress.eliminated, *ruling.eliminated)
    return replace(
        progress,
        active=tuple(each for each in progress.active if each not in gone),
        eliminated=gone,
        ruling=ruling,
        evidence=evidence,
        ended_at=progress.analysed_at if ruling.kind in ENDING_KINDS else None,
    )


def _contradicted(present: Evidence, ruling: Ruling) -> bool:
    """Return whether the variant named is now behind another one (by more than a safe pick allows)."""
    margin = present.design.safe_margin if ruling.kind is Kind.SAFE_PICK else None
    ahead = present.statistics(1 - (margin or 0.0))
    return bool(
        ahead[[present.active.index(each) for each in (ruling.winner,) if each is not None]].min() <= 0
    )
