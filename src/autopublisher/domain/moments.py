"""Moments as people read them: to the minute, with the name of the zone they are in; the same in every language."""

from datetime import datetime


def moment_text(at: datetime) -> str:
    """Write a moment in the zone it carries, such as ``2026-12-01 09:00 CET``; a zone without a name by its offset."""
    name = at.tzname() or "UTC"
    return f"{at:%Y-%m-%d %H:%M} {name if name[0].isalpha() else f'UTC{name}'}"
