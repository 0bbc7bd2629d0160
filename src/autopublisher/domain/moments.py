"""Moments as people read them: to the minute, with the name of the zone they are in; the same in every language."""

import re
from datetime import datetime, tzinfo

_IN_SENTENCES = re.compile(
    r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?([+-]\d{2}:?\d{2}|Z| UTC)"
)
"""How stored sentences write moments, to the minute or finer: ours in UTC, Meta's with the account's offset."""


def moment_text(at: datetime) -> str:
    """Write a moment in the zone it carries, such as ``2026-12-01 09:00 CET``; a zone without a name by its offset."""
    name = at.tzname() or "UTC"
    return f"{at:%Y-%m-%d %H:%M} {name if name[0].isalpha() else f'UTC{name}'}"


def in_zone(sentence: str, zone: tzinfo) -> str:
    """Return a stored sentence with its moments in a zone."""
    return _IN_SENTENCES.sub(
        lambda found: moment_text(
            datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].replace(' UTC', 'Z')}").astimezone(zone)
        ),
        sentence,
    )
