"""Composition of a verdict from evidence and ruling."""

import math
from dataclasses import dataclass

import numpy as np

from autopublisher.domain.evidence.comparison import Evidence
from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design
from autopublisher.domain.evidence.diagnostics import Signals, caveats, diagnose
from autopublisher.domain.evidence.interval import RatioInterval
from autopublisher.domain.evidence.money_checks import VALUE_FAULTS
from autopublisher.domain.evidence.planning import Measured, ProofCost, proof_cost_after
from autopublisher.domain.evidence.posterior import log_ratios
from autopublisher.domain.evidence.rules import ENDING_KINDS, Kind, Ruling
from autopublisher.domain.evidence.timeline import Timeline
from autopublisher.domain.evidence.verdict import (
    Diagnostic,
    Estimate,
    InterimAnalysis,
    PairResult,
    VariantResult,
    Verdict,
    settled_chance,
)


@dataclass(frozen=True, eq=False)
class Case:
    """Everything a verdict is written from; positions are those of the design."""

    design: Design
    timeline: Timeline
    row: int
    evidence: Evidence | None
    ruling: Ruling
    analyses: tuple[InterimAnalysis, ...]
    eliminated: tuple[int, ...]
    share: float
    next_step: int
    final: bool
    detailed: bool
    decided_hour: float | None
    digest: str
    findings: tuple[Diagnostic, ...] = ()
    planned_shares: tuple[float, ...] | None = None

    def name(self, position: int | None) -> str | None:
        """Return a variant's id."""
        return None if position is None else self.design.variants[position]

    @property
    def leader(self) -> int | None:
        """Return the leader's position; a named winner leads by definition."""
        if self.ruling.winner is not None:
            return self.ruling.winner
        if self.evidence is None or self.evidence.leader is None or VALUE_FAULTS & {*self.ruling.reasons}:
            return None
        return self.evidence.active[self.evidence.leader]


def compose(case: Case) -> Verdict:
    """Return the verdict of a case."""
    design, evidence, kind = case.design, case.evidence, case.ruling.kind
    variants = _variants(case)
    leading = None if case.leader is None else variants[case.leader]
    mature = _mature_share(case)
    return Verdict(
        kind=kind,
        criterion=design.criterion.value,
        method=design.method,
        final=case.final,
        winner=case.name(case.ruling.winner),
        leader=case.name(case.leader),
        eliminated=tuple(design.variants[each] for each in case.eliminated),
        newly_eliminated=tuple(design.variants[each] for each in case.ruling.eliminated),
        hour=float(case.timeline.hours[case.row]),
        decided_hour=case.decided_hour,
        reasons=case.ruling.reasons,
        share=case.share,
        mature_share=mature,
        analyses=case.analyses,
        next_analysis_share=_next_analysis(case),
        next_analysis_hour=_next_hour(case),
        boundary=None if evidence is None or math.isinf(evidence.bounds.winner) else evidence.bounds.winner,
        estimate=_estimate(case),
        p_best=None if leading is None else leading.p_best,
        expected_loss=None if leading is None else leading.expected_loss,
        largest_difference=_largest_difference(case),
        pairs=_pairs(case),
        variants=variants,
        day_spread=None if evidence is None else evidence.noise.variance**0.5,
        cost_of_proof=_costs(case),
        diagnostics=_diagnostics(case),
        caveats=caveats(design, evidence, kind, mature),
        alpha=design.alpha,
        currency=design.currency,
        digest=case.digest,
    ).tidy()


def _diagnostics(case: Case) -> tuple[Diagnostic, ...]:
    if case.evidence is None or not case.detailed:
        return case.findings
    evidence = case.evidence
    before = max((analysis.hour for analysis in case.analyses if analysis.hour < evidence.hour), default=0.0)
    signals = Signals(last_analysis_hour=before, planned_shares=_planned(case, evidence.active))
    return (*case.findings, *diagnose(case.design, case.timeline, evidence, signals))


def _planned(case: Case, active: tuple[int, ...]) -> tuple[float, ...] | None:
    """Return the active variants' planned shares of what they spend together."""
    if case.planned_shares is None:
        return None
    together = sum(case.planned_shares[each] for each in active)
    return tuple(case.planned_shares[each] / together for each in active) if together > 0 else None


def _next_analysis(case: Case) -> float | None:
    if case.ruling.kind in ENDING_KINDS or case.final:
        return None
    share = case.next_step / case.design.analysis_count
    return share if case.design.open_ended else min(share, 1.0)


def _next_hour(case: Case) -> float | None:
    waiting = _next_analysis(case) is not None and not case.design.past_guard(
        float(case.timeline.hours[case.row])
    )
    return case.design.guard if waiting else None


def _mature_share(case: Case) -> float:
    bought = float(case.timeline.column(case.design.measure.exposure)[case.row].sum())
    matured = float(case.timeline.matured[case.row].sum())
    return min(matured / bought, 1.0) if bought > 0 else 0.0


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _variants(case: Case) -> tuple[VariantResult, ...]:
    return tuple(_variant(case, position) for position in range(len(case.design.variants)))


def _variant(case: Case, position: int) -> VariantResult:
    total = {figure: float(case.timeline.column(figure)[case.row, position]) for figure in Figure}
    spend, clicks, conversions = total[Figure.SPEND], total[Figure.CLICKS], total[Figure.CONVERSIONS]
    rate, low, high, p_best, loss = _rate(case, position)
    return VariantResult(
        name=case.design.variants[position],
        active=position not in case.eliminated,
        spend=spend,
        impressions=total[Figure.IMPRESSIONS],
        clicks=clicks,
        conversions=conversions,
        revenue=total[Figure.REVENUE],
        engagements=total[Figure.ENGAGEMENTS],
        roas=_ratio(total[Figure.REVENUE], spend),
        cpa=_ratio(spend, conversions),
        ctr=_ratio(clicks, total[Figure.IMPRESSIONS]),
        cvr=_ratio(conversions, clicks),
        cpc=_ratio(spend, clicks),
        rate=rate,
        rate_low=low,
        rate_high=high,
        p_best=p_best,
        expected_loss=loss,
    )


def _rate(case: Case, position: int) -> tuple[float | None, ...]:
    """Return rate, its range, P(best) and expected loss; None for what is unknown."""
    evidence = case.evidence
    row = case.row if evidence is None else evidence.row
    matured = float(case.timeline.matured[row, position].sum())
    events = float(case.timeline.summed(case.design.measure.events)[row, position])
    rate = _ratio(events, matured)
    if evidence is None or position not in evidence.active or rate is None:
        return rate, None, None, None, None
    index, known = evidence.active.index(position), evidence.posterior
    chances = settled_chance(float(known.p_best[index])), settled_chance(float(known.loss[index]))
    if math.isinf(evidence.bounds.winner):
        return rate, None, None, *chances
    reach = evidence.bounds.winner * float(known.variance[index]) ** 0.5
    middle = float(known.log_rate[index])
    low, high = math.exp(min(middle - reach, 700.0)), math.exp(min(middle + reach, 700.0))
    return rate, low, high, *chances


def _pairs(case: Case) -> tuple[PairResult, ...]:
    evidence = case.evidence
    if evidence is None:
        return ()
    scores, names = evidence.scores, case.design.variants
    statistics = scores.statistics(evidence.noise.variance)
    return tuple(
        PairResult(
            first=names[int(scores.first[pair])],
            second=names[int(scores.second[pair])],
            statistic=float(statistics[pair]),
            ratio=_ratio(max(float(scores.a[pair]), 0.0), float(scores.b[pair])),
            low=interval.low,
            high=interval.high,
        )
        for pair, interval in enumerate(evidence.intervals())
    )


def _rival(evidence: Evidence, leading: int) -> int:
    """Return the index of the nearest rival: the highest posterior mean besides the leader's."""
    means = evidence.posterior.mean.copy()
    means[leading] = -np.inf
    return int(np.argmax(means))


def _estimate(case: Case) -> Estimate | None:
    evidence, position = case.evidence, case.leader
    if evidence is None or position not in evidence.active:
        return None
    leading = evidence.active.index(position)
    rival = _rival(evidence, leading)
    against = evidence.active[rival]
    raw, interval = _oriented(evidence, position, against)
    shrunk = math.exp(float(evidence.posterior.mean[leading] - evidence.posterior.mean[rival]))
    inside = (
        max(shrunk, interval.low) if interval.high is None else min(max(shrunk, interval.low), interval.high)
    )
    return Estimate(case.design.variants[against], raw, inside, interval.low, interval.high)


def _oriented(evidence: Evidence, first: int, second: int) -> tuple[float | None, RatioInterval]:
    """Return ratio and repeated range of `first` over `second`, whichever way the pair is stored."""
    scores = evidence.scores
    low, high = min(first, second), max(first, second)
    pair = int(np.flatnonzero((scores.first == low) & (scores.second == high))[0])
    a, b = max(float(scores.a[pair]), 0.0), max(float(scores.b[pair]), 0.0)
    interval = evidence.intervals()[pair]
    return (_ratio(a, b), interval) if first == low else (_ratio(b, a), interval.inverse())


def _largest_difference(case: Case) -> float | None:
    if case.evidence is None or case.ruling.kind not in (Kind.NO_DIFFERENCE, Kind.EQUIVALENT):
        return None
    ranges = case.evidence.intervals()
    return max(max(each.high or 1.0, 1 / each.low if each.low > 0 else 1.0) for each in ranges) - 1


def _costs(case: Case) -> tuple[ProofCost, ...]:
    """Return what proof of the planned lift, and of the lift seen, would cost at today's price per event."""
    evidence = case.evidence
    if evidence is None or case.ruling.kind is Kind.WINNER or float(evidence.counts.sum()) <= 0:
        return ()
    if case.ruling.kind not in ENDING_KINDS or not case.detailed or float(evidence.spend.sum()) <= 0:
        return ()
    lifts = {case.design.planned_lift}
    estimate = _estimate(case)
    if estimate is not None and estimate.shrunk > 1 + _LEAST_LIFT:
        lifts.add(round(estimate.shrunk - 1, 2))
    return tuple(proof_cost_after(case.design, _measured(case, evidence), lift) for lift in sorted(lifts))


def _measured(case: Case, evidence: Evidence) -> Measured:
    """Return what the test has shown so far of its own noise: that of the leader against its nearest rival."""
    _, variance = log_ratios(evidence.scores, evidence.noise.variance)
    leading = 0 if case.leader not in evidence.active else evidence.active.index(case.leader)
    first, second = sorted((leading, _rival(evidence, leading)))
    pair = int(
        np.flatnonzero(
            (evidence.scores.first == evidence.active[first])
            & (evidence.scores.second == evidence.active[second])
        )[0]
    )
    return Measured(
        error=float(variance[pair]) ** 0.5,
        events=float(evidence.counts.mean()),
        spend=float(evidence.spend.mean()),
        hours=min(evidence.hour, case.design.planned_hours),
    )


_LEAST_LIFT = 0.05
