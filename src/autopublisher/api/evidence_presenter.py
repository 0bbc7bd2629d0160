"""From a test's evidence as the flows return it to what callers receive: verdict, money decision, and what came of it."""

from autopublisher.api.evidence_views import ImprovementOut, MoneyDecisionOut, OutcomeOut, VerdictOut
from autopublisher.domain.amounts import Money
from autopublisher.domain.headline import MEASURES
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run
from autopublisher.flows.requests.reports import RunView
from autopublisher.messages import Language, render
from autopublisher.views.outcome import outcome_of
from autopublisher.views.worth import worth_of


def variant_id(run_id: RunId, letter: str) -> str:
    """Return a variant's stable id: the run's and the letter."""
    return f"{run_id}:{letter}"


def variant_of(run: Run, letter: str | None) -> str | None:
    """Return the id of the variant with a letter, if any."""
    return None if letter is None else variant_id(run.id, letter)


def major(amount: Money) -> float:
    """Return major units as JSON writes them; two places survive a float exactly at any size Meta bills."""
    return float(amount.major)


def present_verdict(view: RunView) -> VerdictOut | None:
    """Return the latest verdict, if any."""
    latest = view.decision
    if latest is None:
        return None
    return VerdictOut(
        kind=latest.kind,
        winner=variant_of(view.run, view.named_by_verdict),
        proven=view.verdict_proves,
        improvement=_improvement(view),
        final=latest.final,
        at=latest.at,
        evidence_at=view.evidence_at,
        sentence_en=latest.sentence_en,
        sentence_es=latest.sentence_es,
    )


def _improvement(view: RunView) -> ImprovementOut | None:
    found = view.improvement
    if found is None:
        return None
    return ImprovementOut(
        leader=variant_id(view.run.id, found.leader),
        against=variant_id(view.run.id, found.against),
        measure=MEASURES[found.measure],
        percentage=found.percentage,
        low=found.low,
        high=found.high,
        seen=found.seen,
    )


def present_money_decision(view: RunView) -> MoneyDecisionOut | None:
    """Return what deciding is worth by the latest verdict's figures, where that is known."""
    worth, latest = worth_of(view), view.decision
    if worth is None or latest is None:
        return None
    return MoneyDecisionOut(
        choice=worth.choice,
        variant=variant_id(view.run.id, worth.variant),
        hour=worth.hour,
        p_best=worth.p_best,
        p_10_worse=worth.p_10_worse,
        expected_gain=worth.gain_share,
        expected_loss=worth.loss_share,
        expected_gain_amount=_maybe_major(worth.gain),
        expected_loss_amount=_maybe_major(worth.loss),
        worth_of_waiting=worth.waiting_share,
        worth_of_waiting_amount=_maybe_major(worth.waiting),
        cost_of_scaling_amount=_maybe_major(worth.scaling),
        cost_of_keeping_all_amount=_maybe_major(worth.keeping),
        returns=worth.returns,
        lift=worth.lift,
        lift_interval=list(worth.lift_interval),
        past_tests=worth.past_tests,
        currency=view.run.currency,
        at=latest.at,
        evidence_at=worth.at,
    )


def _maybe_major(amount: Money | None) -> float | None:
    return None if amount is None else major(amount)


def present_outcome(view: RunView, reader: Language) -> OutcomeOut | None:
    """Return what was expected and what came of a run that was published as its money decision says."""
    outcome = outcome_of(view)
    if outcome is None:
        return None
    expected, came = outcome.expected, outcome.came
    low, high = expected.gain_range or (None, None)
    return OutcomeOut(
        way=expected.way.value,
        variant=variant_of(view.run, expected.variant),
        expected_gain=expected.share,
        expected_gain_amount=_maybe_major(expected.gain),
        expected_gain_low=_maybe_major(low),
        expected_gain_high=_maybe_major(high),
        expected_at=expected.at,
        settled=outcome.is_settled,
        spent_until=outcome.spent_until,
        late_until=outcome.late_until,
        observed_spent=None if came is None else major(came.spent),
        observed_revenue=None if came is None else major(came.revenue),
        observed_events=None if came is None else came.events,
        observed_at=None if came is None else came.at,
        estimated_split_revenue=None if came is None else major(came.split),
        estimated_more=None if came is None else major(came.more),
        estimated_chance=None if came is None else major(came.chance),
        counts_from=outcome.counts_from,
        currency=view.run.currency,
        sentences=[render(one, reader) for one in outcome.said],
    )
