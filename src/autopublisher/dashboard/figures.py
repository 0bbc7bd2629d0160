"""Numbers, money and moments as readers of each language write them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from autopublisher.dashboard.log_view import tongue_of
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message
from autopublisher.domain.moments import in_zone, moment_text
from autopublisher.messages import Language, render
from autopublisher.messages.formats import money_text, number_text, share_text
from autopublisher.views.moments import Zones, zone_for

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
        return money_text(amount, self.language)

    def about(self, amount: Money) -> str:
        """Write an expected amount: in whole major units, and said to be no more than about that."""
        whole = number_text(round(amount.major), self.language)
        return render(Message("page.about", {"amount": f"{whole} {amount.currency}"}), self.language)

    def count(self, number: int) -> str:
        """Write a whole number."""
        return number_text(number, self.language)

    def ratio(self, value: float | None) -> str:
        """Write a ratio such as ROAS, to two places."""
        return NOTHING if value is None else number_text(value, self.language, 2)

    def share(self, value: float) -> str:
        """Write a share of a whole in per cent."""
        return share_text(value, self.language)

    def interval(self, ends: tuple[float, float] | None) -> str:
        """Write an interval of ratios."""
        return NOTHING if ends is None else f"{self.ratio(ends[0])} {NOTHING} {self.ratio(ends[1])}"

    def moment(self, at: datetime | None) -> str:
        """Write a moment in the account's zone, which is named, to the minute."""
        return NOTHING if at is None else moment_text(at.astimezone(self._zone))

    def said(self, message: Message) -> str:
        """Word a message, its moments in the account's zone."""
        return render(message, self.language, self._zone)

    def tongue(self, message: Message) -> str:
        """Return the language in which a message is shown."""
        return tongue_of(message, self.language)

    def told(self, sentence: str) -> str:
        """Return a verdict's stored sentence with its moments in the account's zone."""
        return in_zone(sentence, self._zone)

    def say(self, message: Message) -> str:
        """Word a message, its moments in the account's zone."""
        return render(message, self.language, self._zone)

    def day(self, day: date) -> str:
        """Write a day of an account's own calendar."""
        return day.isoformat()

    def month(self, first: date) -> str:
        """Write the month that begins on a day."""
        return f"{first:%Y-%m}"

    @property
    def _zone(self) -> tzinfo:
        return zone_for(self.zones(), self.act_id)
