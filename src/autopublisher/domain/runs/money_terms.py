"""Terms of a run's money decisions: its whole budget, and what publishing is assumed to cost."""

from collections.abc import Sequence

from autopublisher.domain.evidence.money_decision import MoneyTerms
from autopublisher.domain.evidence.spread import PastTest
from autopublisher.domain.evidence.worth import Publishing
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.optimizer import scaled_daily, test_daily


def money_terms(request: RunRequest, currency: str, past_tests: Sequence[PastTest] = ()) -> MoneyTerms:
    """Return on what a money decision on a test rests besides its figures.

    What the winner's daily budget is to be is held against what one variant could spend a day in the test.
    """
    budget = request.budget_config
    return MoneyTerms(
        total_budget=float(budget.total_budget),
        publishing=Publishing(
            scaling_factor=scaled_daily(request, currency).minor / test_daily(request, currency).minor,
            elasticity=float(budget.elasticity),
            learning_days=float(budget.learning_days),
            learning_efficiency=float(budget.learning_efficiency),
        ),
        past_tests=tuple(past_tests),
        largest_test_share=float(request.ab_test_config.max_test_share),
    )
