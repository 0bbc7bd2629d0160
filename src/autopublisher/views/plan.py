"""A plan in sentences, as every face says it: what it creates and risks, and its prospects for each supposed cost."""

from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from autopublisher.domain.amounts import Money
from autopublisher.domain.evidence.criteria import MEASURES, Criterion, Figure
from autopublisher.domain.evidence.planning import ChanceOfProof
from autopublisher.domain.messages import Message
from autopublisher.domain.past_tests import KNOWN_FROM
from autopublisher.domain.request.request import DecisionMode
from autopublisher.domain.runs.longest_test import longest_time, most_per_variant
from autopublisher.domain.runs.outlook import Basis, Outlook, Size, variants_that_pay
from autopublisher.domain.runs.plan_messages import Event, PlanMessage
from autopublisher.domain.runs.proposal import longest_hours
from autopublisher.flows.requests.planner import RunPlan
from autopublisher.views.amounts import about

_USUAL_LIFT = 0.3
_HOURS_PER_DAY = 24
_HOUR = timedelta(hours=1)


def plan_sentences(plan: RunPlan) -> list[Message]:
    """Return what holds of a plan whatever an event costs."""
    proposal, memory = plan.proposal, plan.proposal.run.trial.memory
    said = [
        PlanMessage.CREATES(
            variants=len(proposal.variants), objects=len(proposal.writes), writes=plan.calls.writes
        ),
        PlanMessage.RISKS(
            test=proposal.test_money,
            total=proposal.test_money + proposal.left_to_publish,
            left=proposal.left_to_publish,
        ),
        PlanMessage.DECIDED_BY(days=_days(longest_hours(proposal))),
    ]
    days = proposal.run.trial.further_days
    if days:
        each = most_per_variant(proposal.run)
        said.insert(2, PlanMessage.MAY_GO_ON(days=days, each=each, hours=longest_time(proposal.run) // _HOUR))
    if plan.calls.limited_wait:
        minutes = ceil(plan.calls.limited_wait / timedelta(minutes=1))
        said.insert(1, PlanMessage.LIMITED_TIER(minutes=minutes))
    if any(one.supposed.basis is Basis.SUPPOSED for one in plan.outlooks):
        said.append(PlanMessage.COST_UNKNOWN(event=event_of(plan)))
    if memory is None or not memory.is_known:
        said.append(PlanMessage.SPREAD_ASSUMED(tests=0 if memory is None else memory.tests, least=KNOWN_FROM))
    if proposal.run.request.ab_test_config.decision_mode is DecisionMode.MONEY:
        said.append(PlanMessage.MONEY_STOPS())
    return said


def outlook_sentences(plan: RunPlan, outlook: Outlook) -> list[Message]:
    """Return what holds for one supposed cost of an event."""
    return [
        _cost(plan, outlook),
        *_proof(plan, outlook),
        _gain(plan, outlook),
        *_scaled(outlook),
        *_better(plan, outlook),
        *_variants(plan, outlook),
    ]


def event_of(plan: RunPlan) -> Message:
    """Return the word for what the criterion counts."""
    criterion = Criterion(plan.proposal.run.request.ab_test_config.winner_criteria.value)
    measure = MEASURES[criterion]
    if measure.delayed:
        return Event.CONVERSION()
    return Event.ENGAGEMENT() if Figure.ENGAGEMENTS in measure.counts else Event.CLICK()


def _cost(plan: RunPlan, outlook: Outlook) -> Message:
    supposed = outlook.supposed
    said = {
        Basis.ASKED: PlanMessage.COST_ASKED,
        Basis.MEASURED: PlanMessage.COST_MEASURED,
        Basis.SUPPOSED: PlanMessage.COST_SUPPOSED,
    }[supposed.basis]
    return said(
        event=event_of(plan),
        cost=Money.nearest(float(supposed.cost), plan.account.currency),
        number=_number(outlook.events_per_variant),
        tests=supposed.tests,
    )


def _proof(plan: RunPlan, outlook: Outlook) -> Iterator[Message]:
    usual = min(outlook.proof, key=lambda one: abs(one.lift - _USUAL_LIFT))
    yield _chance(plan, outlook, usual)
    if usual.warn and outlook.expected.forecast.gain > 0:
        yield PlanMessage.PROOF_UNLIKELY()


def _chance(plan: RunPlan, outlook: Outlook, found: ChanceOfProof) -> Message:
    lift, chance, days = _percent(found.lift), _percent(found.power), outlook.days_for_proof
    if found.cost.spend_per_variant is None:
        if days is None:
            return PlanMessage.PROOF_OUT_OF_REACH(lift=lift, chance=chance)
        return PlanMessage.PROOF_TAKES_DAYS(lift=lift, chance=chance, days=days)
    each = Money.nearest(found.cost.spend_per_variant, plan.account.currency)
    return PlanMessage.PROOF(lift=lift, chance=chance, each=about(each))


def _gain(plan: RunPlan, outlook: Outlook) -> Message:
    expected = outlook.expected
    chance, share = _percent(expected.forecast.p_best), _tenths(expected.forecast.gain)
    if expected.gain is None or expected.gain_range is None:
        return PlanMessage.GAIN_IN_EVENTS(
            number=_number(expected.events), event=event_of(plan), share=share, chance=chance
        )
    low, high = map(about, expected.gain_range)
    return PlanMessage.GAIN(gain=about(expected.gain), share=share, low=low, high=high, chance=chance)


def _scaled(outlook: Outlook) -> Iterator[Message]:
    if outlook.scaled is None:
        yield PlanMessage.SCALED_SHARE(share=_tenths(outlook.scaled_share))
    elif outlook.scaled.minor < 0:
        yield PlanMessage.SCALED_COSTS(cost=about(Money(-outlook.scaled.minor, outlook.scaled.currency)))
    else:
        yield PlanMessage.SCALED(gain=about(outlook.scaled))


def _better(plan: RunPlan, outlook: Outlook) -> Iterator[Message]:
    size = outlook.better
    if size is None:
        return
    if size.expected.gain is None or outlook.expected.gain is None:
        yield PlanMessage.BETTER_SIZE_IN_EVENTS(
            each=size.per_variant,
            hours=size.hours,
            number=_number(size.expected.events),
            asked=_number(outlook.expected.events),
            event=event_of(plan),
        )
        return
    yield PlanMessage.BETTER_SIZE(
        each=size.per_variant,
        hours=size.hours,
        gain=about(size.expected.gain),
        asked=about(outlook.expected.gain),
    )


def _variants(plan: RunPlan, outlook: Outlook) -> Iterator[Message]:
    pay, asked = variants_that_pay(outlook.by_variants), len(plan.proposal.variants)
    mine = next((size for size in outlook.by_variants if size.variants == asked), None)
    if pay is None or mine is None or pay.variants == asked:
        return
    said = PlanMessage.MORE_VARIANTS if pay.variants > asked else PlanMessage.FEWER_VARIANTS
    yield said(number=pay.variants, asked=asked, gain=_worded(pay), asked_gain=_worded(mine))


def _worded(size: Size) -> Message:
    if size.expected.gain is None:
        return PlanMessage.SHARE(share=_tenths(size.expected.forecast.gain))
    return about(size.expected.gain)


def _percent(share: float) -> int:
    return round(100 * share)


def _tenths(share: float) -> float:
    return round(100 * share, 1)


def _number(events: float) -> float:
    return round(events) if abs(events) >= 10 else round(events, 1)  # noqa: PLR2004 - a tenth of ten says nothing more


def _days(hours: float) -> float:
    return round(hours / _HOURS_PER_DAY, 1)
