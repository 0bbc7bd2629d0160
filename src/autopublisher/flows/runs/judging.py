"""Judging of a run's test: proof by the decision engine, beside it what deciding is worth, and what of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain import evidence
from autopublisher.domain.evidence.money_decision import Choice, MoneyDecision
from autopublisher.domain.evidence.money_record import money_from_json, money_to_json
from autopublisher.domain.evidence.money_replay import (
    MONEY_KINDS,
    kind_of,
    money_at_end,
    money_so_far,
)
from autopublisher.domain.evidence.money_text import ended_sentence, money_sentences_beside_proof
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Decision, Snapshot
from autopublisher.domain.request.request import DecisionMode
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.approvals import PROVING_KINDS
from autopublisher.domain.runs.evidence_inputs import design_of, history_of, planned_shares_of
from autopublisher.domain.runs.money_terms import money_terms
from autopublisher.domain.runs.run import Run

_NEWS = 0.05
"""So much more of the planned evidence makes a verdict worth keeping although it says the same."""

_INTERRUPTED = (
    "The test was interrupted by a stop and went on at {at}; meanwhile every variant was off alike.",
    "La prueba fue interrumpida por una parada y continuó el {at}; entretanto todas las variantes estuvieron detenidas.",
)
"""In English and Spanish."""


@dataclass(frozen=True)
class Known:
    """What a run's test is judged by: its variants, the last decision kept, its journal and its snapshots."""

    variants: Sequence[Variant]
    decision: Decision | None
    rows: Sequence[Operation]
    snapshots: Sequence[Snapshot]


@dataclass(frozen=True)
class Judged:
    """What was found at one look. ``decision`` is what of it is to be kept, None where it says nothing new.

    ``standing`` is where the test stands after it; None where the next look has to judge it whole as well.
    """

    verdict: evidence.Verdict
    decision: Decision | None
    ends_by_money: bool = False
    standing: evidence.Standing | None = None

    @property
    def ends_test(self) -> bool:
        """Whether the test is over, by proof or for money."""
        return self.verdict.ends_test or self.ends_by_money


def judged(run: Run, known: Known, now: datetime) -> Judged:
    """Judge a running test whole. Proof goes first; money ends a test only where that was asked for."""
    design = design_of(run, known.variants)
    history = history_of(run, known.variants, known.snapshots)
    shares = planned_shares_of(run, known.variants, known.rows, now)
    verdict, standing = evidence.judge_running(design, history, planned_shares=shares)
    by_money, last = _is_by_money(run), known.decision
    is_news = last is None or _says_more(verdict, evidence.Verdict.from_json(last.verdict))
    if not is_news and not by_money:
        return Judged(verdict, None, standing=standing)
    earlier = _last_money(last) if by_money else None
    after = 0.0 if earlier is None else earlier.hour
    terms = money_terms(run.request, run.currency, run.trial.memory)
    found = money_so_far(design, history, terms, _going_on(run, known.variants, verdict), after=after)
    if not is_news and found is None:
        return Judged(verdict, None, standing=standing)
    ends = by_money and found is not None and found.choice is not Choice.TEST_ON and not verdict.ends_test
    shown = found or earlier
    decision = decision_of(run, verdict, _next_number(last), now, shown, by_money=ends)
    return Judged(verdict, decision, ends, standing)


def judged_on(run: Run, known: Known, standing: evidence.Standing, last: evidence.Verdict) -> Judged | None:
    """Judge a running test by where it stood, ``known`` holding the snapshots since; None where it takes judging it whole.

    Otherwise nothing is due, and ``last``, the last decision's verdict, says it all: its kind and its analyses still hold.
    """
    if standing.design != design_of(run, known.variants):
        return None
    further = standing.after(history_of(run, known.variants, known.snapshots))
    if further is None or (_is_by_money(run) and further.is_money_due):
        return None
    told = last.kind is evidence.Kind.NOT_YET and last.analyses_taken == further.analyses
    return None if not told or further.is_past(last.share + _NEWS) else Judged(last, None, standing=further)


def concluded(run: Run, known: Known, now: datetime) -> Decision:
    """Judge a test that is over, by its settled figures.

    One that money has ended takes no further analysis: what it proves is what it had proved by then.
    """
    design = design_of(run, known.variants, final=True)
    history = history_of(run, known.variants, known.snapshots)
    ended = ended_by_money(known.decision)
    if ended is not None:
        verdict = evidence.Verdict.from_json(ended.verdict)
    else:
        shares = planned_shares_of(run, known.variants, known.rows, run.trial.stopped_at or now)
        verdict = evidence.replay(design, history, final=True, planned_shares=shares)
    terms = money_terms(run.request, run.currency, run.trial.memory)
    found = money_at_end(design, history, terms, _going_on(run, known.variants, verdict))
    number = _next_number(known.decision)
    return replace(decision_of(run, verdict, number, now, found, by_money=ended is not None), final=True)


def ended_by_money(last: Decision | None) -> Decision | None:
    """Return the last decision where money has ended the test with it; None where nothing or proof has."""
    return last if last is not None and last.kind in MONEY_KINDS else None


def _is_by_money(run: Run) -> bool:
    return run.request.ab_test_config.decision_mode is DecisionMode.MONEY


def _next_number(last: Decision | None) -> int:
    return 1 if last is None else last.sequence + 1


def _last_money(last: Decision | None) -> MoneyDecision | None:
    """Return the last money decision: where money may end a test, each decision carries on the one before it."""
    return None if last is None or last.money is None else money_from_json(last.money)


def _going_on(run: Run, variants: Sequence[Variant], verdict: evidence.Verdict) -> tuple[int, ...]:
    gone = {*run.trial.eliminated, *verdict.eliminated}
    return tuple(place for place, variant in enumerate(variants) if variant.letter not in gone)


def _says_more(verdict: evidence.Verdict, last: evidence.Verdict) -> bool:
    """Tell whether a verdict is news after the last one kept: another kind or look, or a twentieth more evidence."""
    same = last.kind is verdict.kind and last.analyses_taken == verdict.analyses_taken
    return not same or verdict.share >= last.share + _NEWS


def decision_of(
    run: Run,
    verdict: evidence.Verdict,
    number: int,
    now: datetime,
    money: MoneyDecision | None = None,
    *,
    by_money: bool = False,
) -> Decision:
    """Return a verdict and the money decision beside it as stored: whole, with their sentences in both languages.

    ``by_money`` says that money has ended the test.
    """
    told = (_told(run, verdict, money, language, by_money=by_money) for language in evidence.Language)
    english, spanish = told
    return Decision(
        run_id=run.id,
        at=now,
        sequence=number,
        kind=kind_of(money) if by_money and money is not None else verdict.kind.value,
        final=verdict.ends_test or by_money,
        verdict=verdict.to_json(),
        sentence_en=english,
        sentence_es=spanish,
        money=None if money is None else money_to_json(money, past_tests=_tests_behind(run)),
    )


def _told(
    run: Run,
    verdict: evidence.Verdict,
    money: MoneyDecision | None,
    language: evidence.Language,
    *,
    by_money: bool,
) -> str:
    named = verdict.winner if verdict.kind.value in PROVING_KINDS else None
    known = run.currency, language, _tests_behind(run)
    worth = () if money is None else money_sentences_beside_proof(money, *known, named)
    # Why proof has not spoken yet, and when it would, is no longer true of a test that has ended.
    worded = replace(verdict, reasons=()) if by_money else verdict
    headline, *rest = evidence.sentences(worded, language, leans=money is None)
    headline = ended_sentence(language) if by_money else headline
    return " ".join((headline, *worth, *rest, *_interruption(run, language)))


def _tests_behind(run: Run) -> int:
    return 0 if run.trial.memory is None else run.trial.memory.tests


def _interruption(run: Run, language: evidence.Language) -> tuple[str, ...]:
    """Return what has to be said where the kill switch has held the test for a while."""
    if run.trial.interrupted_at is None:
        return ()
    words = _INTERRUPTED[[*evidence.Language].index(language)]
    return (words.format(at=f"{run.trial.interrupted_at:%Y-%m-%d %H:%M} UTC"),)
