"""Warnings of a request: what its author should know although nothing is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace

from autopublisher.domain.accounts.account_limit import falls_short
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.request.category_rules import AUTHORISED, special_categories
from autopublisher.domain.request.placements import PLACEMENTS
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.rules import effective_ad, smallest_daily
from autopublisher.domain.runs.plan import objective_of

_WHOLE_WEEKDAYS = 72
_ASKS_SOME = "BR"

RECOMMENDED_HEADLINE, RECOMMENDED_TEXT = 25, 90
"""Characters that Meta shows of a link ad's headline and text in most places."""


def request_warnings(
    request: RunRequest, account: Account, facts: AdAccountFacts, minimums: MinimumBudgets
) -> tuple[str, ...]:
    """Return the warnings of a checked request, given what Meta says of its account."""
    settled = replace(request, ad=effective_ad(request, account))
    return (
        *_objective(settled),
        *_duration(settled),
        *_what_is_left(settled, account.currency, minimums),
        *_account_limit(settled, account.currency, facts),
        *_categories(settled),
        *_brazil(settled),
        *_long_texts(settled),
        *_instagram(settled),
    )


def _objective(request: RunRequest) -> Iterator[str]:
    choice = objective_of(request)
    if choice.was_mapped:
        yield f"Objective {choice.asked} is no longer created by Meta; {choice.outcome} is used instead."


def _duration(request: RunRequest) -> Iterator[str]:
    if request.ab_test_config.test_duration_hours < _WHOLE_WEEKDAYS:
        yield "A test shorter than three days cannot see differences between days of the week."


def _what_is_left(request: RunRequest, currency: str, minimums: MinimumBudgets) -> Iterator[str]:
    """Warn where the tests may leave too little for Meta to take a final campaign."""
    total = Money.from_major(request.budget_config.total_budget, currency)
    left = total - _tests(request, currency)
    daily = smallest_daily(minimums, objective_of(request).goal.frequency)
    if not left.minor:
        yield "The tests may use up total_budget, so nothing may be left to scale the winner."
    elif left < daily:
        yield (
            f"Once the tests have spent their money, {left} is left for the winner, below Meta's minimum of {daily} a "
            "day: then nothing can be published."
        )


def _account_limit(request: RunRequest, currency: str, facts: AdAccountFacts) -> Iterator[str]:
    total = Money.from_major(request.budget_config.total_budget, currency)
    if falls_short(facts, total):
        yield (
            f"The ad account's own spending limit at Meta leaves {facts.limit_left} of the {total} this run may spend: "
            "the winner is published only once the limit leaves enough."
        )


def _categories(request: RunRequest) -> Iterator[str]:
    for name in special_categories(request):
        if name in AUTHORISED:
            yield f"Meta shows ads of category {name} only for advertisers that it has authorised."


def _brazil(request: RunRequest) -> Iterator[str]:
    if _ASKS_SOME in request.targeting_config.countries:
        yield (
            "Meta wants some advertisers verified before their ads are shown in Brazil: see in Business settings whether "
            "this account has to be."
        )


def _long_texts(request: RunRequest) -> Iterator[str]:
    lists = (
        ("headlines", request.headlines, RECOMMENDED_HEADLINE),
        ("primary_texts", request.primary_texts, RECOMMENDED_TEXT),
    )
    for name, texts, most in lists:
        longest = max((len(text) for text in texts), default=0)
        if longest > most:
            yield f"{name}: Meta recommends at most {most} characters and may cut off the rest; the longest has {longest}."


def _instagram(request: RunRequest) -> Iterator[str]:
    places = request.targeting_config.placements
    shown_there = not places or any(PLACEMENTS[place][0] == "instagram" for place in places)
    if shown_there and request.ad.instagram_user_id is None:
        yield (
            "No Instagram account is named (ad.instagram_user_id): on Instagram the ads appear under the page's name, or "
            "Meta refuses them."
        )


def _tests(request: RunRequest, currency: str) -> Money:
    test = request.ab_test_config
    return Money.from_major(test.test_budget_per_variant * test.variants_count, currency)
