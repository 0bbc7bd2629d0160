"""What a run's page tells besides figures: its log and messages in the reader's language, and how a verdict was reached."""

from collections.abc import Mapping

from autopublisher.domain import evidence
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.messages import LEGACY, Message
from autopublisher.messages import LANGUAGES, Language


def tongue_of(said: Message, language: Language) -> str:
    """Return the language of what is shown: a sentence of an earlier release is English whoever reads it."""
    return "en" if said.code == LEGACY else language


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
