"""The planner, under ``/meta/autopilot``: what a request would lead to, before anything is spent."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from autopublisher.api.access import guarded
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.fields import Amount
from autopublisher.api.openapi import problems
from autopublisher.api.reader import Reader
from autopublisher.api.schemas import EXAMPLE_REQUEST, RunRequestIn, shown
from autopublisher.api.services import Given
from autopublisher.api.told import Told
from autopublisher.domain.access import Permission
from autopublisher.domain.amounts import Money
from autopublisher.domain.runs.outlook import Basis, Expected, Outlook, Size
from autopublisher.domain.runs.proposal import longest_hours
from autopublisher.flows.requests.planner import RunPlan
from autopublisher.messages import Language, render
from autopublisher.views.plan import outlook_sentences, plan_sentences

router = APIRouter(prefix="/meta/autopilot", tags=["autopilot"], route_class=ExactRoute)


class PlanIn(RunRequestIn):
    """A request for a run as it would be started, and what is expected of the account's ads."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": EXAMPLE_REQUEST | {"expected_cost_per_event": 20.0, "expected_value_per_event": 65.0}
        }
    )

    expected_cost_per_event: Annotated[Amount | None, shown(20.0, exclusiveMinimum=0)] = None
    """What one event of the criterion (a purchase, a click) is expected to cost, in major units; without, what the account's
    finished tests have shown, and without those several supposed costs."""
    expected_value_per_event: Annotated[Amount | None, shown(65.0, exclusiveMinimum=0)] = None
    """What one event is expected to bring, in major units; without, what the account's finished tests have shown, or
    `value_per_conversion`."""


class MetaEffortOut(Told):
    """What the test asks of Meta."""

    objects: int = Field(
        description="Objects created for the test, images included; all paused until they are checked."
    )
    writes: int = Field(description="Writes that create them and switch them on.")
    reads: int = Field(description="Reads of the figures until the decision at the latest.")
    tier: str | None = Field(
        description="The account's access tier as Meta last told it; null before any answer."
    )
    least_minutes_on_limited_tier: float = Field(
        description="The least time over which the writes have to be spread on Meta's limited tier."
    )


class PlannedMoneyOut(Told):
    """The run's money, in major units of ``currency``."""

    total_at_worst: float
    test_at_worst: float
    left_to_publish: float = Field(description="Where the test spends all it may.")
    smallest_daily: float = Field(description="Meta's least daily budget for the goal.")
    smallest_test_per_variant: float = Field(description="Meta's least for one variant's whole test.")


class ProofChanceOut(Told):
    """The chance of proof for one true difference."""

    lift: float = Field(description="By how much the best variant is truly better: .3 is 30 %.")
    chance: float
    spend_per_variant_for_80_percent: float | None = Field(
        description="What a chance of 80 % takes in the same time; null where no spend is enough."
    )


class ExpectedGainOut(Told):
    """What giving the rest to the better variant in place brings more than splitting the whole budget evenly."""

    share: float = Field(description="As a share of what the whole budget would earn.")
    share_error: float = Field(description="Standard error of `share`, from the number of simulated tests.")
    possible_share: float = Field(description="What who knew the best variant beforehand would gain.")
    amount: float | None = Field(description="In major units; null where no value of an event is known.")
    amount_range: list[float] | None = Field(description="The range that holds nine of ten tests.")
    events: float = Field(description="The same in events of the criterion.")
    p_best: float = Field(description="The chance that the followed variant is the best.")
    p_10_worse: float = Field(description="The chance that it is more than a tenth worse than the best.")
    test_share: float = Field(description="What part of the total budget the test is expected to use.")
    days: float = Field(description="Expected days to the decision.")


class PlannedSizeOut(Told):
    """A test of other dimensions."""

    variants: int
    test_budget_per_variant: float
    test_duration_hours: int
    gain: ExpectedGainOut


class OutlookOut(Told):
    """Prospects for one supposed cost of an event."""

    basis: Basis = Field(
        description="Asked for, measured in the account's finished tests, or supposed for want of both."
    )
    tests: int = Field(description="How many finished tests it was measured in.")
    cost_per_event: float
    value_per_event: float | None
    events_per_variant: float
    proof: list[ProofChanceOut]
    days_for_proof: int | None = Field(
        description="How many days at the test's daily spend prove 30 % with a chance of 80 %; null beyond 180."
    )
    gain: ExpectedGainOut
    scaled_share: float = Field(description="The gain where the variant is published by a scaled campaign.")
    scaled_amount: float | None
    better: PlannedSizeOut | None = Field(
        description="A test expected to earn notably more; null where there is none."
    )
    by_variants: list[PlannedSizeOut] = Field(
        description="Other numbers of variants with the test's money as asked."
    )
    sentences: list[str] = Field(description="All of it in words, in the language of `Accept-Language`.")


class PlanOut(Told):
    """What a request would lead to. Nothing is created or reserved by asking."""

    digest: str = Field(
        description="Starts exactly this plan as `plan_digest` of `POST /meta/autopilot/run`."
    )
    meta_account_id: str
    act_id: str
    currency: str
    at: datetime
    money: PlannedMoneyOut
    meta: MetaEffortOut
    further_days: int = Field(
        description="By how many whole days the test may go on past its plan; all amounts count them."
    )
    longest_days: float = Field(description="Days from the start of delivery to a decision at the latest.")
    past_tests: int = Field(description="How many finished tests the spread between ads rests on.")
    outlooks: list[OutlookOut]
    sentences: list[str] = Field(description="What holds whatever an event costs, in words.")
    warnings: list[str]


@router.post(
    "/plan",
    summary="Say what a request would create, risk, prove and earn",
    responses=problems(400, 401, 403, 404, 413, 415, 422, 502, 503),
    **guarded(Permission.RUN_CREATE),
)
def plan(asked: PlanIn, services: Given, reader: Reader) -> PlanOut:
    """Return the plan of a run without starting it."""
    found = services.planner.plan(
        asked.to_domain(), cost=asked.expected_cost_per_event, value=asked.expected_value_per_event
    )
    return present_plan(found, reader)


def present_plan(found: RunPlan, reader: Language) -> PlanOut:
    """Return a plan as callers and the command line show it."""
    proposal, memory = found.proposal, found.proposal.run.trial.memory
    return PlanOut(
        digest=proposal.digest,
        meta_account_id=found.account.id,
        act_id=found.account.act_id,
        currency=found.account.currency,
        at=found.at,
        money=PlannedMoneyOut(
            total_at_worst=_major(proposal.test_money + proposal.left_to_publish),
            test_at_worst=_major(proposal.test_money),
            left_to_publish=_major(proposal.left_to_publish),
            smallest_daily=_major(found.smallest_daily),
            smallest_test_per_variant=_major(found.smallest_test),
        ),
        meta=MetaEffortOut(
            objects=len(proposal.writes),
            writes=found.calls.writes,
            reads=found.calls.reads,
            tier=found.tier,
            least_minutes_on_limited_tier=found.calls.limited_wait.total_seconds() / 60,
        ),
        further_days=proposal.run.trial.further_days,
        longest_days=longest_hours(proposal) / 24,
        past_tests=0 if memory is None else memory.tests,
        outlooks=[_outlook(found, one, reader) for one in found.outlooks],
        sentences=[render(one, reader) for one in plan_sentences(found)],
        warnings=[render(one, reader) for one in found.warnings],
    )


def _outlook(found: RunPlan, one: Outlook, reader: Language) -> OutlookOut:
    return OutlookOut(
        basis=one.supposed.basis,
        tests=one.supposed.tests,
        cost_per_event=float(one.supposed.cost),
        value_per_event=None if one.supposed.value is None else float(one.supposed.value),
        events_per_variant=one.events_per_variant,
        proof=[
            ProofChanceOut(
                lift=each.lift,
                chance=each.power,
                spend_per_variant_for_80_percent=each.cost.spend_per_variant,
            )
            for each in one.proof
        ],
        days_for_proof=one.days_for_proof,
        gain=_gain(one.expected),
        scaled_share=one.scaled_share,
        scaled_amount=None if one.scaled is None else _major(one.scaled),
        better=None if one.better is None else _size(one.better),
        by_variants=[_size(size) for size in one.by_variants],
        sentences=[render(said, reader) for said in outlook_sentences(found, one)],
    )


def _size(size: Size) -> PlannedSizeOut:
    return PlannedSizeOut(
        variants=size.variants,
        test_budget_per_variant=_major(size.per_variant),
        test_duration_hours=size.hours,
        gain=_gain(size.expected),
    )


def _gain(expected: Expected) -> ExpectedGainOut:
    known = expected.forecast
    return ExpectedGainOut(
        share=known.gain,
        share_error=known.error,
        possible_share=known.possible,
        amount=None if expected.gain is None else _major(expected.gain),
        amount_range=None
        if expected.gain_range is None
        else [_major(amount) for amount in expected.gain_range],
        events=expected.events,
        p_best=known.p_best,
        p_10_worse=known.p_10_worse,
        test_share=known.test_share,
        days=known.days,
    )


def _major(amount: Money) -> float:
    return float(amount.major)
