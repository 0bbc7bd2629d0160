"""A run whose database is older than Meta, as callers and readers see it, and a person's word to adopt."""

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.naming import naming_token
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.reconciliation.found import activation_spec, found_spec
from autopublisher.domain.runs.run import Control, Run, RunStatus
from autopublisher.flows.writes.bookkeeping import Bookkeeping
from autopublisher.messages import Language, words_in
from autopublisher.ports.repositories import Fence

PASSWORD = "correct horse battery"
RUN = "11111111-2222-4333-8444-555555555555"
FINAL = MetaId("120000000000000777")
Headers = dict[str, str]
PutRun = Callable[..., Run]


@pytest.fixture
def held(put_run: PutRun, database: MemoryDatabase, clock: ManualClock) -> Run:
    """A run in its test, while Meta has its final ad set on."""
    run = put_run(status=RunStatus.AB_TESTING)
    name = f"Test Campaign - Final (B) {naming_token(run.id, 'final.adset')}"
    shown = ObjectState.of(
        ObjectKind.AD_SET, FINAL, {"id": FINAL, "name": name, "status": "ACTIVE", "lifetime_budget": "40000"}
    )
    books, fence = Bookkeeping(database.unit_of_work, clock, stretch=175), Fence(run.id, run.version)
    spec = found_spec("final/adset", shown, (), 40_000)
    made = books.found(run, spec, FINAL, fence, shown, sent=False)
    books.found(run, activation_spec(made, [made]), FINAL, fence, sent=False)
    return run


def page_of(app: FastAPI, role: Role, language: str) -> tuple[TestClient, str]:
    browser = TestClient(app, follow_redirects=False)
    form = re.search(r'name="form" value="([0-9a-f]{64})"', browser.get("/login").text)
    assert form is not None
    browser.post("/login", data={"form": form[1], "username": role.value, "password": PASSWORD})
    return browser, browser.get(f"/runs/{RUN}?lang={language}").text


@pytest.mark.usefixtures("held")
def test_its_status_says_what_was_found_and_what_it_can_spend(client: TestClient, manager: Headers) -> None:
    older = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["older"]
    (found,) = older["objects"]
    assert (found["key"], found["kind"], found["meta_id"], found["status"]) == (
        "final/adset",
        "adset",
        FINAL,
        "ACTIVE",
    )
    assert (found["spent"], found["possible"], older["currency"]) == (0.0, 400.0, "EUR")
    assert older["sentence"] == "this database is older than what Meta shows"
    assert older["adopt"] == f"/meta/autopilot/runs/{RUN}/adopt"


@pytest.mark.usefixtures("put_run")
def test_a_run_that_is_not_held_has_nothing_to_adopt(
    client: TestClient, put_run: PutRun, manager: Headers
) -> None:
    put_run(status=RunStatus.AB_TESTING)
    assert client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["older"] is None
    answer = client.post(f"/meta/autopilot/runs/{RUN}/adopt", json={"found_digest": "0"}, headers=manager)
    assert answer.status_code == 409


def test_a_word_to_adopt_is_kept_for_the_next_tick(
    held: Run, client: TestClient, database: MemoryDatabase, manager: Headers
) -> None:
    digest = client.get(f"/meta/autopilot/status/{RUN}", headers=manager).json()["older"]["found_digest"]
    wrong = client.post(f"/meta/autopilot/runs/{RUN}/adopt", json={"found_digest": "f" * 16}, headers=manager)
    right = client.post(f"/meta/autopilot/runs/{RUN}/adopt", json={"found_digest": digest}, headers=manager)
    assert (wrong.status_code, right.status_code) == (409, 202)
    with database.unit_of_work() as unit:
        run = unit.runs.get(RunId(held.id))
    assert (run.control, run.control_by, run.adopts) == (Control.ADOPT, "manager", digest)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_only_managers_and_admins_may_adopt(
    client: TestClient, bearer: Callable[[Role], Headers], role: Role
) -> None:
    answer = client.post(
        f"/meta/autopilot/runs/{RUN}/adopt", json={"found_digest": "0"}, headers=bearer(role)
    )
    assert answer.status_code == 403


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("language", ["en", "es"])
def test_its_page_shows_what_was_found_in_the_readers_language(app: FastAPI, language: Language) -> None:
    _, page = page_of(app, Role.ADMIN, language)
    words = words_in(language)
    assert words["database_older"] in page
    assert words["older_adopt"] in page
    assert FINAL in page
    assert "40,000" not in page
    assert ("400.00 EUR" if language == "en" else "400,00 EUR") in page


@pytest.mark.usefixtures("held")
def test_a_button_on_its_page_adopts(app: FastAPI, database: MemoryDatabase) -> None:
    browser, page = page_of(app, Role.MANAGER, "en")
    form, digest = (re.search(rf'name="{name}" value="([0-9a-f]+)"', page) for name in ("form", "digest"))
    assert form is not None
    assert digest is not None
    browser.post(f"/runs/{RUN}/adopt", data={"form": form[1], "digest": digest[1]})
    with database.unit_of_work() as unit:
        assert unit.runs.get(RunId(RUN)).control is Control.ADOPT
