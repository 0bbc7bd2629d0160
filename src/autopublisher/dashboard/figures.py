"""Numbers, money and moments as readers of each language write them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from autopublisher.dashboard.words import Language
from autopublisher.domain.amounts import Money, places_of
from autopublisher.domain.ids import ActId
from autopublisher.views.moments import Zones, in_zone, moment_text, zone_for

NOTHING = "\u2013"
"""Shown where there is no figure."""


@dataclass(frozen=True)
class Figures:
    """Writes figures for one language, and moments in the zone of one account (None: of what belongs to none)."""

    language: Language
    zones: Callable[[], Zones] = dict
    act_id: ActId | None = None

    def of(self, act_id: ActId | None) -> "Figures":
        """Return what writes the figures of one account."""
        return replace(self, act_id=act_id)

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
        """Write a moment in the account's zone, which is named, to the minute."""
        return NOTHING if at is None else moment_text(at.astimezone(self._zone))

    def told(self, sentence: str) -> str:
        """Return a stored sentence with its moments in the account's zone."""
        return in_zone(sentence, self._zone)

    def day(self, day: date) -> str:
        """Write a day of an account's own calendar."""
        return day.isoformat()

    def month(self, first: date) -> str:
        """Write the month that begins on a day."""
        return f"{first:%Y-%m}"

    @property
    def _zone(self) -> tzinfo:
        return zone_for(self.zones(), self.act_id)

    def _number(self, text: str) -> str:
        return text if self.language == "en" else text.translate({ord(","): ".", ord("."): ","})
