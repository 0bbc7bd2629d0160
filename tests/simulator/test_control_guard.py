"""Who may use the simulator's controls."""

import pytest
from starlette.testclient import TestClient

from metasim.app import create_app
from metasim.config import SimulatorConfig

TOKEN = "a token of 24 random bytes"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
READS = ["clock", "truth", "objects", "requests", "exposure", "faults", ""]


@pytest.fixture(scope="module")
def guarded() -> TestClient:
    return TestClient(create_app(SimulatorConfig(control_token=TOKEN)), base_url="http://127.0.0.1:4000")


@pytest.fixture(scope="module")
def unannounced() -> TestClient:
    return TestClient(create_app(SimulatorConfig()), base_url="http://localhost:4000")


@pytest.mark.parametrize("path", READS)
def test_the_token_opens_them_and_nothing_else_does(guarded: TestClient, path: str) -> None:
    asked = [{}, {"Authorization": "Bearer x"}, BEARER]
    assert [guarded.get(f"/_sim/{path}", headers=one).status_code for one in asked] == [401, 401, 200]


def test_a_person_may_open_the_page_by_its_address(guarded: TestClient) -> None:
    assert guarded.get("/_sim/", params={"token": TOKEN}).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "clock"), ("POST", "faults"), ("DELETE", "faults")])
def test_nothing_is_changed_without_it(guarded: TestClient, method: str, path: str) -> None:
    answer = guarded.request(method, f"/_sim/{path}", params={"token": TOKEN}, json={"advance_seconds": 60})
    assert answer.status_code == 401


def test_anybody_here_may_ask_whether_it_lives(guarded: TestClient) -> None:
    assert guarded.get("/_sim/health").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:4000", ""])
def test_a_foreign_name_for_this_machine_is_refused(
    guarded: TestClient, unannounced: TestClient, host: str
) -> None:
    assert guarded.get("/_sim/clock", headers=BEARER | {"Host": host}).status_code == 403
    assert unannounced.get("/_sim/health", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:5000", "null"])
def test_another_sites_page_is_refused(unannounced: TestClient, origin: str) -> None:
    order = {"advance_seconds": 60}
    asked = unannounced.post("/_sim/clock", json=order, headers={"Origin": origin})
    assert asked.status_code == 403


@pytest.mark.parametrize("host", ["localhost:4000", "127.0.0.1:4000", "[::1]:4000", "LOCALHOST"])
def test_this_machine_is_known_by_its_names(unannounced: TestClient, host: str) -> None:
    assert unannounced.get("/_sim/clock", headers={"Host": host}).status_code == 200
