"""Numbers, money and moments as readers of each language write them."""

from dataclasses import dataclass
from datetime import date, datetime

from autopublisher.dashboard.words import Language
from autopublisher.domain.money import Money, places_of

NOTHING = "\u2013"
"""Shown where there is no figure."""


@dataclass(frozen=True)
class Figures:
    """Writes figures for one language."""

    language: Language

    def minor(self, amount: int, currency: str) -> str:
        """Return an amount in minor units of a currency."""
        return self.money(Money(amount, currency))

    def money(self, amount: Money) -> str:
        """Write an amount with its currency."""
        return f"{self._number(f'{amount.major:,.{places_of(amount.currency)}f}')} {amount.currency}"

    def count(self, number: int) -> str:
        """Write a whole number."""
        return self._number(f"{number:,}")

    def ratio(self, value: float | None) -> str:
        """Write a ratio such as ROAS, to two places."""
        return NOTHING if value is None else self._number(f"{value:,.2f}")

    def share(self, value: float) -> str:
        """Write a share of a whole in per cent."""
        return f"{value:.0%}" if self.language == "en" else f"{100 * value:.0f} %"

    def interval(self, ends: tuple[float, float] | None) -> str:
        """Write an interval of ratios."""
        return NOTHING if ends is None else f"{self.ratio(ends[0])} {NOTHING} {self.ratio(ends[1])}"

    def moment(self, at: datetime | None) -> str:
        """Write a moment in UTC, to the minute."""
        return NOTHING if at is None else at.strftime("%Y-%m-%d %H:%M UTC")

    def day(self, day: date) -> str:
        """Write a day of an account's own calendar."""
        return day.isoformat()

    def month(self, first: date) -> str:
        """Write the month that begins on a day."""
        return f"{first:%Y-%m}"

    def _number(self, text: str) -> str:
        return text if self.language == "en" else text.translate({ord(","): ".", ord("."): ","})
