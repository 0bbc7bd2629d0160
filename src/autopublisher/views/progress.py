"""How far a test has come: evidence, money and time told apart, each with its moment, and what comes next as dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.amounts import Money
from autopublisher.domain.runs.longest_test import budget_per_variant, latest_end
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.reports import RunView

_TESTING = frozenset({RunStatus.AB_TESTING, RunStatus.ANALYZING_RESULTS})


@dataclass(frozen=True)
class Progress:
    """Shares of what was planned, 0 to 1.

    ``evidence`` counts spend whose purchases can have been reported, as judged at ``evidence_at``; ``money`` and ``time``
    are those of the figures of ``figures_at``. ``next_analysis_at`` is an estimate at the present pace, None when the
    last analysis has been made.
    """

    evidence: float | None
    evidence_at: datetime | None
    money: float
    time: float
    figures_at: datetime
    test_ends_at: datetime
    test_may_last_until: datetime | None
    next_analysis_at: datetime | None


def progress_of(view: RunView) -> Progress | None:
    """Return how far a run's test has come; None before its first figures."""
    run, at = view.run, view.figures_at
    if run.trial.starts_at is None or run.trial.ends_at is None or at is None:
        return None
    verdict = view.verdict
    planned = _planned(run, len(view.variants))
    return Progress(
        evidence=None if verdict is None or "share" not in verdict else min(float(verdict["share"]), 1.0),
        evidence_at=view.evidence_at,
        money=view.test_spent.minor / planned.minor if planned.minor else 0.0,
        time=max(0.0, min((at - run.trial.starts_at) / (run.trial.ends_at - run.trial.starts_at), 1.0)),
        figures_at=at,
        test_ends_at=run.trial.ends_at,
        test_may_last_until=_latest(run, run.trial.ends_at),
        next_analysis_at=_next_analysis(run, verdict, run.trial.starts_at, run.trial.ends_at),
    )


def _latest(run: Run, ends: datetime) -> datetime | None:
    """Return until when a test may go on past its present end; None where it may not."""
    latest = latest_end(run)
    return latest if latest is not None and latest > ends else None


def _planned(run: Run, variants: int) -> Money:
    each = budget_per_variant(run)
    return Money(each.minor * variants, each.currency)


def _next_analysis(
    run: Run, verdict: Mapping[str, Any] | None, starts: datetime, ends: datetime
) -> datetime | None:
    """Return when the next analysis is due, at the pace so far; the last one comes after late purchases."""
    if run.status not in _TESTING:
        return None
    last = run.trial.settles_at or ends + timedelta(hours=run.request.ab_test_config.settle_hours)
    if run.trial.settles_at is not None or verdict is None or "share" not in verdict:
        return last  # a verdict of an earlier release has no clock
    hour, share = verdict["next_look_hour"], verdict["next_look_share"]
    if hour is not None:
        return starts + timedelta(hours=hour)
    if share is None or share >= 1 or verdict["share"] <= 0:
        return last
    due = starts + timedelta(hours=verdict["hour"] * share / verdict["share"])
    return min(due, last)
