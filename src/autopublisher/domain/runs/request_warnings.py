"""Warnings of a request: what its author should know although nothing is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace

from autopublisher.domain.accounts.account_limit import falls_short
from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.request.category_rules import AUTHORISED, special_categories
from autopublisher.domain.request.longest_test import most_for_test
from autopublisher.domain.request.placements import PLACEMENTS
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.rules import effective_ad, smallest_daily
from autopublisher.domain.runs.plan import objective_of

_WHOLE_WEEKDAYS = 72
_ASKS_SOME = "BR"

RECOMMENDED_HEADLINE, RECOMMENDED_TEXT = 25, 90
"""Characters that Meta shows of a link ad's headline and text in most places."""


class RequestWarning(Code):
    """What an author is warned of."""

    OBJECTIVE_REPLACED = "warning.objective_replaced"
    SHORT_TEST = "warning.short_test"
    NOTHING_LEFT = "warning.nothing_left"
    TOO_LITTLE_LEFT = "warning.too_little_left"
    ACCOUNT_LIMIT = "warning.account_limit"
    AUTHORISED_CATEGORY = "warning.authorised_category"
    BRAZIL = "warning.brazil"
    LONG_TEXT = "warning.long_text"
    NO_INSTAGRAM = "warning.no_instagram"


def request_warnings(
    request: RunRequest, account: Account, facts: AdAccountFacts, minimums: MinimumBudgets
) -> tuple[Message, ...]:
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


def _objective(request: RunRequest) -> Iterator[Message]:
    choice = objective_of(request)
    if choice.was_mapped:
        yield RequestWarning.OBJECTIVE_REPLACED(asked=choice.asked, used=choice.outcome)


def _duration(request: RunRequest) -> Iterator[Message]:
    if request.ab_test_config.test_duration_hours < _WHOLE_WEEKDAYS:
        yield RequestWarning.SHORT_TEST()


def _what_is_left(request: RunRequest, currency: str, minimums: MinimumBudgets) -> Iterator[Message]:
    """Warn where the tests may leave too little for Meta to take a final campaign."""
    total = Money.from_major(request.budget_config.total_budget, currency)
    left = total - most_for_test(request, currency)
    daily = smallest_daily(minimums, objective_of(request).goal.frequency)
    if not left.minor:
        yield RequestWarning.NOTHING_LEFT()
    elif left < daily:
        yield RequestWarning.TOO_LITTLE_LEFT(left=left, least=daily)


def _account_limit(request: RunRequest, currency: str, facts: AdAccountFacts) -> Iterator[Message]:
    total = Money.from_major(request.budget_config.total_budget, currency)
    if facts.limit_left is not None and falls_short(facts, total):
        yield RequestWarning.ACCOUNT_LIMIT(left=facts.limit_left, total=total)


def _categories(request: RunRequest) -> Iterator[Message]:
    for name in special_categories(request):
        if name in AUTHORISED:
            yield RequestWarning.AUTHORISED_CATEGORY(name=name)


def _brazil(request: RunRequest) -> Iterator[Message]:
    if _ASKS_SOME in request.targeting_config.countries:
        yield RequestWarning.BRAZIL()


def _long_texts(request: RunRequest) -> Iterator[Message]:
    lists = (
        ("headlines", request.headlines, RECOMMENDED_HEADLINE),
        ("primary_texts", request.primary_texts, RECOMMENDED_TEXT),
    )
    for name, texts, most in lists:
        longest = max((len(text) for text in texts), default=0)
        if longest > most:
            yield RequestWarning.LONG_TEXT(field=name, most=most, longest=longest)


def _instagram(request: RunRequest) -> Iterator[Message]:
    places = request.targeting_config.placements
    shown_there = not places or any(PLACEMENTS[place][0] == "instagram" for place in places)
    if shown_there and request.ad.instagram_user_id is None:
        yield RequestWarning.NO_INSTAGRAM()
