"""Terms of a run's money decisions: its whole budget, and what publishing is assumed to cost."""

from autopublisher.domain.evidence.money_decision import MoneyTerms
from autopublisher.domain.evidence.worth import Publishing
from autopublisher.domain.past_tests import AccountMemory
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.optimizer import scaled_daily, test_daily


def money_terms(request: RunRequest, currency: str, memory: AccountMemory | None = None) -> MoneyTerms:
    """Return on what a money decision on a test rests besides its figures.

    ``memory`` is what the account's finished tests say. What the winner's daily budget is to be is held against what one
    variant could spend a day in the test.
    """
    budget = request.budget_config
    return MoneyTerms(
        total_budget=float(budget.total_budget),
        scaled=Publishing(
            scaling_factor=scaled_daily(request, currency).minor / test_daily(request, currency).minor,
            elasticity=float(budget.elasticity),
            learning_days=float(budget.learning_days),
            learning_efficiency=float(budget.learning_efficiency),
        ),
        largest_test_share=float(request.ab_test_config.max_test_share),
        memory=memory,
        margin=None if budget.margin is None else float(budget.margin),
        value_per_event=None if budget.value_per_conversion is None else float(budget.value_per_conversion),
    )
