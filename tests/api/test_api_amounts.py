"""Money over HTTP: read from the digits as they were written, or refused by field."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.ids import RunId

Headers = dict[str, str]


def ask_with_total(client: TestClient, manager: Headers, body: dict[str, Any], total: str) -> Any:
    text = json.dumps(body).replace('"total_budget": 500.0', f'"total_budget": {total}')
    headers = manager | {"Content-Type": "application/json"}
    return client.post("/meta/autopilot/run", content=text.encode(), headers=headers)


@pytest.mark.parametrize(
    ("digits", "stored"),
    [
        ("500.0", "500"),
        ("500", "500"),
        ("100.10", "100.1"),
        ("1e3", "1000"),
        ("500.000000", "500"),
        ("100.29", "100.29"),
    ],
)
def test_amounts_are_stored_from_their_digits(
    *,
    client: TestClient,
    database: MemoryDatabase,
    manager: Headers,
    body: dict[str, Any],
    digits: str,
    stored: str,
) -> None:
    run_id = ask_with_total(client, manager, body, digits).json()["run_id"]
    with database.unit_of_work() as unit:
        assert str(unit.runs.get(RunId(run_id)).request.budget_config.total_budget) == stored


@pytest.mark.parametrize(
    "total",
    [
        '"500"',
        "true",
        "null",
        "[500]",
        "1e400",
        "-1e400",
        "123456789012345678",
        "0.1234567890123",
        "1e-99999",
        "500.001",
    ],
)
def test_what_is_no_amount_is_refused_by_field(
    client: TestClient, manager: Headers, body: dict[str, Any], total: str
) -> None:
    answer = ask_with_total(client, manager, body, total)
    fields = {one["field"] for one in answer.json()["errors"]}
    assert (answer.status_code, "budget_config.total_budget" in fields) == (422, True)


@pytest.mark.parametrize(
    "total", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999", "1" * 5000, "0x10"]
)
def test_what_json_does_not_define_is_no_json(
    client: TestClient, manager: Headers, body: dict[str, Any], total: str
) -> None:
    assert ask_with_total(client, manager, body, total).status_code == 400


@pytest.mark.parametrize("count", [True, "2", 2.5, 1e300])
def test_what_is_no_whole_number_is_refused(
    client: TestClient, manager: Headers, body: dict[str, Any], count: object
) -> None:
    wrong = body | {"ab_test_config": body["ab_test_config"] | {"variants_count": count}}
    answer = client.post("/meta/autopilot/run", json=wrong, headers=manager)
    assert answer.json()["errors"][0]["field"] == "ab_test_config.variants_count"
