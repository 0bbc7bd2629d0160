"""The catalogue: every sentence that people read, by code, in English and Spanish (gettext), filled in by Babel."""

from autopublisher.messages.catalogue import is_worded, render, text, words_in
from autopublisher.messages.language import LANGUAGES, Language, language_of, language_of_locale
from autopublisher.messages.refusals import error_text, problem_texts, remedy_text, wording

__all__ = [
    "LANGUAGES",
    "Language",
    "error_text",
    "is_worded",
    "language_of",
    "language_of_locale",
    "problem_texts",
    "remedy_text",
    "render",
    "text",
    "wording",
    "words_in",
]
