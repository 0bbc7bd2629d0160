"""Inputs of the decision engine, made from a run and its stored snapshots; amounts are converted both ways."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from autopublisher.domain import evidence
from autopublisher.domain.amounts import offset_of
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.longest_test import longest_time, most_per_variant
from autopublisher.domain.runs.reallocation import planned_shares
from autopublisher.domain.runs.run import Run

_HOUR = timedelta(hours=1)
_COUNTERS = attrgetter(*evidence.Figure)


def criterion_of(run: Run) -> evidence.Criterion:
    """Return by what a run's variants are compared."""
    return evidence.Criterion(run.request.ab_test_config.winner_criteria.value)


def design_of(run: Run, variants: Sequence[Variant], *, final: bool = False) -> evidence.Design:
    """Return the frozen plan of a run's test, as agreed in its request: that of the longest it may become.

    While the test runs it counts on people being divided as decided before; the ``final`` verdict only on what Meta has
    shown after the end.
    """
    divided = run.was_divided_throughout if final else bool(run.study.is_randomised)
    ab = run.request.ab_test_config
    threshold, memory = ab.min_spend_threshold, run.trial.memory
    return evidence.Design(
        variants=tuple(variant.letter for variant in variants),
        planned_spend_per_variant=float(most_per_variant(run).major),
        planned_hours=longest_time(run) / _HOUR,
        criterion=criterion_of(run),
        alpha=round(1.0 - float(ab.statistical_significance_level), 6),
        mode=evidence.Mode(ab.decision_mode.value),
        same_offer=ab.same_offer,
        cooldown_hours=float(ab.settle_hours),
        min_spend_threshold=0.0 if threshold is None else float(threshold),
        currency=run.currency,
        poll_hours=None if run.trial.poll_minutes is None else run.trial.poll_minutes / 60,
        day_spread=None if memory is None else memory.day_spread,
        day_spread_doubt=None if memory is None else memory.day_spread_doubt,
        adaptive=ab.adaptive_allocation,
        randomised=divided,
        # Every variant asks for the same people; only a study keeps them apart.
        same_people=not divided,
    )


def planned_shares_of(
    run: Run, variants: Sequence[Variant], rows: Sequence[Operation], now: datetime
) -> tuple[float, ...] | None:
    """Return what part of the spend each variant should have had by now; None where no money is moved."""
    if (
        not run.request.ab_test_config.adaptive_allocation
        or run.trial.starts_at is None
        or run.trial.ends_at is None
    ):
        return None
    shares = planned_shares(rows, run.trial.starts_at, run.trial.ends_at, now)
    return tuple(shares[variant.letter] for variant in variants) if shares else None


def history_of(run: Run, variants: Sequence[Variant], snapshots: Sequence[Snapshot]) -> evidence.History:
    """Return complete polls in order; hours count from the moment the test was switched on.

    Raises ValueError where a counter is negative.
    """
    start = run.trial.starts_at or run.trial.arms_start_at or run.created_at
    polls: dict[datetime, dict[str, Figures]] = {}
    for snapshot in snapshots:
        polls.setdefault(snapshot.at, {})[snapshot.variant] = snapshot.figures
    letters, edited_at = [variant.letter for variant in variants], run.trial.edited_at
    complete = {
        max(0.0, (at - start).total_seconds() / 3600.0): at
        for at, poll in sorted(polls.items())
        if poll.keys() >= set(letters)
    }
    counted = [_COUNTERS(polls[at][letter]) for at in complete.values() for letter in letters]
    return evidence.History(
        hours=np.array([*complete], dtype=np.float64),
        figures=_in_major(np.array(counted, dtype=np.float64), offset_of(run.currency)).reshape(
            len(complete), len(letters), len(evidence.Figure)
        ),
        edited=np.array(
            [edited_at is not None and at >= edited_at for at in complete.values()], dtype=np.bool_
        ),
    )


def _in_major(counted: npt.NDArray[np.float64], offset: int) -> npt.NDArray[np.float64]:
    """Return counters (readings, figures) with money in major units and engagements other than clicks."""
    spend, impressions, clicks, conversions, revenue, engagements = counted.reshape(
        -1, len(evidence.Figure)
    ).T
    earned = np.maximum(revenue, 0.0) / offset  # refunds above sales are worth no more than nothing sold
    engaged = np.maximum(engagements - clicks, 0.0)
    figures = np.stack([spend / offset, impressions, clicks, conversions, earned, engaged], axis=1)
    if (figures < 0).any():
        raise ValueError("Figures must not be negative.")
    return figures
