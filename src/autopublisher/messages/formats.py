"""Numbers, shares and money as each language writes them. Babel is loaded with the first figure, not with the program."""

from autopublisher.domain.amounts import Money, places_of
from autopublisher.messages.language import Language


def number_text(value: float, language: Language, places: int | None = None) -> str:
    """Write a number to so many decimal places; without, to two at most."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - commands without a figure start without it

    pattern = "#,##0.##" if places is None else f"#,##0.{'0' * places}".rstrip(".")
    return format_decimal(value, pattern, locale=language)


def money_text(amount: Money, language: Language) -> str:
    """Write an amount with the code of its currency, which is unambiguous: ``1,234.50 EUR``."""
    from babel.numbers import format_decimal  # noqa: PLC0415 - as above

    pattern = f"#,##0.{'0' * places_of(amount.currency)}".rstrip(".")
    return f"{format_decimal(amount.major, pattern, locale=language)} {amount.currency}"


def share_text(value: float, language: Language) -> str:
    """Write a share of a whole in per cent."""
    from babel.numbers import format_percent  # noqa: PLC0415 - as above

    return format_percent(value, locale=language)
