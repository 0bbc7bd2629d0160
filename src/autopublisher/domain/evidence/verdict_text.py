"""A verdict in plain words, English or Spanish, in business units.

The first sentence is the headline. What is not proven is never worded as if it were, and the
caveats always follow.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

from autopublisher.domain.evidence.criteria import MEASURES, Criterion, Figure
from autopublisher.domain.evidence.money_checks import VALUE_FAULTS
from autopublisher.domain.evidence.planning import ProofCost
from autopublisher.domain.evidence.rules import Kind
from autopublisher.domain.evidence.verdict import Diagnostic, Verdict
from autopublisher.domain.evidence.verdict_phrases import ENGLISH, SPANISH, VerdictPhrases
from autopublisher.domain.headline import change_of

_ONE_PERCENT = 0.01


class Language(StrEnum):
    """The languages verdicts are worded in."""

    ENGLISH = "en"
    SPANISH = "es"


def sentences(verdict: Verdict, language: str = Language.ENGLISH, *, leans: bool = True) -> tuple[str, ...]:
    """Return headline, reasons, leaning, cost of proof, findings and caveats.

    Without ``leans`` who is ahead is left out: a money decision tells it, with a chance of its own. Raises ValueError for an
    unknown language.
    """
    return _VerdictText(verdict, _phrases_of(language)).all(leans=leans)


def headline(verdict: Verdict, language: str = Language.ENGLISH) -> str:
    """Return the first of the `sentences`."""
    return _VerdictText(verdict, _phrases_of(language)).first()


def method_note(verdict: Verdict, language: str = Language.ENGLISH) -> str:
    """Return one paragraph on how the verdict was reached; ValueError for an unknown language."""
    return _VerdictText(verdict, _phrases_of(language)).method()


def _phrases_of(language: str) -> VerdictPhrases:
    return SPANISH if Language(language) is Language.SPANISH else ENGLISH


def _number(value: float, digits: int, phrases: VerdictPhrases) -> str:
    text = f"{value:,.{digits}f}"
    return text.translate({ord(","): phrases.thousands, ord("."): phrases.decimal})


def _sign(value: float) -> str:
    return "+" if value >= 0 else "-"


_ADDED: Mapping[str, tuple[str, ...]] = {"E": ("E",), "R": ("R",), "RE": ("R", "E")}
"""What a method adds to the paragraph on the method."""


class _VerdictText:
    def __init__(self, verdict: Verdict, phrases: VerdictPhrases) -> None:
        self._verdict = verdict
        self._phrases = phrases

    def all(self, *, leans: bool) -> tuple[str, ...]:
        """Return all sentences in order, with or without the one on who is ahead."""
        caveats = [self._fill(self._phrases.caveats[code]) for code in self._verdict.caveats]
        leaning = self._leaning() if leans else ()
        parts = (self._reasons(), leaning, self._costs(), self._findings(), self._instead())
        return (self.first(), *(sentence for part in parts for sentence in part), *caveats)

    def first(self) -> str:
        """Return the headline; where data cannot be trusted it says why."""
        first = self._fill(self._phrases.verdicts[self._verdict.kind.value])
        return " ".join((first, *self._known_reasons())) if self._verdict.kind is Kind.UNHEALTHY else first

    def _reasons(self) -> tuple[str, ...]:
        return () if self._verdict.kind is Kind.UNHEALTHY else self._known_reasons()

    def _known_reasons(self) -> tuple[str, ...]:
        known = self._phrases.reasons
        return tuple(known[code] for code in self._verdict.reasons if code in known)

    def _instead(self) -> tuple[str, ...]:
        """Return what can still be compared where purchase values cannot: costs per purchase."""
        if not VALUE_FAULTS & {*self._verdict.reasons}:
            return ()
        costs = ", ".join(
            f"{each.name} {_number(each.cpa, 2, self._phrases)} {self._verdict.currency}"
            for each in self._verdict.variants
            if each.cpa is not None
        )
        return (self._fill(self._phrases.parts["by_cost"], costs=costs),)

    def method(self) -> str:
        """Return the paragraph on the method."""
        known = self._phrases.method
        more = [known[each] for each in _ADDED.get(self._verdict.method, ())]
        return " ".join([self._fill(known["B"]), *more])

    def _fill(self, pattern: str, **more: str) -> str:
        """Fill in the named values; each is worked out only where the pattern asks for it."""
        verdict = self._verdict
        values: dict[str, Callable[[], str]] = {
            "leader": lambda: verdict.leader or "-",
            "rival": lambda: verdict.estimate.against if verdict.estimate else "-",
            "better": self._better,
            "unit": lambda: self._phrases.units.get(verdict.currency, verdict.currency),
            "lift": self._lift,
            "range": self._range,
            "alpha": lambda: self._percent(verdict.alpha),
            "largest": lambda: self._percent(verdict.largest_difference or 0.0),
            "p_best": lambda: self._percent(verdict.p_best or 0.0),
            "loss": lambda: self._percent(verdict.expected_loss or 0.0, 1),
            "count": self._count,
            "events": self._events,
            "stopped": lambda: self._phrases.parts["list"].join(verdict.newly_eliminated),
            "progress": lambda: self._percent(min(verdict.share, 1.0)),
            "next": self._next,
            "mature": lambda: self._percent(verdict.mature_share),
        }
        return pattern.format(
            **{name: make() for name, make in values.items() if f"{{{name}}}" in pattern} | more
        )

    def _percent(self, share: float, digits: int = 0) -> str:
        return self._phrases.percent.format(number=_number(100 * share, digits, self._phrases))

    def _signed(self, ratio: float) -> str:
        """Return a ratio as a change; for costs, the change of the cost. What is less than one per cent keeps a digit."""
        change = change_of(self._verdict.criterion, ratio)
        return _sign(change) + self._percent(abs(change), 0 if abs(change) >= _ONE_PERCENT else 1)

    def _better(self) -> str:
        return self._fill(self._phrases.better[self._verdict.criterion])

    def _lift(self) -> str:
        estimate = self._verdict.estimate
        return self._signed(estimate.shrunk) if estimate else "-"

    def _range(self) -> str:
        estimate = self._verdict.estimate
        if estimate is None:
            return ""
        parts = self._phrases.parts
        seen = "" if estimate.raw is None else parts["seen"].format(raw=self._signed(estimate.raw))
        if estimate.high is None:
            low = self._signed(estimate.low)
            if self._count_of(estimate.against) > 0:
                return parts["open_range"].format(seen=seen, low=low)
            return self._fill(parts["one_sided"], low=low)
        return parts["range"].format(
            seen=seen, low=self._signed(estimate.low), high=self._signed(estimate.high)
        )

    def _counted(self) -> tuple[Figure, ...]:
        return MEASURES[Criterion(self._verdict.criterion)].counts

    def _count_of(self, name: str) -> float:
        return float(sum(getattr(self._verdict.variant(name), figure) for figure in self._counted()))

    def _count(self) -> str:
        total = sum(self._count_of(each.name) for each in self._verdict.variants)
        return _number(total, 0, self._phrases)

    def _events(self) -> str:
        counted = self._counted()
        if Figure.ENGAGEMENTS in counted:
            return self._phrases.parts["engagements"]
        return self._phrases.parts["purchases" if Figure.CONVERSIONS in counted else "clicks"]

    def _next(self) -> str:
        share, hour = self._verdict.next_analysis_share, self._verdict.next_analysis_hour
        if hour is not None:
            return self._phrases.parts["hour"].format(hour=_number(hour, 0, self._phrases))
        return self._phrases.parts["end"] if share is None or share >= 1 else self._percent(share)

    def _leaning(self) -> tuple[str, ...]:
        """Return who is ahead, where the headline does not say so already and there is something to say."""
        tells = (Kind.NOT_ENOUGH_DATA, Kind.NO_DIFFERENCE)
        if self._verdict.kind not in tells or self._verdict.leader is None or self._verdict.p_best is None:
            return ()
        if self._verdict.p_best < 1 / sum(each.active for each in self._verdict.variants) + _ONE_PERCENT:
            return (self._phrases.parts["no_lean"],)
        return (self._fill(self._phrases.parts["lean"]),)

    def _costs(self) -> tuple[str, ...]:
        return tuple(self._cost(each) for each in self._verdict.cost_of_proof)

    def _findings(self) -> tuple[str, ...]:
        known = self._phrases.findings
        return tuple(
            self._finding(known[each.code], each) for each in self._verdict.diagnostics if each.code in known
        )

    def _finding(self, pattern: str, finding: Diagnostic) -> str:
        value, phrases = finding.value, self._phrases
        values = {
            "variant": finding.variant or "-",
            "number": _number(value, 0, phrases),
            "times": _number(value, 1, phrases),
            "signed": _sign(value) + _number(abs(value), 1, phrases),
            "points": _sign(value) + _number(100 * abs(value), 0, phrases),
            "share": self._percent(value),
            "change": _sign(value - 1) + self._percent(abs(value - 1)),
        }
        return pattern.format(**values)

    def _cost(self, cost: ProofCost) -> str:
        lift = self._signed(1 + cost.lift)
        if cost.reached:
            return self._fill(self._phrases.parts["reached"], lift=lift)
        if cost.purchases_per_variant is None or cost.spend_per_variant is None:
            return self._fill(self._phrases.parts["no_cost"], lift=lift)
        needed = _number(float(f"{cost.purchases_per_variant:.2g}"), 0, self._phrases)
        money = _number(float(f"{cost.spend_per_variant:.2g}"), 0, self._phrases)
        money = f"{money} {self._verdict.currency}"
        days = "" if cost.days is None else _number(math.ceil(cost.days), 0, self._phrases)
        return self._fill(
            self._phrases.parts["cost"], lift=lift, events_needed=needed, money=money, days=days
        )
