"""The language of a terminal: ``--lang`` if it is given, else what the locale says."""

import os
import re
from enum import StrEnum
from typing import Final

from autopublisher.domain.messages import Message, Param
from autopublisher.messages import Language, language_of_locale, render, text

CHOICE: Final = "LANGUAGE"
"""The variable by which GNU's gettext lets people choose a language apart from their locale; ``--lang`` sets it."""


class Spoken(StrEnum):
    """The languages that can be chosen."""

    ENGLISH = "en"
    SPANISH = "es"


def language() -> Language:
    """Return the language that commands speak."""
    return language_of_locale(os.environ)


def worded(code: str, **params: Param) -> str:
    """Return a sentence of the command line in that language."""
    return render(Message(f"cli.{code}", params), language())


def label(name: str) -> str:
    """Return what stands above a column or before a fact; ``name`` is what programs are given, in English."""
    return text(f"label.{slug(name)}", language())


def slug(name: str) -> str:
    """Return a name as it stands in a code of the catalogue."""
    return re.sub(r"\W+", "_", name).lower()
