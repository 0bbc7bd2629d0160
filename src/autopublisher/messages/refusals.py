"""What errors and problems say, and what can be done about them, in a language."""

from datetime import UTC, tzinfo

from autopublisher.domain.errors import AutoPublisherError, Problem
from autopublisher.domain.messages import Message, remedy_of, said_of
from autopublisher.messages.catalogue import render
from autopublisher.messages.language import Language


def error_text(error: AutoPublisherError, language: Language, zone: tzinfo = UTC) -> str:
    """Return what an error says."""
    return render(said_of(error), language, zone)


def remedy_text(error: AutoPublisherError, language: Language) -> str:
    """Return what can be done about an error; a remedy of its own, which its class does not have, as it was given."""
    return wording(remedy_of(error), language)


def problem_texts(problem: Problem, language: Language) -> tuple[str, str]:
    """Return what is wrong with a field, and what to do."""
    return wording(problem.reason, language), wording(problem.remedy, language)


def wording(said: Message | str, language: Language, zone: tzinfo = UTC) -> str:
    """Word a message; a sentence that has no code, such as Meta's or a library's, stays as it is."""
    return said if isinstance(said, str) else render(said, language, zone)
