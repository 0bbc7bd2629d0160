"""A test's money decisions beside its proof: those of a running test, and which of the two would have ended a recorded one.

Proof goes first, at its own analyses and bounds. A stop for money is no analysis: it spends no error, and what comes
after it serves money only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autopublisher.domain.evidence.design import Design, Mode
from autopublisher.domain.evidence.interim_analyses import AnalysisSchedule
from autopublisher.domain.evidence.judging import replay
from autopublisher.domain.evidence.money_decision import (
    Choice,
    MoneyDecision,
    MoneyRule,
    MoneyTerms,
    look_rows,
)
from autopublisher.domain.evidence.observations import History, Snapshot, in_order
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.verdict import Verdict

MONEY_BET, KEEP_ALL, SPEND_NOTHING = "money_bet", "keep_all", "spend_nothing"
MONEY_KINDS = frozenset({MONEY_BET, KEEP_ALL, SPEND_NOTHING})
_KINDS = {Choice.PUBLISH: MONEY_BET, Choice.SPEND_NOTHING: SPEND_NOTHING}
_NAMING = frozenset({Kind.WINNER, Kind.SAFE_PICK, Kind.EQUIVALENT, Kind.UNHEALTHY})
"""What proof says that money does not replace."""


@dataclass(frozen=True)
class MoneyOutcome:
    """What proof says, up to the end of the test, and what money says; `by_money` tells which of them has ended it."""

    proof: Verdict
    money: MoneyDecision | None
    by_money: bool

    @property
    def kind(self) -> str:
        """What is said in a word: proof's kind, `money_bet` or `keep_all`."""
        if not self.by_money or self.money is None:
            return self.proof.kind.value
        return kind_of(self.money)


def kind_of(ending: MoneyDecision) -> str:
    """Return in a word what a decision says that ends a test."""
    return _KINDS.get(ending.choice, KEEP_ALL)


def money_so_far(
    design: Design,
    history: Sequence[Snapshot],
    terms: MoneyTerms,
    active: tuple[int, ...],
    *,
    after: float = 0.0,
) -> MoneyDecision | None:
    """Return what money says of a running test: the first look past hour ``after`` that ends it, else the latest.

    In the other modes it ends nothing, and the latest counts. None before the first look, and where fewer than two variants
    are ``active`` (positions in the design). Raises ValueError when snapshots do not fit the design.
    """
    looks = _Looks(design, in_order(history, len(design.variants)), terms)
    if design.mode is not Mode.MONEY:
        return next((found for _, found in looks.taken(active, after, newest_first=True)), None)
    known: MoneyDecision | None = None
    for _, found in looks.taken(active, after):
        known = found
        if found.choice is not Choice.TEST_ON:
            break
    return known


def money_at_end(
    design: Design, history: Sequence[Snapshot], terms: MoneyTerms, active: tuple[int, ...]
) -> MoneyDecision | None:
    """Return what money says at the last snapshot of a test that is over, where testing on is no choice any more.

    None where the figures cannot be relied on, and as `money_so_far`.
    """
    looks = _Looks(design, in_order(history, len(design.variants)), terms)
    return looks.last(active)


def replay_with_money(
    design: Design,
    history: Sequence[Snapshot],
    terms: MoneyTerms,
    *,
    final: bool = False,
    detailed: bool = True,
) -> MoneyOutcome:
    """Return the outcome the live system would have had, polling at each snapshot in turn.

    In mode `money` the first daily look that finds testing on worth less ends the test; in the other modes money only
    reports, at the last look up to the verdict. Raises ValueError when snapshots do not fit the design.
    """
    ordered = in_order(history, len(design.variants))
    proof = replay(design, ordered, final=final, detailed=detailed)
    known: MoneyDecision | None = None
    for poll, found in _Looks(design, ordered, terms).taken(tuple(range(len(design.variants)))):
        if proof.decided_hour is not None and (
            found.hour > proof.hour or (found.hour == proof.hour and proof.kind in _NAMING)
        ):
            break
        known = found
        if design.mode is Mode.MONEY and found.choice is not Choice.TEST_ON:
            until = ordered[: poll + 1]
            ended = final and len(until) == len(ordered)
            shown = proof if ended else replay(design, until, detailed=detailed)
            return MoneyOutcome(shown, known, by_money=True)
    return MoneyOutcome(proof, known, by_money=False)


class _Looks:
    """The money looks of one history, those left out at which its figures cannot be relied on."""

    def __init__(self, design: Design, ordered: History, terms: MoneyTerms) -> None:
        timeline = build(design, ordered)
        self._design, self._hours = design, timeline.hours
        self._rule = MoneyRule(design, terms, timeline)
        self._health = AnalysisSchedule(design, ordered, timeline, final=False)
        self._poll_of = {row: index for index, row in enumerate(timeline.row_of) if row is not None}

    def taken(
        self, active: tuple[int, ...], after: float = 0.0, *, newest_first: bool = False
    ) -> Iterator[tuple[int, MoneyDecision]]:
        """Yield poll and decision of each look past hour ``after``, in order of time."""
        rows = sorted(look_rows(self._design, self._hours), reverse=newest_first) if len(active) > 1 else []
        for row in rows:
            poll = self._poll_of.get(row)
            if poll is None or float(self._hours[row]) <= after or self._health.faults(poll):
                continue
            found = self._rule.decided(row, active)
            if found is not None:
                yield poll, found

    def last(self, active: tuple[int, ...]) -> MoneyDecision | None:
        """Return the decision at the last snapshot, of the choices that a test which is over has."""
        if len(active) < 2 or not self._poll_of:  # noqa: PLR2004 (two make a comparison)
            return None
        row = max(self._poll_of)
        return (
            None
            if self._health.faults(self._poll_of[row])
            else self._rule.decided(row, active, may_test=False)
        )
