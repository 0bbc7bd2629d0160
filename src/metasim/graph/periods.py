"""Date ranges of insights: presets and explicit ranges in account days, and their increments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from metasim.facts import INSIGHTS_MONTHS
from metasim.graph.errors import GraphError, malformed, not_one_of
from metasim.graph.wire import Params

DAY = timedelta(days=1)
LONGEST_INCREMENT = 90
ROLLING = {"last_3d": 3, "last_7d": 7, "last_14d": 14, "last_28d": 28, "last_30d": 30, "last_90d": 90}
PRESETS = (
    *ROLLING,
    "today",
    "yesterday",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
    "last_year",
    "this_week_mon_today",
    "this_week_sun_today",
    "last_week_mon_sun",
    "last_week_sun_sat",
    "maximum",
    "data_maximum",
)


@dataclass(frozen=True)
class Period:
    """Account days from `since` to `until`, both included."""

    since: date
    until: date


def read_periods(params: Params, today: date, first: date) -> list[Period]:
    """Return the parts to report: every one of `time_ranges`, or the period cut by `time_increment`."""
    ranges = params.structure("time_ranges")
    if ranges is None:
        return list(slices(read_period(params, today, first), params))
    if not isinstance(ranges, list) or not ranges or not all(isinstance(span, dict) for span in ranges):
        raise malformed("time_ranges", "an array of objects with since and until")
    return [_explicit(span, today) for span in ranges]


def read_period(params: Params, today: date, first: date) -> Period:
    """Return the asked period; `first` is the first day there is anything of (for `maximum`)."""
    span = params.table("time_range")
    if span is not None:
        return _explicit(span, today)
    preset = params.text("date_preset") or "last_30d"
    if preset not in PRESETS:
        raise not_one_of("date_preset", PRESETS)
    if preset in ("maximum", "data_maximum"):
        return Period(max(first, _oldest(today)), today)
    return _preset(preset, today)


def check_period(params: Params) -> None:
    """Refuse a preset nobody knows and a range that is none, where nothing is reported by them."""
    preset = params.text("date_preset")
    if preset and preset not in PRESETS:
        raise not_one_of("date_preset", PRESETS)
    span = params.table("time_range")
    if span is not None:
        _read_span(span)


def _read_span(span: dict[str, object]) -> Period:
    try:
        period = Period(date.fromisoformat(str(span["since"])), date.fromisoformat(str(span["until"])))
    except (KeyError, ValueError) as error:
        raise malformed("time_range", "an object with since and until as YYYY-MM-DD") from error
    if period.since > period.until:
        raise malformed("time_range", "a range whose since is not after its until")
    return period


def _explicit(span: dict[str, object], today: date) -> Period:
    period = _read_span(span)
    if period.since < _oldest(today):
        raise GraphError(
            f"(#3018) The start date of the time range cannot be beyond {INSIGHTS_MONTHS} months ago", 3018
        )
    return period


def _oldest(today: date) -> date:
    months = today.year * 12 + today.month - 1 - INSIGHTS_MONTHS
    return date(months // 12, months % 12 + 1, min(today.day, 28))


def _preset(preset: str, today: date) -> Period:
    if preset in ROLLING:
        return Period(today - ROLLING[preset] * DAY, today - DAY)
    monday = today - today.weekday() * DAY
    sunday = today - (today.weekday() + 1) % 7 * DAY
    month = today.replace(day=1)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    year = date(today.year, 1, 1)
    table = {
        "today": (today, today),
        "yesterday": (today - DAY, today - DAY),
        "this_week_mon_today": (monday, today),
        "this_week_sun_today": (sunday, today),
        "last_week_mon_sun": (monday - 7 * DAY, monday - DAY),
        "last_week_sun_sat": (sunday - 7 * DAY, sunday - DAY),
        "this_month": (month, today),
        "last_month": ((month - DAY).replace(day=1), month - DAY),
        "this_quarter": (quarter, today),
        "last_quarter": (_quarter_before(quarter), quarter - DAY),
        "this_year": (year, today),
        "last_year": (date(today.year - 1, 1, 1), year - DAY),
    }
    return Period(*table[preset])


def _quarter_before(quarter: date) -> date:
    last = quarter - DAY
    return date(last.year, (last.month - 1) // 3 * 3 + 1, 1)


def slices(period: Period, params: Params) -> Iterator[Period]:
    """Yield the parts of a period by `time_increment` (days, `monthly` or `all_days`)."""
    increment = (params.text("time_increment") or "all_days").strip('"')
    if increment == "all_days":
        yield period
        return
    start = period.since
    while start <= period.until:
        end = min(period.until, _slice_end(start, increment))
        yield Period(start, end)
        start = end + DAY


def _slice_end(start: date, increment: str) -> date:
    if increment == "monthly":
        return (start.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    if not increment.isdigit() or not 1 <= int(increment) <= LONGEST_INCREMENT:
        raise not_one_of("time_increment", ("1..90", "monthly", "all_days"))
    return start + (int(increment) - 1) * DAY
