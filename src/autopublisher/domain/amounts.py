"""Money as whole minor units with a currency, using Meta's own currency offsets (they differ from ISO 4217)."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from autopublisher.domain.errors import CurrencyMismatchError, UnknownCurrencyError

_WHOLE_UNITS = "CLP COP CRC HUF ISK IDR JPY KRW PYG TWD VND"
WHOLE_UNIT_CURRENCIES = frozenset(_WHOLE_UNITS.split())
"""Currencies whose amounts Meta takes in major units (offset 1)."""

_HUNDREDTHS = (
    "DZD ARS AUD BHD BDT BOB BGN BRL GBP CAD CNY HRK CZK DKK EGP EUR GTQ HNL HKD INR ILS JOD KES LVL LTL MOP MYR "
    "MXN NZD NIO NGN NOK PKR PEN PHP PLN QAR RON RUB SAR RSD SGD SKK ZAR SEK CHF THB TRY AED UAH USD UYU VEF FBZ "
    "VES"
)
HUNDREDTH_CURRENCIES = frozenset(_HUNDREDTHS.split())
"""Currencies whose amounts Meta takes in hundredths (offset 100), even where ISO 4217 counts otherwise."""


def offset_of(currency: str) -> int:
    """Return how many minor units make one major unit at Meta (1 or 100); raises UnknownCurrencyError."""
    if currency in WHOLE_UNIT_CURRENCIES:
        return 1
    if currency in HUNDREDTH_CURRENCIES:
        return 100
    raise UnknownCurrencyError(currency=currency)


def places_of(currency: str) -> int:
    """Return how many decimal places an amount in major units may have (0 or 2)."""
    return 0 if offset_of(currency) == 1 else 2


@dataclass(frozen=True, order=False)
class Money:
    """A whole number of minor units (``minor``) of one ``currency``; arithmetic across currencies is refused."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in ``currency``."""
        return cls(0, currency)

    @classmethod
    def from_major(cls, amount: Decimal, currency: str) -> "Money":
        """Convert an exact amount in major units; raises ValueError where it has more places than the currency."""
        minor = amount * offset_of(currency)
        if minor != minor.to_integral_value():
            raise ValueError(f"{amount} has more decimal places than {currency} allows")
        return cls(int(minor), currency)

    @classmethod
    def at_least(cls, amount: Decimal, currency: str) -> "Money":
        """Convert major units, rounding up to the next minor unit: the cautious reading of what was spent."""
        minor = (amount * offset_of(currency)).to_integral_value(rounding=ROUND_CEILING)
        return cls(int(minor), currency)

    @classmethod
    def nearest(cls, amount: float, currency: str) -> "Money":
        """Convert an estimate in major units to the nearest minor unit; nothing that is spent is counted so."""
        return cls(round(amount * offset_of(currency)), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor) / offset_of(self.currency)

    def _same(self, other: "Money") -> None:
        if other.currency != self.currency:
            raise CurrencyMismatchError(left=self.currency, right=other.currency)

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: "Money") -> bool:
        return not self <= other

    def __ge__(self, other: "Money") -> bool:
        return not self < other

    def times(self, factor: Decimal | int) -> "Money":
        """Multiply by an exact factor, rounding down to a whole minor unit (never up: money is a ceiling)."""
        minor = (Decimal(self.minor) * Decimal(factor)).to_integral_value(rounding=ROUND_FLOOR)
        return Money(int(minor), self.currency)

    def __str__(self) -> str:
        """Write the amount as people do: ``50.00 EUR``, ``50 JPY``."""
        return f"{self.major:.{places_of(self.currency)}f} {self.currency}"
