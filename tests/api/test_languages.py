"""Whoever calls reads what is wrong in their language; an answer says in which it is."""

import pytest
from fastapi.testclient import TestClient

STATUS = "/meta/autopilot/status/nothing"


@pytest.mark.parametrize(
    ("accepted", "language", "detail"),
    [
        (None, "en", "Run nothing was not found."),
        ("fr, es-AR;q=0.8, en;q=0.5", "es", "No se encontró la ejecución nothing."),
    ],
)
def test_an_error_is_told_in_the_callers_language(
    client: TestClient, manager: dict[str, str], accepted: str | None, language: str, detail: str
) -> None:
    asked = {} if accepted is None else {"Accept-Language": accepted}
    answer = client.get(STATUS, headers=manager | asked)
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"


def test_a_wrong_field_is_told_in_the_callers_language(client: TestClient, manager: dict[str, str]) -> None:
    told = client.get("/meta/autopilot/runs?limit=0", headers=manager | {"Accept-Language": "es"}).json()
    assert told["detail"] == "limit: Debe ser mayor o igual que 1"
    assert told["errors"][0]["remedy"] == "Dé 1 o más."


def test_the_briefs_own_messages_are_the_same_in_every_language(
    client: TestClient, manager: dict[str, str]
) -> None:
    asked = manager | {"Accept-Language": "es"}
    told = client.get("/meta/creatives?meta_account_id=none", headers=asked).json()
    assert told["detail"] == "Meta account not found"
    assert told["remedy"].startswith("Compruebe que existe meta_account_id")


def test_a_runs_log_is_told_in_the_callers_language_with_its_codes_beside(
    client: TestClient, manager: dict[str, str], body: dict[str, object]
) -> None:
    asked = manager | {"Accept-Language": "es"}
    told = client.post("/meta/autopilot/run", json=body, headers=asked).json()
    (line,), (event,) = told["logs"], told["events"]
    assert line.endswith(f"Ejecución solicitada: {told['campaign_name']}")
    assert (event["code"], event["params"]) == ("run.submitted", {"name": told["campaign_name"]})
    assert told["attention_code"] is None
    assert [one["code"] for one in told["warning_codes"]]
    assert len(told["warnings"]) == len(told["warning_codes"])
