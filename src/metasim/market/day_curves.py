"""Day curves: when people see ads and when they buy, in the account's local hours."""

from functools import lru_cache

from metasim.times import DAY, HOUR

# Share of a day's delivery by local hour, mean one.
_NIGHT_AND_MORNING = (0.62, 0.42, 0.30, 0.24, 0.24, 0.34, 0.55, 0.80, 0.95, 1.02, 1.08, 1.12)
_AFTERNOON_AND_EVENING = (1.18, 1.18, 1.12, 1.08, 1.08, 1.14, 1.24, 1.40, 1.58, 1.66, 1.48, 1.08)
_DELIVERY = (*_NIGHT_AND_MORNING, *_AFTERNOON_AND_EVENING)
_SCALE = 24 / sum(_DELIVERY)
DELIVERY_CURVE = tuple(weight * _SCALE for weight in _DELIVERY)
_CUMULATED = tuple(sum(DELIVERY_CURVE[:hour]) for hour in range(25))

# Readiness to buy by local hour and by weekday (Monday first), mean about one.
_BUYING_EARLY = (0.90, 0.85, 0.80, 0.80, 0.80, 0.85, 0.92, 0.96, 1.00, 1.03, 1.05, 1.05)
_BUYING_LATE = (1.02, 1.00, 1.00, 1.00, 1.00, 1.02, 1.04, 1.08, 1.12, 1.12, 1.06, 0.98)
BUYING_HOURS = (*_BUYING_EARLY, *_BUYING_LATE)
BUYING_DAYS = (1.02, 1.00, 1.00, 0.99, 0.97, 0.99, 1.03)

# Price of impressions by local hour and weekday: dear in the evening and at the weekend; mean over delivery one.
_PRICE_EARLY = (0.86, 0.82, 0.80, 0.80, 0.82, 0.86, 0.90, 0.94, 0.97, 0.99, 1.00, 1.00)
_PRICE_LATE = (1.00, 1.00, 0.99, 0.99, 1.00, 1.02, 1.05, 1.08, 1.10, 1.10, 1.05, 0.95)
_PRICE_DAYS = (0.96, 0.96, 0.97, 1.00, 1.04, 1.04, 1.03)
_PRICE_SCALE = (
    sum(a * b for a, b in zip(DELIVERY_CURVE, (*_PRICE_EARLY, *_PRICE_LATE), strict=True)) / 24
) * (sum(_PRICE_DAYS) / 7)
PRICE_HOURS = tuple(price / _PRICE_SCALE for price in (*_PRICE_EARLY, *_PRICE_LATE))


def _cumulated(local_us: int) -> float:
    days, rest = divmod(local_us, DAY)
    hour, part = divmod(rest, HOUR)
    return days * 24 + _CUMULATED[hour] + DELIVERY_CURVE[hour] * part / HOUR


@lru_cache(maxsize=16_384)  # ad sets of one schedule ask for the same stretches
def delivery_mass(from_us: int, until_us: int, offset_us: int) -> float:
    """Return the curve's area between two moments, in mean hours; the offset makes them local."""
    return _cumulated(until_us + offset_us) - _cumulated(from_us + offset_us)


def buying_mood(local_us: int) -> float:
    """Return how ready people are to buy at a local moment, relative to the mean."""
    days, rest = divmod(local_us, DAY)
    return BUYING_HOURS[rest // HOUR] * BUYING_DAYS[(days + 3) % 7]


def price_season(local_us: int) -> float:
    """Return the price of impressions at a local moment, relative to the mean."""
    days, rest = divmod(local_us, DAY)
    return PRICE_HOURS[rest // HOUR] * _PRICE_DAYS[(days + 3) % 7]
