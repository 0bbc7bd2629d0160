"""Rules on a request's money: positive, in the account's currency and places, enough for the test, above Meta's minima."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from autopublisher.domain.accounts.account_limit import falls_short
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money, places_of
from autopublisher.domain.errors import Problem, UnknownCurrencyError
from autopublisher.domain.messages import remedied, remedy_of, said_of
from autopublisher.domain.request.longest_test import further_days, may_go_on, most_for_test
from autopublisher.domain.request.objectives import Frequency, choose_objective
from autopublisher.domain.request.request import NoWinner, RunRequest
from autopublisher.domain.request.request_problems import RequestProblem

LARGEST_AMOUNT = Decimal(10) ** 12
"""More than any account spends, in any currency's major units; what lies above is a slip of the keyboard."""

LEAST_SCALING, MOST_SCALING = 1, 10

ASSUMPTIONS: Mapping[str, tuple[Decimal, Decimal]] = {
    "elasticity": (Decimal("0.1"), Decimal(1)),
    "learning_days": (Decimal(0), Decimal(30)),
    "learning_efficiency": (Decimal(0), Decimal(1)),
    "margin": (Decimal("0.01"), Decimal(1)),
}
"""What may be assumed of publishing, from least to most."""


def smallest_daily(minimums: MinimumBudgets, frequency: Frequency) -> Money:
    """Return the smallest daily budget for a goal whose event happens with this frequency."""
    return {
        Frequency.IMPRESSIONS: minimums.impressions,
        Frequency.HIGH: minimums.high_frequency,
        Frequency.LOW: minimums.low_frequency,
        Frequency.VIDEO: minimums.video_views,
    }[frequency]


def smallest_lifetime(daily: Money, hours: int) -> Money:
    """Return the smallest lifetime budget of a test of ``hours``: the daily minimum for each day begun."""
    return daily.times(max(1, -(-hours // 24)))


def _amounts(request: RunRequest) -> Mapping[str, Decimal]:
    ab, budget = request.ab_test_config, request.budget_config
    amounts = {
        "ab_test_config.test_budget_per_variant": ab.test_budget_per_variant,
        "ab_test_config.min_spend_threshold": ab.min_spend_threshold,
        "budget_config.total_budget": budget.total_budget,
        "budget_config.daily_budget": budget.daily_budget,
        "budget_config.max_daily_budget": budget.max_daily_budget,
        "budget_config.value_per_conversion": budget.value_per_conversion,
    }
    return {field: amount for field, amount in amounts.items() if amount is not None}


def _is_sensible(amount: Decimal) -> bool:
    return amount.is_finite() and 0 < amount <= LARGEST_AMOUNT


def check_budgets(request: RunRequest) -> Iterator[Problem]:
    """Yield amounts that are none, and amounts that contradict each other."""
    amounts = _amounts(request)
    for field, amount in amounts.items():
        if not amount.is_finite() or amount <= 0:
            yield Problem(field, *remedied(RequestProblem.AMOUNT_NOT_POSITIVE(amount=str(amount))))
        elif amount > LARGEST_AMOUNT:
            yield Problem(
                field,
                *remedied(RequestProblem.AMOUNT_TOO_LARGE(amount=str(amount), most=f"{LARGEST_AMOUNT:f}")),
            )
    factor = request.budget_config.scaling_factor
    if not factor.is_finite() or not LEAST_SCALING <= factor <= MOST_SCALING:
        yield Problem(
            "budget_config.scaling_factor",
            *remedied(
                RequestProblem.SCALING_FACTOR(least=LEAST_SCALING, most=MOST_SCALING, factor=str(factor))
            ),
        )
    for name, (least, most) in ASSUMPTIONS.items():
        value = getattr(request.budget_config, name)
        if value is None:
            continue
        if not value.is_finite() or not least <= value <= most:
            yield Problem(
                f"budget_config.{name}",
                *remedied(RequestProblem.OUT_OF_RANGE(value=str(value), least=str(least), most=str(most))),
            )
    if all(_is_sensible(amount) for amount in amounts.values()):
        yield from _check_order(request)


def _check_order(request: RunRequest) -> Iterator[Problem]:
    budget, ab = request.budget_config, request.ab_test_config
    most = budget.max_daily_budget
    if budget.daily_budget is not None and most is not None and budget.daily_budget > most:
        yield Problem("budget_config.daily_budget", *remedied(RequestProblem.DAILY_ABOVE_MOST()))
    if ab.min_spend_threshold is not None and ab.min_spend_threshold > ab.test_budget_per_variant:
        yield Problem(
            "ab_test_config.min_spend_threshold", *remedied(RequestProblem.THRESHOLD_ABOVE_BUDGET())
        )


def check_currency(request: RunRequest, account: Account) -> Iterator[Problem]:
    """Yield a currency that is not the account's, or not one of Meta's."""
    asked = request.budget_config.currency
    if asked is not None and asked != account.currency:
        yield Problem(
            "budget_config.currency",
            *remedied(RequestProblem.CURRENCY_MISMATCH(currency=account.currency, asked=asked)),
            "currency_mismatch",
        )
    try:
        places_of(account.currency)
    except UnknownCurrencyError as error:
        yield Problem("meta_account_id", said_of(error), remedy_of(error), "currency_unknown")


def check_amounts(request: RunRequest, currency: str) -> Iterator[Problem]:
    """Yield amounts finer than the currency, and a total that does not cover the tests."""
    places = places_of(currency)
    amounts = _amounts(request)
    if not all(_is_sensible(amount) for amount in amounts.values()):
        return  # said by check_budgets
    uneven = {field: amount for field, amount in amounts.items() if amount != round(amount, places)}
    for field, amount in uneven.items():
        yield Problem(
            field,
            *remedied(RequestProblem.TOO_MANY_PLACES(amount=str(amount), places=places, currency=currency)),
            "too_many_places",
        )
    if not uneven:
        yield from _check_total(request, currency)


def _check_total(request: RunRequest, currency: str) -> Iterator[Problem]:
    ab, total = request.ab_test_config, request.budget_config.total_budget
    needed = ab.test_budget_per_variant * ab.variants_count
    if total < needed:
        yield Problem(
            "budget_config.total_budget",
            *remedied(
                RequestProblem.INSUFFICIENT_BUDGET(total=str(total), currency=currency, needed=str(needed))
            ),
            "insufficient_budget",
        )
    elif ab.on_no_winner is NoWinner.EXTEND and may_go_on(ab) and not further_days(request, currency):
        room = RequestProblem.EXTEND_WITHOUT_ROOM(share=str(ab.max_test_share))
        yield Problem("ab_test_config.max_test_share", *remedied(room))


def check_account_limit(request: RunRequest, facts: AdAccountFacts) -> Iterator[Problem]:
    """Yield that the account's own spending limit at Meta leaves less than the test is to spend."""
    needed = most_for_test(request, facts.currency)
    if falls_short(facts, needed):
        yield Problem(
            "meta_account_id",
            *remedied(
                RequestProblem.ACCOUNT_LIMIT(
                    cap=facts.spend_cap or "", left=facts.limit_left or "", needed=needed
                )
            ),
            "account_limit",
        )


def check_minimums(
    request: RunRequest, conversion_event: str | None, currency: str, minimums: MinimumBudgets
) -> Iterator[Problem]:
    """Yield budgets below what Meta accepts for the goal; for a request that has passed the other money rules."""
    objective = choose_objective(request.objective, conversion_event)
    if objective is None:
        return
    ab, budget = request.ab_test_config, request.budget_config
    daily = smallest_daily(minimums, objective.goal.frequency)
    least = smallest_lifetime(daily, ab.test_duration_hours)
    test = Money.from_major(ab.test_budget_per_variant, currency)
    if test < least:
        yield Problem(
            "ab_test_config.test_budget_per_variant",
            *remedied(RequestProblem.TEST_BELOW_MINIMUM(daily=daily, least=least, test=test)),
            "below_minimum",
        )
    caps = {"daily_budget": budget.daily_budget, "max_daily_budget": budget.max_daily_budget}
    for field, amount in caps.items():
        if amount is not None and Money.from_major(amount, currency) < daily:
            yield Problem(
                f"budget_config.{field}",
                *remedied(RequestProblem.DAILY_BELOW_MINIMUM(amount=str(amount), daily=daily)),
                "below_minimum",
            )
