"""The kill switch with a database that cannot be written: Meta is quiet all the same, and nothing is forgotten."""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import Result

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.bootstrap import Product, Work
from autopublisher.domain.access import Role
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import legacy
from autopublisher.settings import Settings, StubClock
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.command import Prompt
from support.disks import Disk, disk_at
from support.installation import free_port

pytestmark = pytest.mark.slow

ACT = ActId("act_123456789")
PATIENCE_SECONDS = 60.0


class World:
    """An installation on a disk of its own, its Meta elsewhere, and one campaign of ours that is on."""

    def __init__(self, disk: Disk, meta: SdkMetaAds, url: str) -> None:
        self.disk = disk
        self.home = disk.folder / "home"
        self.home.mkdir()
        self.meta = meta
        self.campaign = meta.create(
            ACT,
            ObjectKind.CAMPAIGN,
            {
                "name": "Shoes [ap-0123456789abcdef-a.campaign]",
                "objective": "OUTCOME_SALES",
                "special_ad_categories": [],
                "is_adset_budget_sharing_enabled": False,
                "status": "ACTIVE",
            },
        )
        self.settings = Settings(
            auto_publisher_home=self.home, meta_graph_url=url, stub_clock=StubClock.MANUAL
        )
        self.variables = {
            "AUTO_PUBLISHER_HOME": str(self.home),
            "META_GRAPH_URL": url,
            "STUB_CLOCK": "manual",
        }
        self.command("account", "add", ACT)

    @property
    def state(self) -> str:
        return str(self.meta.read(ObjectKind.CAMPAIGN, MetaId(self.campaign), ("id", "status")).status)

    @property
    def notes(self) -> list[Path]:
        return list((self.home / "emergency").glob("*.jsonl"))

    def command(self, *arguments: str, **variables: str) -> Result:
        """Run a command of the product."""
        return Prompt(self.disk.folder).run(*arguments, **(self.variables | variables))

    def stop(self, *scope: str, **variables: str) -> Result:
        return self.command("stop", *scope, "--reason", "wrong price", "-o", "json", **variables)

    def stops(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.command("stops", "-o", "json").stdout)
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with (
        SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator,
        disk_at(tmp_path / "disk") as disk,
        SimulatedClock(simulator.url) as clock,
        SdkMetaAds(Credentials("stub-token"), clock, simulator.url) as meta,
    ):
        yield World(disk, meta, simulator.url)


@dataclass(frozen=True)
class Server:
    """The product and somebody who asks it."""

    product: Product
    client: TestClient


def _full(world: World, _: Server | None = None) -> None:
    world.disk.fill()


def _full_for_good(world: World, server: Server) -> None:
    """Fill the disk until the database, which goes on within the room it has, takes nothing any more."""
    _full(world)
    with suppress(UnavailableError):
        while True:
            with server.product.outside.open_unit() as unit:
                unit.prove_writable()
                events = [
                    Event(server.product.services.clock.now(), "test:disk:filled", "test", legacy("x" * 2000))
                ]
                unit.observations.add_events(events)
                unit.commit()


def _read_only(world: World) -> None:
    logging.shutdown()  # a disk with a file open for writing cannot be made read-only
    world.disk.protect()


def _gone(world: World, _: Server | None = None) -> None:
    for file in world.home.glob("autopublisher.db*"):
        file.unlink()


@pytest.mark.parametrize("breaks", [_full, _read_only, _gone])
@pytest.mark.parametrize("scope", [("--all",), ("--account", ACT), ("--account", "123456789")])
def test_the_command_line_stops_whatever_has_become_of_the_database(
    world: World, breaks: Callable[[World], None], scope: tuple[str, ...]
) -> None:
    breaks(world)
    done = world.stop(*scope)
    assert world.state == "PAUSED", done.stderr
    assert done.exit_code == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    (account,) = report["accounts"]
    assert [(one["meta_id"], one["state"]) for one in account["objects"]] == [(world.campaign, "PAUSED")]
    assert "taken into the database as soon as it can be written" in report["unrecorded"]


def test_a_full_disk_is_named_and_the_notes_find_room(world: World) -> None:
    _full(world)
    done = world.stop("--all")
    assert "disk" in json.loads(done.stdout)["unrecorded"]
    if world.disk.mounted:
        assert len(world.notes) == 1


def test_a_disk_that_takes_nothing_gets_its_notes_on_the_terminal(world: World) -> None:
    _read_only(world)
    done = world.stop("--all")
    assert '"note": "pausing"' in done.stderr
    assert world.campaign in done.stderr


def test_postgresql_that_has_stopped_keeps_nothing_on(world: World) -> None:
    done = world.stop("--all", DATABASE_URL=f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/none")
    assert (done.exit_code, world.state) == (0, "PAUSED"), done.stderr


def test_postgresql_that_never_answers_keeps_nothing_on(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        done = world.stop("--all", DATABASE_URL=f"postgresql://nobody:nothing@127.0.0.1:{port}/none")
    assert (done.exit_code, world.state) == (0, "PAUSED"), done.stderr


def test_accounts_that_no_file_names_are_those_that_meta_lists(world: World) -> None:
    _gone(world)
    (world.home / "accounts.json").unlink()
    assert world.stop("--all").exit_code == 0
    assert world.state == "PAUSED"


def test_the_stop_is_in_the_database_once_that_can_be_written_again(world: World) -> None:
    _gone(world)
    world.stop("--all")
    assert len(world.notes) == 1
    with Product(world.settings, Work.NONE):  # whatever starts the product takes the notes in
        assert world.notes == []
    (listed,) = world.stops()
    assert (listed["holds"], listed["reason"]) == ("yes", "wrong price")


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    """The product over HTTP, in this process, with an admin who has shown a token before."""
    product = Product(world.settings, Work.NONE)
    with product, TestClient(product.app()) as client:
        people = product.services.people
        people.add_user("ana", "correct horse battery", Role.ADMIN)
        token = people.issue_token(people.user("ana"), "test", None)
        client.headers["Authorization"] = f"Bearer {token}"
        client.get("/auth/me").raise_for_status()
        yield Server(product, client)


@pytest.mark.parametrize("breaks", [_full_for_good, _gone])
def test_a_server_stops_over_http_whatever_has_become_of_its_database(
    world: World, server: Server, breaks: Callable[[World, Server], None]
) -> None:
    breaks(world, server)
    answer = server.client.post("/meta/autopilot/stop", json={"all": True, "reason": "wrong price"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["unrecorded"]
    assert world.state == "PAUSED"


def test_the_dashboards_button_works_without_the_database(world: World, server: Server) -> None:
    server.client.cookies.set("ap_session", server.client.headers["Authorization"].removeprefix("Bearer "))
    page = server.client.get("/stops")
    form = page.text.partition('name="form" value="')[2].partition('"')[0]
    _gone(world, server)
    assert "Stop everything" in server.client.get("/stops").text
    sent = {"form": form, "reason": "wrong price", "sure": "true"}
    shown = server.client.post("/stops", data=sent)
    assert (shown.status_code, world.state) == (200, "PAUSED")
    assert "The database has not taken this stop yet" in shown.text


def test_a_full_disk_is_named_in_the_health_report_and_by_the_doctor(world: World, server: Server) -> None:
    _full_for_good(world, server)
    details = server.client.get("/meta/autopilot/health").json()["details"]
    assert "the disk" in details["database"]
    lines = {one["check"]: one for one in json.loads(world.command("doctor", "-o", "json").stdout)}
    assert (lines["database"]["state"], "the disk" in lines["database"]["finding"]) == ("fail", True)


def test_a_stop_that_cannot_be_made_true_by_the_journal_is_made_true_without(
    world: World, server: Server
) -> None:
    server.client.post("/meta/autopilot/stop", json={"all": True, "reason": "wrong price"})
    assert world.state == "ACTIVE"  # nobody runs ticks here
    _full_for_good(world, server)
    assert until(lambda: world.state == "PAUSED")


def test_a_running_server_takes_the_stop_in_once_there_is_room(world: World, server: Server) -> None:
    _full_for_good(world, server)
    server.client.post("/meta/autopilot/stop", json={"all": True, "reason": "wrong price"})
    assert len(world.notes) == 1
    world.disk.free()
    assert until(lambda: not world.notes)
    (stop,) = server.client.get("/meta/autopilot/stops").json()["stops"]
    assert (stop["holds"], stop["unrecorded"], stop["by"]) == (True, "", "ana")


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true() and time.monotonic() < deadline:
        time.sleep(0.2)
    return true()
