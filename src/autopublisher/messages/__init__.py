"""The catalogue: every sentence that people read, by code, in English and Spanish (gettext), filled in by Babel."""

from autopublisher.messages.catalogue import render, text, words_in
from autopublisher.messages.language import LANGUAGES, Language, language_of, language_of_locale

__all__ = ["LANGUAGES", "Language", "language_of", "language_of_locale", "render", "text", "words_in"]
