"""What errors and problems say, and what can be done about them, in a language."""

from datetime import UTC, tzinfo

from autopublisher.domain.errors import AutoPublisherError, Problem
from autopublisher.domain.messages import Message, code_of, said_of
from autopublisher.messages.catalogue import render, text
from autopublisher.messages.language import Language

REMEDY = ".remedy"
"""What the code of a remedy has after the code of what it remedies."""


def error_text(error: AutoPublisherError, language: Language, zone: tzinfo = UTC) -> str:
    """Return what an error says."""
    return render(said_of(error), language, zone)


def remedy_text(error: AutoPublisherError, language: Language) -> str:
    """Return what can be done about an error; a remedy of its own, which its class does not have, as it was given."""
    kind = type(error)
    if not error.remedy or error.remedy != kind.remedy:
        return wording(error.remedy, language)
    return text(f"{code_of(_owner(kind))}{REMEDY}", language)


def problem_texts(problem: Problem, language: Language) -> tuple[str, str]:
    """Return what is wrong with a field, and what to do."""
    return wording(problem.reason, language), wording(problem.remedy, language)


def wording(said: Message | str, language: Language, zone: tzinfo = UTC) -> str:
    """Word a message; a sentence that has no code, such as Meta's or a library's, stays as it is."""
    return said if isinstance(said, str) else render(said, language, zone)


def _owner(kind: type[AutoPublisherError]) -> type[AutoPublisherError]:
    """Return the class that states the remedy which this one has."""
    return next(one for one in kind.__mro__ if "remedy" in vars(one))
