"""What a run's page tells besides figures: log and warnings in the reader's language, and how a verdict was reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autopublisher.dashboard.phrases import ATTENTION, WARNING, Said, in_spanish
from autopublisher.domain import evidence
from autopublisher.domain.journal.records import Decision, Event
from autopublisher.messages import LANGUAGES

_JUDGED: Final = frozenset({"orchestrator:run:judged", "orchestrator:run:concluded"})
"""Events whose message is a verdict's headline, which the verdict itself words in either language."""


@dataclass(frozen=True)
class LogLine:
    """One line of a run's log."""

    at: datetime
    said: Said
    actor: str


def log_of(events: Sequence[Event], decisions: Sequence[Decision], language: str) -> list[LogLine]:
    """Return events as lines in a language, as far as their words are ours."""
    judged = {one.at: one for one in decisions}
    return [LogLine(one.at, _event(one, judged, language), one.actor) for one in events]


def warnings_in(language: str, warnings: Sequence[str]) -> list[Said]:
    """Return warnings, or what a stop is missing, in a language, as far as their words are ours."""
    return [_said(WARNING, one, language) for one in warnings]


def attention_in(language: str, attention: str) -> Said:
    """Return what a run waits for in a language, as far as its words are ours."""
    return _said(ATTENTION, attention, language)


def method_notes(decision: Decision | None) -> Mapping[str, str]:
    """Return how a decision was reached, by language; empty without one."""
    verdict = None if decision is None else verdict_of(decision)
    return {} if verdict is None else {one: evidence.method_note(verdict, one) for one in LANGUAGES}


def verdict_of(decision: Decision) -> evidence.Verdict | None:
    """Return a stored verdict; None where an earlier release stored it in another shape."""
    try:
        return evidence.Verdict.from_json(decision.verdict)
    except (KeyError, TypeError, ValueError):
        return None  # its sentences, which were stored with it, are shown all the same


def _event(event: Event, judged: Mapping[datetime, Decision], language: str) -> Said:
    if language == "en" or event.tag not in _JUDGED:
        return _said(event.tag, event.message, language)
    decision = judged.get(event.at)
    verdict = None if decision is None else verdict_of(decision)
    return (
        Said(event.message, "en") if verdict is None else Said(evidence.headline(verdict, language), language)
    )


def _said(tag: str, english: str, language: str) -> Said:
    return Said(english, "en") if language == "en" else in_spanish(tag, english)
