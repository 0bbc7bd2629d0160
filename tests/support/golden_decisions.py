"""Tests of every sort, and what the engine says of each: seals of the bytes that a run would store.

``python -m support.golden_decisions`` (in ``tests``) keeps beside them what a version of the engine means to say otherwise.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autopublisher.domain.evidence import Design, Mode, Snapshot, replay
from autopublisher.domain.evidence.design import FEWEST_ADAPTIVE_VARIANTS
from autopublisher.domain.evidence.money_decision import MoneyDecision, MoneyTerms
from autopublisher.domain.evidence.money_record import money_to_json
from autopublisher.domain.evidence.money_replay import money_at_end, money_so_far
from autopublisher.domain.evidence.verdict import VERSION, settled_chance
from support.frozen_histories import frozen_case

CASES = 40
GOLDEN = Path(__file__).parent.parent / "unit/domain/evidence/golden_decisions.json"
_CHANCES = frozenset({"p_best", "p_10_worse", "expected_gain", "expected_loss"})
_MOMENTS = (0.1, 0.3, 0.45, 0.6, 0.8)
"""Parts of the history at which a running test is asked."""


@dataclass(frozen=True)
class GoldenCase:
    """A design with its polls: those of a frozen case, judged by more sorts of plans."""

    design: Design
    history: tuple[Snapshot, ...]

    @property
    def terms(self) -> MoneyTerms:
        """What a money decision rests on: a total of three times the test, and what a purchase is worth."""
        planned = self.design.planned_spend_per_variant * len(self.design.variants)
        return MoneyTerms(total_budget=3 * planned, margin=0.4, value_per_event=30.0)


def golden_case(number: int) -> GoldenCase:
    """Return case ``number``: proof, bets and money, planned and open ends, moved money, days of clicks."""
    case = frozen_case(number)
    design, history = case.design, case.history
    if number % 2:
        design = replace(design, poll_hours=1.0)
    if number % 5 == 2:
        design = replace(design, mode=Mode.MONEY)
    if number % 6 == 3 and len(design.variants) >= FEWEST_ADAPTIVE_VARIANTS:
        design = replace(design, adaptive=True, futility=False)
    elif number % 7 == 6:
        design = replace(design, open_ended=True)
    return GoldenCase(design, _by_day(history) if number % 10 == 8 else history)


def _by_day(history: tuple[Snapshot, ...]) -> tuple[Snapshot, ...]:
    """Return the polls with purchases by day of the click, as if each were reported on that day."""
    days = int(history[-1].hour // 24) + 1
    arms = range(len(history[0].figures))
    known = [[(0.0, 0.0)] * days for _ in arms]
    before = [(0.0, 0.0) for _ in arms]
    found = []
    for one in history:
        day = min(int(one.hour // 24), days - 1)
        for arm, figures in enumerate(one.figures):
            total, already = (figures.conversions, figures.revenue), before[arm]
            before[arm] = (max(total[0], already[0]), max(total[1], already[1]))
            count, value = known[arm][day]
            known[arm][day] = (count + before[arm][0] - already[0], value + before[arm][1] - already[1])
        found.append(replace(one, cohorts=tuple(tuple(each) for each in known)))
    return tuple(found)


def decisions(case: GoldenCase) -> Iterator[tuple[str, str]]:
    """Yield at what moment a case is asked, and the bytes of the answer: proof, then money beside it."""
    design, history, everyone = case.design, case.history, tuple(range(len(case.design.variants)))
    for part in _MOMENTS:
        known = history[: max(1, int(part * len(history)))]
        yield f"{part} proof", replay(design, known).to_json()
        yield f"{part} money", _stored(money_so_far(design, known, case.terms, everyone))
    yield "end proof", replay(design, history, final=True).to_json()
    yield "end money", _stored(money_at_end(design, history, case.terms, everyone))


def _stored(found: MoneyDecision | None) -> str:
    return "" if found is None else money_to_json(found, past_tests=0)


def seals(number: int) -> dict[str, str]:
    """Return the kind of each answer, and the seal of what every version since 3 says alike, by moment."""
    return {at: _seal(json.loads(text or "{}")) for at, text in decisions(golden_case(number))}


def _seal(answer: dict[str, Any]) -> str:
    """Seal an answer but for the number of its version, and for digits of chances and losses that are rounding.

    Version 3 kept nine digits however small a loss was; from version 4 on those below 1e-12 are left out.
    """
    answer.pop("version", None)
    text = json.dumps(_without_rounding(answer), sort_keys=True, separators=(",", ":"))
    kind = answer.get("kind") or answer.get("choice") or "none"
    return f"{kind} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _without_rounding(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_rounding(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_rounding(each) for each in value]
    return settled_chance(value) if name in _CHANCES and value is not None else value


if __name__ == "__main__":
    plain = json.loads(GOLDEN.read_text("utf-8"))
    plain |= {"mended_by": VERSION, "mended": {}}
    for place, sealed in enumerate(plain["cases"]):
        if differing := dict(seals(place).items() - sealed.items()):
            plain["mended"][str(place)] = dict(sorted(differing.items()))
    GOLDEN.write_text(json.dumps(plain, indent=0) + "\n", "utf-8")
