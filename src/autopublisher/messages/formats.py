"""Numbers, shares and money as each language writes them. Babel is loaded with the first share."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from autopublisher.domain.amounts import Money, places_of
from autopublisher.messages.language import Language

_SEPARATORS: Final[Mapping[Language, tuple[str, str]]] = {"en": (",", "."), "es": (".", ",")}
"""What divides thousands, and what stands before a fraction, as Babel has them: it takes long to load."""

_MOST_PLACES = 2
_SMALL = 1000
"""Whole numbers below this look the same in every language we write."""


def number_text(value: float, language: Language, places: int | None = None) -> str:
    """Write a number to so many decimal places; without, to two at most."""
    if places is None and type(value) is int and 0 <= value < _SMALL:
        return str(value)
    exact = Decimal(str(value))
    if places is not None:
        return _written(exact, places, language)
    return _written(exact, _MOST_PLACES, language, trimmed=True)


def money_text(amount: Money, language: Language) -> str:
    """Write an amount with the code of its currency, which is unambiguous: ``1,234.50 EUR``."""
    return f"{_written(amount.major, places_of(amount.currency), language)} {amount.currency}"


def share_text(value: float, language: Language) -> str:
    """Write a share of a whole in per cent."""
    from babel.numbers import format_percent  # noqa: PLC0415 - it takes long, and most commands write none

    return format_percent(value, locale=language)


def _written(value: Decimal, places: int, language: Language, *, trimmed: bool = False) -> str:
    """Write a number with the language's separators: a fiftieth of what a pattern of Babel's costs."""
    group, point = _SEPARATORS[language]
    whole, _, fraction = f"{value:,.{places}f}".partition(".")
    fraction = fraction.rstrip("0") if trimmed else fraction
    return whole.replace(",", group) + (point + fraction if fraction else "")
