"""What finished tests leave for those after them: a row for each criterion, and what an account's rows say together.

Plain values: how they are worked out is ``evidence.memory``'s, which whoever only stores or shows them need not load.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from autopublisher.domain.ids import ActId, RunId

KNOWN_FROM: Final = 20
"""So many tests make the spread between ads known, and the account's own basket variation and day noise used."""

_LEAST_DAY_SPREAD, _LEAST_OF_USUAL = 0.06, 0.5
_LEAST_DISPERSION = 0.01


class Omission(StrEnum):
    """Why a finished test leaves no row."""

    TOO_SHORT = "too_short"
    NO_EVENT = "no_event"
    SET_ASIDE = "set_aside"
    UNHEALTHY = "unhealthy"
    NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True)
class MeasuredTest:
    """What one test says of one criterion; of no currency, for only ratios are kept.

    Attributes:
        rates: by variant, the centred log of what a unit of exposure brings, rate and basket together, and its variance.
        clicks: by variant, the centred log of clicks per spend and its variance; none where clicks are what is counted.
        days: how long it delivered.
        events: counted for all variants together, such as purchases.
        values: of ``rates`` what an event is worth alone, by variant as there; none where the criterion measures no money,
            or for tests of an earlier release. ``share_of_values`` is what part of the variance between variants lies there.
        moved: whether money was moved between the arms while it ran.
        value_dispersion: squared coefficient of variation of one event's value; None where that cannot be told.
        day_variance: variance that days add to a variant's log rate, as the days themselves show it, and ``day_doubt`` the
            variance of that; None where fewer than two days tell.
    """

    rates: tuple[tuple[float, float], ...]
    clicks: tuple[tuple[float, float], ...]
    days: float
    events: float
    moved: bool = False
    value_dispersion: float | None = None
    day_variance: float | None = None
    day_doubt: float | None = None
    values: tuple[tuple[float, float], ...] = ()
    share_of_values: float = 0.0


@dataclass(frozen=True)
class FinishedTest:
    """A run's test as its account remembers it for one criterion. ``finished_at`` gives the order, restated or not."""

    run_id: RunId
    act_id: ActId
    criterion: str
    finished_at: datetime
    measured: MeasuredTest


@dataclass(frozen=True)
class AccountMemory:
    """What an account's finished tests say of one criterion; without any, what is assumed.

    Attributes:
        tests: how many it rests on.
        spread: weights of the grid of spreads between ads (``evidence.spread``), ``of_clicks`` those of their clicks.
        slope: how much of a difference in clicks is expected in sales, where that is used; 0 where it is not.
        expected_slope: the same as the tests show it, and ``useless`` the chance that clicks say nothing of sales.
        value_dispersion: of the tests that tell it, ``values_from`` in number.
        day_variance: likewise, from ``days_from`` tests; ``day_error`` is its standard error.
    """

    criterion: str
    tests: int
    spread: tuple[float, ...]
    of_clicks: tuple[float, ...]
    slope: float
    expected_slope: float
    useless: float
    value_dispersion: float | None = None
    values_from: int = 0
    day_variance: float | None = None
    day_error: float | None = None
    days_from: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the spread between ads counts as known."""
        return self.tests >= KNOWN_FROM

    @property
    def used_dispersion(self) -> float | None:
        """The account's own basket variation; None while the usual one is assumed."""
        known = self.values_from >= KNOWN_FROM and self.value_dispersion is not None
        return max(self.value_dispersion or 0.0, _LEAST_DISPERSION) if known else None

    @property
    def day_spread(self) -> float | None:
        """The account's own day noise for proof, a standard error above its mean (decision 0006); None: the usual one."""
        if not self._knows_days:
            return None
        return math.sqrt(max((self.day_variance or 0.0) + (self.day_error or 0.0), _LEAST_DAY_SPREAD**2))

    @property
    def day_spread_doubt(self) -> float | None:
        """The standard deviation of the square of ``day_spread``."""
        return self.day_error if self._knows_days else None

    def likely_day_spread(self, usual: float, doubt: float) -> float | None:
        """Return the account's own day noise for money decisions: its mean and the usual one, each by its precision.

        `usual` is the criterion's, `doubt` the standard deviation of its square.
        """
        if not self._knows_days:
            return None
        to_usual, to_own = (self.day_error or 0.0) ** 2, doubt**2
        likely = (to_usual * usual**2 + to_own * (self.day_variance or 0.0)) / (to_usual + to_own)
        return math.sqrt(max(likely, (_LEAST_OF_USUAL * usual) ** 2))

    @property
    def _knows_days(self) -> bool:
        return self.days_from >= KNOWN_FROM and self.day_variance is not None
