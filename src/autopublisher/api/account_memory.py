"""What an ad account remembers of its finished tests, under ``/meta/accounts``."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from autopublisher.api.access import guarded
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.fields import Identifier
from autopublisher.api.openapi import problems
from autopublisher.api.reader import Reader
from autopublisher.api.services import Given
from autopublisher.api.told import Told
from autopublisher.domain.access import Permission
from autopublisher.domain.evidence import Criterion
from autopublisher.domain.ids import AccountId
from autopublisher.domain.past_tests import KNOWN_FROM
from autopublisher.domain.request.request import WinnerCriteria
from autopublisher.flows.requests.account_memory import Remembered
from autopublisher.messages import Language, render
from autopublisher.views.account_memory import MemoryView, Variation, view_of

router = APIRouter(prefix="/meta", tags=["accounts"], route_class=ExactRoute)


class SpreadOut(Told):
    """How much ads differ, as standard deviations of log effects: .2 is about 20 %."""

    typical: float = Field(description="The middle one.")
    low: float = Field(description="With `high`, where nine of ten lie.")
    high: float


class ClicksOut(Told):
    """How clicks are tied to sales: an ad with 1 % more clicks for its money sells `slope` % more."""

    used: bool
    slope: float = Field(description="What is used of it; 0 where clicks are not used.")
    expected_slope: float = Field(description="As the tests show it.")
    chance_of_no_tie: float = Field(description="Clicks are used while this is at most .20.")


class VariationOut(Told):
    """A standard deviation as a share."""

    measured: float | None = Field(description="As the account's tests show it.")
    tests: int = Field(description="How many of them tell.")
    used: float = Field(description="What runs that start now use.")
    assumed: float = Field(description="What they would use without any test.")


class RememberedTestOut(Told):
    """One finished test that counts."""

    run_id: str
    finished_at: datetime
    days: float = Field(description="How long it delivered.")
    events: float = Field(description="What it counted by this criterion, such as purchases.")
    money_moved: bool = Field(description="Whether money was moved between its arms.")


class JudgeTestOut(Told):
    """What one finished test says, as `autopublisher judge` reads it: a pair of estimate and variance for each variant."""

    age_tests: int = Field(description="How many tests have finished since.")
    rate: list[tuple[float, float]]
    clicks: list[tuple[float, float]]
    value: list[tuple[float, float]] = Field(
        description="What of `rate` is the value of an event; may be empty."
    )
    value_share: float = Field(description="What part of the variance between ads lies there.")


class JudgeMemoryOut(Told):
    """The `account_memory` of a recorded test's design (`autopublisher judge`)."""

    tests: list[JudgeTestOut]


class AccountMemoryOut(Told):
    """What an account's finished tests say of one criterion; runs that are under way keep what they started with."""

    meta_account_id: str
    act_id: str
    criteria: WinnerCriteria
    tests: int
    known: bool = Field(description=f"Whether the spread counts as known: from {KNOWN_FROM} tests on.")
    spread: SpreadOut
    assumed_spread: SpreadOut = Field(description="What is assumed without any test.")
    clicks: ClicksOut | None = Field(description="Null where clicks are what is counted.")
    basket_variation: VariationOut | None = Field(
        description="Of one order's value; null where none is counted."
    )
    day_noise: VariationOut = Field(description="Good and bad days of a single ad, for money decisions.")
    day_noise_in_proof: VariationOut = Field(description="The same for proof, with a margin for doubt.")
    sentences: list[str] = Field(description="All of it in words, in the language of `Accept-Language`.")
    runs: list[RememberedTestOut] = Field(description="The tests it rests on, oldest first.")
    account_memory: JudgeMemoryOut = Field(description="The same tests for a line of `autopublisher judge`.")


@router.get(
    "/accounts/{account_id}/memory",
    summary="Say what an account has learned from its tests",
    responses=problems(401, 403, 404, 422, 503),
    **guarded(Permission.ACCOUNT_READ),
)
def account_memory(
    account_id: Identifier,
    services: Given,
    reader: Reader,
    criteria: Annotated[
        WinnerCriteria, Query(description="By what its tests were compared.")
    ] = WinnerCriteria.ROAS,
) -> AccountMemoryOut:
    """Return what the account's finished tests say, from how many, and what that changes for its next runs."""
    found = services.memories.of(AccountId(account_id), Criterion(criteria.value))
    return present_memory(found, reader)


def present_memory(found: Remembered, reader: Language) -> AccountMemoryOut:
    """Return an account's memory as callers and the command line show it."""
    view, known = view_of(found), found.memory
    return AccountMemoryOut(
        meta_account_id=found.account.id,
        act_id=found.account.act_id,
        criteria=WinnerCriteria(known.criterion),
        tests=known.tests,
        known=known.is_known,
        spread=SpreadOut(**vars(view.spread)),
        assumed_spread=SpreadOut(**vars(view.assumed_spread)),
        clicks=_clicks(view),
        basket_variation=None if view.basket_variation is None else _variation(view.basket_variation),
        day_noise=_variation(view.day_noise),
        day_noise_in_proof=_variation(view.proof_day_noise),
        sentences=[render(one, reader) for one in view.sentences],
        runs=[
            RememberedTestOut(
                run_id=test.run_id,
                finished_at=test.finished_at,
                days=test.measured.days,
                events=test.measured.events,
                money_moved=test.measured.moved,
            )
            for test in found.tests
        ],
        account_memory=_for_judge(found),
    )


def _for_judge(found: Remembered) -> JudgeMemoryOut:
    youngest = len(found.tests) - 1
    return JudgeMemoryOut(
        tests=[
            JudgeTestOut(
                age_tests=youngest - place,
                rate=list(test.measured.rates),
                clicks=list(test.measured.clicks),
                value=list(test.measured.values),
                value_share=test.measured.share_of_values,
            )
            for place, test in enumerate(found.tests)
        ]
    )


def _clicks(view: MemoryView) -> ClicksOut | None:
    known = view.memory
    if view.clicks_are_counted:
        return None
    return ClicksOut(
        used=bool(known.slope),
        slope=known.slope,
        expected_slope=known.expected_slope,
        chance_of_no_tie=known.useless,
    )


def _variation(found: Variation) -> VariationOut:
    return VariationOut(**vars(found))
