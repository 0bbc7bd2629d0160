"""Which language somebody reads: what they ask for, or what their browser or their terminal says they prefer."""

from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["en", "es"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")


def language_of(asked: str | None, kept: str | None, accepted: str | None) -> Language:
    """Return the reader's language: what they ask for now, chose before, or their client prefers; else English."""
    for choice in (asked, kept):
        if choice in LANGUAGES:
            return choice
    return _preferred(accepted or "")


def language_of_locale(environment: Mapping[str, str]) -> Language:
    """Return the language of a terminal, by the first of LANGUAGE, LC_ALL, LC_MESSAGES and LANG; else English."""
    names = (environment.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "")
    return language_of(locale.partition(".")[0].partition("_")[0].lower(), None, None)


def _preferred(accepted: str) -> Language:
    """Return the language of highest quality in an Accept-Language header."""
    best: Language = "en"
    best_quality = 0.0
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        name = tag.split("-")[0].strip().lower()
        quality = _quality(parameter)
        if name in LANGUAGES and quality > best_quality:
            best, best_quality = name, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
