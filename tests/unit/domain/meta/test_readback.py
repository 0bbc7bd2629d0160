"""Reading back: Meta's wire forms compared with what was asked, and only what Meta shows unchanged."""

from typing import Any

import pytest

from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.readback import READ_FIELDS, differences
from support.wording import english


@pytest.mark.parametrize(
    ("wanted", "read"),
    [
        ({"status": "PAUSED"}, {"status": "PAUSED"}),
        ({"lifetime_budget": 5000}, {"lifetime_budget": "5000"}),
        ({"spend_cap": 40_000}, {"spend_cap": "40000"}),
        ({"end_time": "2026-11-23T09:00:00+00:00"}, {"end_time": "2026-11-23T10:00:00+0100"}),
        ({"start_time": "2026-11-23T09:00:00+00:00"}, {"start_time": "2026-11-23T01:00:00-0800"}),
        ({"end_time": 1_764_000_000}, {"end_time": "2025-11-24T17:00:00+0100"}),
        (
            {"cells": [{"name": "Variant A", "treatment_percentage": 50, "adsets": ["1"]}]},
            {
                "cells": {
                    "data": [
                        {
                            "id": "9",
                            "name": "Variant A",
                            "treatment_percentage": 50.0,
                            "adsets": {"data": [{"id": "1"}]},
                        }
                    ]
                }
            },
        ),
        ({"start_time": 1_764_000_000}, {"start_time": "2025-11-24T16:01:00+0000"}),
        ({"campaign_id": "12"}, {"campaign_id": "12"}),
        ({"targeting": {"age_min": 18}}, {}),
        ({"name": "Summer"}, {"name": "Summer "}),
        ({}, {"status": "ACTIVE"}),
    ],
)
def test_what_means_the_same_is_the_same(wanted: dict[str, Any], read: dict[str, Any]) -> None:
    assert differences(wanted, read) == []


@pytest.mark.parametrize(
    ("wanted", "read", "difference"),
    [
        ({"status": "PAUSED"}, {"status": "ACTIVE"}, "status is ACTIVE, not PAUSED"),
        ({"status": "PAUSED"}, {}, "status is missing, not PAUSED"),
        ({"daily_budget": 5000}, {"daily_budget": "5001"}, "daily_budget is 5001, not 5000"),
        (
            {"end_time": "2026-11-23T09:00:00+00:00"},
            {"end_time": "2026-11-23T09:00:01+0000"},
            "end_time is 2026-11-23T09:00:01+0000, not 2026-11-23T09:00:00+00:00",
        ),
        (
            {"end_time": 1_764_000_000},
            {"end_time": "2025-11-24T16:00:01+0000"},
            "end_time is 2025-11-24T16:00:01",
        ),
        ({"start_time": 1_764_000_000}, {"start_time": "2025-11-24T18:00:00+0000"}, "start_time is "),
        ({"cells": [{"name": "A", "treatment_percentage": 50}]}, {"cells": {"data": []}}, "cells is "),
        (
            {"cells": [{"name": "A", "treatment_percentage": 50, "adsets": ["1"]}]},
            {"cells": {"data": [{"name": "A", "treatment_percentage": 50}]}},
            "cells is ",
        ),
        ({"cells": [{"name": "A", "treatment_percentage": 50}]}, {"cells": "?"}, "cells is ?"),
        ({"cells": [{"name": "A", "treatment_percentage": 50}]}, {"cells": [7]}, "cells is [7]"),
        ({"end_time": 1_764_000_000}, {"end_time": "tomorrow"}, "end_time is tomorrow"),
        ({"spend_cap": 100}, {"spend_cap": "none"}, "spend_cap is none"),
        ({"adset_id": "1"}, {"adset_id": "2"}, "adset_id is 2, not 1"),
        ({"objective": "OUTCOME_SALES"}, {"objective": "OUTCOME_LEADS"}, "objective is OUTCOME_LEADS"),
    ],
)
def test_what_differs_is_said(wanted: dict[str, Any], read: dict[str, Any], difference: str) -> None:
    (found,) = differences(wanted, read)
    assert english(found).startswith(difference)


def test_every_difference_is_said() -> None:
    assert len(differences({"status": "PAUSED", "daily_budget": 1}, {"status": "ACTIVE"})) == 2


@pytest.mark.parametrize("kind", list(READ_FIELDS))
def test_an_object_is_read_with_id_name_and_status(kind: ObjectKind) -> None:
    assert {"id", "name", "status"} <= set(READ_FIELDS[kind])


def test_an_ad_set_is_read_with_all_that_bounds_its_spend() -> None:
    bounds = {"daily_budget", "lifetime_budget", "start_time", "end_time", "status"}
    assert bounds <= set(READ_FIELDS[ObjectKind.AD_SET])
