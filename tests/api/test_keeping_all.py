"""Keeping all by the API and on the page: no variant is named, and nobody is selected."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.test_worth import SAID
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.runs.run import Run, Way
from autopublisher.ports.repositories import Fence

PutRun = Callable[..., Run]
Bearer = Callable[[Role], dict[str, str]]


@pytest.fixture
def tied(database: MemoryDatabase, put_run: PutRun) -> Run:
    """Return a run that waits for a person with two arms of which none is ahead."""
    waiting = put_run().release
    run = put_run(
        "22222222-2222-4333-8444-555555555555", release=replace(waiting, winner=None, is_proven=False)
    )
    with database.unit_of_work() as unit:
        latest = unit.decisions.latest([run.id])[run.id]
        verdict = json.dumps(json.loads(latest.verdict) | {"winner": None})
        money = json.dumps(SAID | {"choice": "keep_split"})
        unit.decisions.add(replace(latest, sequence=2, kind="keep_all", verdict=verdict, money=money))
        for number, letter in enumerate("AB", 1):
            key = f"test/{letter.lower()}/adset"
            spec = OperationSpec(key, Action.CREATE, ObjectKind.AD_SET, {}, variant=letter, reserves=50_00)
            row = Operation(RunOwner(run.id), number, spec, OperationState.INTENDED, run.created_at)
            unit.journal.intend(row, Fence(run.id, run.version))
        unit.commit()
    return run


def test_an_operator_keeps_all_by_the_api_and_nobody_is_selected(
    client: TestClient, bearer: Bearer, tied: Run
) -> None:
    asked = {"run_id": tied.id, "way": "keep_all"}
    headers = bearer(Role.OPERATOR)
    answer = client.post("/meta/autopilot/publish-winner", json=asked, headers=headers)
    assert answer.is_success, answer.text
    released = answer.json()["approval"]["released"]
    assert (released["variant_id"], released["way"], released["override"]) == (None, "keep_all", False)
    assert answer.json()["winner_selection"] is None
    named = {**asked, "variant_id": "B"}
    assert client.post("/meta/autopilot/publish-winner", json=named, headers=headers).status_code == 422
    other = {"run_id": tied.id, "variant_id": "B"}
    assert client.post("/meta/autopilot/publish-winner", json=other, headers=headers).status_code == 409


def test_one_variant_is_an_override_where_keeping_all_is_recommended(
    client: TestClient, bearer: Bearer, tied: Run
) -> None:
    asked = {"run_id": tied.id, "variant_id": "B", "comment": "taste"}
    answer = client.post("/meta/autopilot/publish-winner", json=asked, headers=bearer(Role.OPERATOR))
    assert answer.status_code == 403


def test_the_page_keeps_all_by_one_choice(app: FastAPI, database: MemoryDatabase, tied: Run) -> None:
    browser = TestClient(app, follow_redirects=False)
    form = re.findall(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)[0]
    given = {"form": form, "username": Role.OPERATOR.value, "password": "correct horse battery"}
    browser.post("/login", data=given)
    page = browser.get(f"/approvals/{tied.id}").text
    form, digest = (re.findall(f'name="{name}" value="([0-9a-f]+)"', page)[-1] for name in ("form", "digest"))
    chosen = {"form": form, "digest": digest, "variant": "keep_all", "way": "scaled"}
    assert browser.post(f"/approvals/{tied.id}", data=chosen).status_code == 303
    with database.unit_of_work() as unit:
        release = unit.runs.get(tied.id).release
    assert release.approval is not None
    assert (release.approval.variant, release.way, release.winner) == (None, Way.KEEP_ALL, None)
    assert "All variants kept" in browser.get(f"/approvals/{tied.id}", headers={"Accept-Language": "en"}).text
