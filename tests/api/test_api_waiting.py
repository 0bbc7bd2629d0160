"""``Prefer: wait``: an answer is held until the run rests, for as long as was asked, by as many as there are places."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.app import create_app
from autopublisher.api.services import Services
from autopublisher.api.waiting import Patience
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.repositories import RunFilter

RUN = "11111111-2222-4333-8444-555555555555"
Headers = dict[str, str]
PutRun = Callable[..., Run]


def change(database: MemoryDatabase, run_id: str, **changes: Any) -> None:
    """Move a stored run on, as a tick would."""
    with database.unit_of_work() as unit:
        run = unit.runs.get(RunId(run_id))
        unit.runs.save(replace(run, version=run.version + 1, **changes), was=run.version)
        unit.commit()


def complete_all(database: MemoryDatabase) -> None:
    """Let every run end well."""
    with database.unit_of_work() as unit:
        found = unit.runs.find(RunFilter())
    for run in found:
        change(database, run.id, status=RunStatus.COMPLETED, next_tick_at=None)


def impatient(services: Services, pause: Callable[[float], None], places: int = 1) -> TestClient:
    """Return a client of an application whose waits last as long as ``pause`` counts."""
    seconds = [0.0]

    def tick(length: float) -> None:
        seconds[0] += length
        pause(length)

    patience = Patience(places=places, pause=tick, stopwatch=lambda: seconds[0])
    return TestClient(create_app(replace(services, patience=patience)))


def test_who_prefers_to_wait_gets_the_finished_run(
    services: Services, database: MemoryDatabase, manager: Headers, body: dict[str, Any]
) -> None:
    client = impatient(services, lambda _: complete_all(database))
    answer = client.post("/meta/autopilot/run", json=body, headers=manager | {"Prefer": "wait=30"})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.headers["Preference-Applied"] == "wait=30"


def test_a_wait_that_ends_before_the_run_gives_202(
    services: Services, manager: Headers, body: dict[str, Any]
) -> None:
    client = impatient(services, lambda _: None)
    answer = client.post("/meta/autopilot/run", json=body, headers=manager | {"Prefer": "wait=2"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=2")


def test_a_longer_wait_than_a_minute_is_cut(
    services: Services, manager: Headers, body: dict[str, Any]
) -> None:
    client = impatient(services, lambda _: None)
    answer = client.post(
        "/meta/autopilot/run", json=body, headers=manager | {"Prefer": "respond-async, wait=900"}
    )
    assert answer.headers["Preference-Applied"] == "wait=60"


def test_where_nobody_more_can_wait_the_answer_comes_at_once(
    services: Services, manager: Headers, body: dict[str, Any]
) -> None:
    client = impatient(services, lambda _: pytest.fail("waited"), places=0)
    answer = client.post("/meta/autopilot/run", json=body, headers=manager | {"Prefer": "wait=30"})
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (202, False)


def test_a_run_that_waits_for_approval_rests(services: Services, put_run: PutRun, manager: Headers) -> None:
    put_run()
    client = impatient(services, lambda _: pytest.fail("waited"))
    answer = client.get(f"/meta/autopilot/status/{RUN}", headers=manager | {"Prefer": "wait=30"})
    assert answer.json()["status"] == "waiting_approval"


def test_an_approved_run_no_longer_rests(
    services: Services, database: MemoryDatabase, put_run: PutRun, manager: Headers
) -> None:
    put_run()
    client = impatient(services, lambda _: complete_all(database))
    answer = client.post(
        "/meta/autopilot/publish-winner", json={"run_id": RUN}, headers=manager | {"Prefer": "wait=30"}
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
