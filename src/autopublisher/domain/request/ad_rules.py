"""Rules on a request's ads and their account: objective, page, link, pixel, transparency, and whether Meta delivers."""

import re
from collections.abc import Iterator

from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, AdDefaults
from autopublisher.domain.errors import Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.countries import EU_COUNTRIES
from autopublisher.domain.request.objectives import (
    CONVERSION_CRITERIA,
    UNSUPPORTED_OBJECTIVES,
    ObjectiveChoice,
    choose_objective,
)
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.request.request_problems import RequestProblem
from autopublisher.domain.request.text_rules import CALLS_TO_ACTION, unknown_call_to_action
from autopublisher.domain.request.web_address import registrable_domain

LONGEST_LINK = 1000
LONGEST_TRANSPARENCY = 512
_LINK = re.compile(r"https?://[^\s/]+\.[^\s/]+(/\S*)?", re.IGNORECASE)


def effective_ad(request: RunRequest, account: Account) -> AdDefaults:
    """Return the account's ad defaults with the request's own values over them."""
    own = {name: getattr(request.ad, name) for name in AdDefaults.__dataclass_fields__}
    return AdDefaults(
        **{name: getattr(account.defaults, name) if value is None else value for name, value in own.items()}
    )


def check_ad(request: RunRequest, ad: AdDefaults) -> Iterator[Problem]:
    """Yield what the ads lack for their objective, and what Meta would not take of them."""
    objective = choose_objective(request.objective, ad.conversion_event)
    if objective is None:
        yield _unknown_objective(request.objective)
        return
    yield from _check_parts(ad, objective)
    if ad.link_url:
        yield from _check_link(ad.link_url, objective)
    if ad.call_to_action is not None and ad.call_to_action not in CALLS_TO_ACTION:
        yield unknown_call_to_action("ad.call_to_action", ad.call_to_action)
    criterion = request.ab_test_config.winner_criteria.value
    if criterion in CONVERSION_CRITERIA and not objective.goal.needs_pixel:
        yield Problem(
            "ab_test_config.winner_criteria",
            *remedied(
                RequestProblem.CRITERION_WITHOUT_CONVERSIONS(criterion=criterion, outcome=objective.outcome)
            ),
        )


def is_link(link: str) -> bool:
    """Tell whether an ad can lead there: a web address, and nothing a browser would run."""
    return len(link) <= LONGEST_LINK and _LINK.fullmatch(link) is not None


def unfit_link(field: str) -> Problem:
    """Return the problem of a link that no ad can have."""
    return Problem(field, *remedied(RequestProblem.UNFIT_LINK(longest_link=LONGEST_LINK)))


def _check_link(link: str, objective: ObjectiveChoice) -> Iterator[Problem]:
    if not is_link(link):
        yield unfit_link("ad.link_url")
    elif objective.goal.needs_pixel and registrable_domain(link) is None:
        yield Problem("ad.link_url", *remedied(RequestProblem.LINK_WITHOUT_DOMAIN()))


def _unknown_objective(asked: str) -> Problem:
    why = UNSUPPORTED_OBJECTIVES.get(asked.strip().upper())
    if why is None:
        return Problem("objective", *remedied(RequestProblem.UNKNOWN_OBJECTIVE(asked=asked)))
    return Problem("objective", *remedied(RequestProblem.UNSUPPORTED_OBJECTIVE(asked=asked, why=why)))


def _check_parts(ad: AdDefaults, objective: ObjectiveChoice) -> Iterator[Problem]:
    required = {"ad.page_id": ad.page_id, "ad.link_url": ad.link_url}
    if objective.goal.needs_pixel:
        required |= {"ad.pixel_id": ad.pixel_id, "ad.conversion_event": ad.conversion_event}
    for field, value in required.items():
        if not value:
            yield Problem(
                field,
                *remedied(
                    RequestProblem.PART_MISSING(outcome=objective.outcome, part=field.removeprefix("ad."))
                ),
                "missing",
            )


def check_facts(account: Account, facts: AdAccountFacts) -> Iterator[Problem]:
    """Yield what Meta says of the account that keeps its ads from being delivered or paid as planned."""
    if not facts.delivers:
        yield Problem(
            "meta_account_id",
            *remedied(RequestProblem.ACCOUNT_BLOCKED(status=str(facts.status))),
            "account_blocked",
        )
    if facts.currency != account.currency:
        yield Problem(
            "meta_account_id",
            *remedied(RequestProblem.ACCOUNT_CURRENCY(metas=facts.currency, ours=account.currency)),
            "currency_mismatch",
        )


def check_transparency(request: RunRequest, ad: AdDefaults, facts: AdAccountFacts) -> Iterator[Problem]:
    """Yield what the Digital Services Act wants of ads shown in the European Union: beneficiary and payor."""
    if not set(request.targeting_config.countries) & EU_COUNTRIES:
        return
    pairs = {
        "dsa_beneficiary": (ad.dsa_beneficiary, facts.default_dsa_beneficiary),
        "dsa_payor": (ad.dsa_payor, facts.default_dsa_payor),
    }
    for field, (ours, metas) in pairs.items():
        if not ours and not metas:
            yield Problem(
                f"ad.{field}",
                *remedied(RequestProblem.TRANSPARENCY_MISSING(part=field.removeprefix("dsa_"))),
                "missing",
            )
        elif ours is not None and len(ours) > LONGEST_TRANSPARENCY:
            yield Problem(
                f"ad.{field}", *remedied(RequestProblem.TRANSPARENCY_TOO_LONG(most=LONGEST_TRANSPARENCY))
            )
