"""Moments are shown in the account's zone, with its name."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from autopublisher.domain.ids import ActId
from autopublisher.domain.moments import in_zone, moment_text
from autopublisher.views.moments import Zones, zone_for

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


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01 12:00 UTC",
        "2026-12-01 12:00:59+00:00",
        "2026-12-01T12:00:00.5Z",
        "2026-12-01T07:00:00-0500",
        "2026-12-01T13:00:00+01:00",
    ],
)
def test_moments_in_stored_sentences_are_shown_in_the_zone_too(written: str) -> None:
    zone = ZoneInfo("Europe/Madrid")
    assert in_zone(f"The test runs until {written}.", zone) == "The test runs until 2026-12-01 13:00 CET."


def test_a_sentence_without_moments_stays_as_it_is() -> None:
    assert in_zone("Spent 12.00 EUR by 2026-12-01.", UTC) == "Spent 12.00 EUR by 2026-12-01."


MADRID, LIMA = ZoneInfo("Europe/Madrid"), ZoneInfo("America/Lima")
FIRST, SECOND = ActId("act_1"), ActId("act_2")


@pytest.mark.parametrize(
    ("zones", "act_id", "zone"),
    [
        ({FIRST: MADRID, SECOND: LIMA}, SECOND, LIMA),
        ({FIRST: MADRID, SECOND: LIMA}, None, UTC),
        ({FIRST: MADRID, SECOND: MADRID}, None, MADRID),
        ({FIRST: MADRID}, SECOND, UTC),
        ({}, None, UTC),
    ],
)
def test_what_belongs_to_no_account_is_in_the_zone_that_all_share(
    zones: Zones, act_id: ActId | None, zone: tzinfo
) -> None:
    assert zone_for(zones, act_id) is zone
