"""Longest test of a run: how long it may last and what it may spend, as fixed when the run was admitted.

A test that goes on past its plan has its end moved first, in the run's row; what its arms must show at Meta follows from
that, so that a tick that is repeated does what is left of it and nothing twice.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain.amounts import Money
from autopublisher.domain.request.longest_test import budget_after
from autopublisher.domain.runs.run import Run, RunStatus

_A_DAY = timedelta(days=1)
_MAY_GO_ON = frozenset({RunStatus.CREATING_CAMPAIGNS, RunStatus.AB_TESTING})


def planned_time(run: Run) -> timedelta:
    """Return how long the test is to last by its plan."""
    return timedelta(hours=run.request.ab_test_config.test_duration_hours)


def longest_time(run: Run) -> timedelta:
    """Return how long it may last in all."""
    return planned_time(run) + run.trial.further_days * _A_DAY


def most_per_variant(run: Run) -> Money:
    """Return what one variant may spend in the longest test."""
    return budget_after(run.request.ab_test_config, run.currency, run.trial.further_days)


def days_past_plan(run: Run) -> int:
    """Return by how many days the test has gone on past its plan so far."""
    if run.trial.starts_at is None or run.trial.ends_at is None:
        return 0
    return round((run.trial.ends_at - run.trial.starts_at - planned_time(run)) / _A_DAY)


def budget_per_variant(run: Run) -> Money:
    """Return the lifetime budget that each running arm is to have by now."""
    return budget_after(run.request.ab_test_config, run.currency, days_past_plan(run))


def may_go_on(run: Run) -> bool:
    """Tell whether the run's status is one in which a test may yet go on past its plan."""
    return run.status in _MAY_GO_ON and run.trial.further_days > 0


def latest_end(run: Run) -> datetime | None:
    """Return when the test ends at the latest; None where it does not go on any more, or has no times yet."""
    starts = run.trial.starts_at or run.trial.arms_start_at
    over = not may_go_on(run) or run.ending.turned_to is not None
    return None if over or starts is None else starts + longest_time(run)


def a_day_longer(run: Run) -> Run | None:
    """Return the run with its test ending a day later; None where it may not go on for another day."""
    if run.trial.ends_at is None or days_past_plan(run) >= run.trial.further_days:
        return None
    return replace(run, trial=replace(run.trial, ends_at=run.trial.ends_at + _A_DAY))
