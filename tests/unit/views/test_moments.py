"""Moments are shown in the account's zone, with its name."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from autopublisher.views.moments import moment_text

NOON = datetime(2026, 12, 1, 12, 0, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-12-01 12:00 UTC"),
        ("Europe/Madrid", "2026-12-01 13:00 CET"),
        ("America/Lima", "2026-12-01 07:00 UTC-05"),
        ("Asia/Kathmandu", "2026-12-01 17:45 UTC+0545"),
    ],
)
def test_a_moment_names_the_zone_it_is_in(zone: str, text: str) -> None:
    assert moment_text(NOON.astimezone(ZoneInfo(zone))) == text
