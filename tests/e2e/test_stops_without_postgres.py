"""The kill switch of a server whose PostgreSQL has stopped, or has frozen and answers nothing."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import make_url

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.bootstrap import Product, Work
from autopublisher.domain.access import Role
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.settings import Settings, StubClock
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.cut_line import Line, line_to

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

ACT = ActId("act_123456789")
PATIENCE_SECONDS = 60.0
CAMPAIGN = {
    "name": "Shoes [ap-0123456789abcdef-a.campaign]",
    "objective": "OUTCOME_SALES",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
    "status": "ACTIVE",
}


@dataclass(frozen=True)
class World:
    """A server, the line to its database, and one campaign of ours that is on."""

    line: Line
    client: TestClient
    meta: SdkMetaAds
    campaign: MetaId

    @property
    def state(self) -> str:
        return str(self.meta.read(ObjectKind.CAMPAIGN, self.campaign, ("id", "status")).status)


@pytest.fixture
def world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    address = make_url(postgres_url)
    with (
        SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator,
        SimulatedClock(simulator.url) as clock,
        SdkMetaAds(Credentials("stub-token"), clock, simulator.url) as meta,
        line_to(address.host or "127.0.0.1", address.port or 5432) as line,
    ):
        through = address.set(host="127.0.0.1", port=line.port)
        settings = Settings(
            auto_publisher_home=tmp_path,
            meta_graph_url=simulator.url,
            stub_clock=StubClock.MANUAL,
            database_url=SecretStr(through.render_as_string(hide_password=False)),
        )
        campaign = meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)
        product = Product(settings, Work.NONE)
        with product, TestClient(product.app()) as client:
            product.services.accounts.register(ACT)
            people = product.services.people
            people.add_user("ana", "correct horse battery", Role.OPERATOR)
            token = people.issue_token(people.user("ana"), "test", None)
            client.headers["Authorization"] = f"Bearer {token}"
            client.get("/auth/me").raise_for_status()
            yield World(line, client, meta, campaign)
            line.mend()


@pytest.mark.parametrize("breaks", [Line.cut, Line.silence])
def test_a_stop_pauses_at_meta_and_is_stored_once_the_database_is_back(
    world: World, breaks: Callable[[Line], None]
) -> None:
    breaks(world.line)
    answer = world.client.post("/meta/autopilot/stop", json={"all": True, "reason": "wrong price"})
    assert (answer.status_code, world.state) == (202, "PAUSED"), answer.text
    assert answer.json()["unrecorded"]
    world.line.mend()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _unrecorded(world) != [""] and time.monotonic() < deadline:
        time.sleep(0.5)
    assert _unrecorded(world) == [""]


def test_somebody_who_was_never_here_stops_nothing(world: World) -> None:
    world.line.cut()
    world.client.headers["Authorization"] = "Bearer ap_made_up"
    answer = world.client.post("/meta/autopilot/stop", json={"all": True, "reason": "mischief"})
    assert (answer.status_code, world.state) == (503, "ACTIVE")


def _unrecorded(world: World) -> list[str]:
    answer = world.client.get("/meta/autopilot/stops")
    return [one["unrecorded"] for one in answer.json()["stops"]] if answer.is_success else []
