"""Checks of a request before anything is created: every problem names its field, the reason and the remedy.

Three stages, each needing more of the world: the request alone, the request against the account we hold, and the request
against what Meta says of the account now. The rules themselves lie with what they are about.
"""

from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, MinimumBudgets
from autopublisher.domain.errors import Problem
from autopublisher.domain.request.ad_rules import check_ad, check_facts, check_transparency, effective_ad
from autopublisher.domain.request.category_rules import check_categories
from autopublisher.domain.request.money_rules import (
    check_account_limit,
    check_amounts,
    check_budgets,
    check_currency,
    check_minimums,
    smallest_daily,
    smallest_lifetime,
)
from autopublisher.domain.request.regional_rules import check_identities
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.targeting_rules import check_targeting
from autopublisher.domain.request.test_rules import check_arms, check_test
from autopublisher.domain.request.text_rules import check_extras, check_texts

__all__ = [
    "check_against_account",
    "check_against_meta",
    "check_request",
    "effective_ad",
    "smallest_daily",
    "smallest_lifetime",
]


def check_request(request: RunRequest) -> list[Problem]:
    """Return what is wrong with the request by itself."""
    checks = (
        check_texts,
        check_test,
        check_budgets,
        check_targeting,
        check_arms,
        check_extras,
        check_categories,
    )
    return [problem for check in checks for problem in check(request)]


def check_against_account(request: RunRequest, account: Account) -> list[Problem]:
    """Return what is wrong with the request for this account: currency, places, money, and what its ads lack."""
    problems = [*check_currency(request, account)]
    if not problems:
        problems += check_amounts(request, account.currency)
    ad = effective_ad(request, account)
    return [*problems, *check_ad(request, ad), *check_identities(request, ad.regional_identities or {})]


def check_against_meta(
    request: RunRequest, account: Account, facts: AdAccountFacts, minimums: MinimumBudgets
) -> list[Problem]:
    """Return what Meta would refuse or not deliver: a blocked account, another currency, budgets outside its limits."""
    ad = effective_ad(request, account)
    problems = [*check_facts(account, facts)]
    if facts.currency == account.currency:
        problems += check_minimums(request, ad.conversion_event, account.currency, minimums)
        problems += check_account_limit(request, facts)
    return [*problems, *check_transparency(request, ad, facts)]
