"""Cap on the cost of a single run, so that a typing error does not reach Meta."""

from collections.abc import Iterator, Mapping
from typing import Final

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem

TIMES_THE_SMALLEST: Final = 100
"""Without a setting: as many times the smallest spend cap Meta takes for a campaign, some 10,000 USD in any currency."""


def run_cap(facts: AdAccountFacts, limits: Mapping[str, int]) -> Money | None:
    """Return the most a run of this account may cost; None where neither a setting nor Meta names an amount.

    ``limits`` are the installation's, in minor units by currency.
    """
    if facts.currency in limits:
        return Money(limits[facts.currency], facts.currency)
    smallest = facts.minimum_spend_cap
    return smallest.times(TIMES_THE_SMALLEST) if smallest.minor > 0 else None


def check_run_cap(request: RunRequest, facts: AdAccountFacts, limits: Mapping[str, int]) -> Iterator[Problem]:
    """Yield a total above the cap for one run."""
    cap = run_cap(facts, limits)
    total = Money.from_major(request.budget_config.total_budget, facts.currency)
    if cap is not None and total.minor > cap.minor:
        yield Problem(
            "budget_config.total_budget",
            *remedied(RequestProblem.ABOVE_RUN_LIMIT(total=total, cap=cap)),
            "above_run_limit",
        )
