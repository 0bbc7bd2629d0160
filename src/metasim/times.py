"""Moments as integer microseconds since the epoch, and their spelling on the wire.

Integers keep the market exact; Meta writes `2026-11-22T10:00:00-0800` in the account's time zone.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
STEP = 15 * MINUTE
UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
DAY_WORDS = {"today": 0, "midnight": 0, "tomorrow": 1, "yesterday": -1}
_RELATIVE = re.compile(rf"([+-]?) ?(\d{{1,6}}) ({'|'.join(UNITS)})s?")
_LOST_PLUS = re.compile(r"(\d[Tt ]\d\S*) (\d{2}:?\d{2})$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Return an aware datetime as microseconds since the epoch, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Return microseconds since the epoch as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=us)


def iso_utc(us: int) -> str:
    """Spell a moment as ISO 8601 in UTC with microseconds."""
    return to_datetime(us).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_iso(text: str, zone: ZoneInfo | None = None) -> int:
    """Read an ISO 8601 moment; without an offset it is in `zone` (UTC if none). Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone or UTC)
    return to_us(moment)


def parse_moment(value: object, zone: ZoneInfo, now_us: int) -> int:
    """Read what Meta accepts as a time. Raises ValueError.

    That is Unix seconds (number or digits), ISO 8601, where a `+` that a form turned into a space is one, and a
    few of PHP's words: `now`, `today`, `tomorrow`, `yesterday`, `+3 days`.
    """
    text = str(value).strip()
    if text.lstrip("-").isdigit():
        return int(text) * SECOND
    if (words := _RELATIVE.fullmatch(text.lower())) is not None:
        return now_us + int(words[1] + words[2]) * UNITS[words[3]]
    if text.lower() in DAY_WORDS:
        return day_start(local_day(now_us, zone) + timedelta(days=DAY_WORDS[text.lower()]), zone)
    return now_us if text.lower() == "now" else parse_iso(_LOST_PLUS.sub(r"\1+\2", text), zone)


def meta_time(us: int, zone: ZoneInfo) -> str:
    """Spell a moment the way the Graph API reads times back, in the account's time zone."""
    return to_datetime(us).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def local_day(us: int, zone: ZoneInfo) -> date:
    """Return the account's calendar day of a moment."""
    return date.fromordinal(_EPOCH_DAY + (us + local_offset(us, zone)) // DAY)


def day_name(us: int, zone: ZoneInfo) -> str:
    """Return the account's calendar day of a moment in ISO 8601."""
    return _day_of_step(us // STEP, zone)


@lru_cache(maxsize=4096)
def _day_of_step(step: int, zone: ZoneInfo) -> str:
    """Return the day of a quarter hour: no zone begins a day within one."""
    return local_day(step * STEP, zone).isoformat()


def local_offset(us: int, zone: ZoneInfo) -> int:
    """Return the zone's offset from UTC at a moment, in microseconds."""
    return _offset_in_step(us // STEP, zone)


@lru_cache(maxsize=4096)
def _offset_in_step(step: int, zone: ZoneInfo) -> int:
    """Return the offset of a quarter hour: no zone changes its offset within one."""
    us = step * STEP
    offset = to_datetime(us).astimezone(zone).utcoffset() or timedelta()
    return offset // _MICROSECOND


def day_start(day: date, zone: ZoneInfo) -> int:
    """Return the moment at which a calendar day begins in a time zone."""
    return to_us(datetime(day.year, day.month, day.day, tzinfo=zone))


def floor_step(us: int) -> int:
    """Return the last quarter hour at or before a moment."""
    return us - us % STEP
