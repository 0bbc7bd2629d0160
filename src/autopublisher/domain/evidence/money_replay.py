"""Replay of a test with a money decision beside its proof: which of the two would have ended it, and when.

Proof goes first, at its own analyses and bounds. A stop for money is no analysis: it spends no error, and what comes
after it serves money only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autopublisher.domain.evidence.design import Design, Mode
from autopublisher.domain.evidence.interim_analyses import AnalysisSchedule
from autopublisher.domain.evidence.judging import replay
from autopublisher.domain.evidence.money_decision import Choice, MoneyDecision, MoneyRule, MoneyTerms
from autopublisher.domain.evidence.observations import Snapshot, in_order
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.verdict import Verdict

MONEY_BET, KEEP_ALL = "money_bet", "keep_all"
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
        return MONEY_BET if self.money.choice is Choice.PUBLISH else KEEP_ALL


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
    timeline = build(design, ordered)
    proof = replay(design, ordered, final=final, detailed=detailed)
    rule = MoneyRule(design, terms, timeline)
    health = AnalysisSchedule(design, ordered, timeline, final=False)
    everyone = tuple(range(len(design.variants)))
    poll_of = {row: index for index, row in enumerate(timeline.row_of) if row is not None}
    known: MoneyDecision | None = None
    for row in rule.looks():
        hour = float(timeline.hours[row])
        if proof.decided_hour is not None and (hour > proof.hour or (hour == proof.hour and _names(proof))):
            break
        if row not in poll_of or health.faults(poll_of[row]):
            continue
        known = rule.decided(row, everyone) or known
        if (
            design.mode is Mode.MONEY
            and known is not None
            and known.hour == hour
            and known.choice is not Choice.TEST_ON
        ):
            until = ordered[: poll_of[row] + 1]
            ended = final and len(until) == len(ordered)
            shown = proof if ended else replay(design, until, detailed=detailed)
            return MoneyOutcome(shown, known, by_money=True)
    return MoneyOutcome(proof, known, by_money=False)


def _names(proof: Verdict) -> bool:
    return proof.kind in _NAMING
