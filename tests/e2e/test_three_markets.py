"""The brief's request in a poor, a usual and a rich market, in both modes, from its plan to settlement by the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.tokens import MemoryTokens
from autopublisher.adapters.memory.work import MemoryWorker
from autopublisher.api.app import create_app
from autopublisher.api.schemas import EXAMPLE_REQUEST
from autopublisher.api.services import Services
from autopublisher.domain.access import Role
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.account_memory import AccountMemories
from autopublisher.flows.requests.accounts import Accounts
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.requests.monitor import Monitor
from autopublisher.flows.requests.people import People
from autopublisher.flows.requests.planner import Planner
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.writes.money_gate import MoneyGate
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import ACCOUNT, CREATIVES, Machine, make_machine

pytestmark = pytest.mark.slow  # whole runs over the simulator

MARKETS = {"poor": "cvr = 0.015", "usual": "cvr = 0.045", "rich": "cvr = 0.4"}
TOTAL, PASSWORD = 500_00, "a long password"


@dataclass(frozen=True)
class Buyer:
    """A manager who speaks to the API over a machine, and lets time pass."""

    machine: Machine
    client: TestClient

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def post(self, path: str, body: dict[str, Any], status: int, **params: str) -> dict[str, Any]:
        answer = self.client.post(path, json=body, params=params)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def status(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/meta/autopilot/status/{run_id}")


@pytest.fixture(params=MARKETS)
def buyer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Buyer]:
    usual = (files("metasim") / "scenarios" / "usual.toml").read_text("utf-8")
    assert MARKETS["usual"] in usual
    scenario = tmp_path / "market.toml"
    scenario.write_text(usual.replace(MARKETS["usual"], MARKETS[request.param]), "utf-8")
    with SimulatorThread(SimulatorConfig(scenario=str(scenario), seed=7)) as simulator:
        machine = make_machine(simulator.url)
        services = services_over(machine)
        token = services.people.issue_token(services.people.user("manager"), "test", timedelta(days=365))
        headers = {"Authorization": f"Bearer {token}"}
        with TestClient(create_app(services), headers=headers) as client:
            yield Buyer(machine, client)
        machine.meta.close()
        machine.clock.close()


def services_over(machine: Machine) -> Services:
    open_unit, clock = machine.database.unit_of_work, machine.clock
    people = People(open_unit, clock, MemoryTokens(b"one key for all"), MemoryPasswords())
    people.add_user("manager", PASSWORD, Role.MANAGER)
    return Services(
        intake=machine.intake,
        planner=Planner(open_unit, machine.intake, clock, timedelta(hours=1)),
        approvals=machine.approvals,
        reports=machine.reports,
        people=people,
        accounts=Accounts(open_unit, machine.meta, machine.storage, clock),
        monitor=Monitor(open_unit, clock, MemoryWorker(machine.queue), mode="stub", enabled=True),
        exposures=Exposures(open_unit, clock, MoneyGate()),
        memories=AccountMemories(open_unit),
        stops=Stops(open_unit, clock, machine.queue),
        clock=clock,
        enabled=True,
        mode="stub",
        version="0",
    )


@pytest.mark.parametrize("mode", ["prove", "money"])
def test_the_briefs_request_goes_from_its_plan_to_the_last_settled_cent(buyer: Buyer, mode: str) -> None:
    machine = buyer.machine
    asked = EXAMPLE_REQUEST | {"meta_account_id": ACCOUNT, "creative_ids": list(CREATIVES[:2])}
    asked["ab_test_config"] = {**asked["ab_test_config"], "decision_mode": mode, "same_offer": True}

    planned = buyer.post("/meta/autopilot/plan", asked, 200)
    assert planned["money"]["total_at_worst"] * 100 == TOTAL
    started = buyer.post("/meta/autopilot/run", asked, 202, plan_digest=planned["digest"])
    run_id = started["run_id"]
    money = partial(machine.exposure, RunId(run_id))

    began = machine.clock.now()
    machine.drive(RunId(run_id), RunStatus.WAITING_APPROVAL)
    waited = machine.clock.now() - began
    longest, shortest = timedelta(days=planned["longest_days"]), timedelta(days=1 if mode == "money" else 4)
    assert shortest < waited < longest + timedelta(hours=12)
    asks = buyer.status(run_id)
    assert asks["status"] == "waiting_approval"
    decided = asks["money_decision"]
    assert decided["choice"] in {"publish", "keep_split"}
    proven = asks["verdict"]["proven"]
    assert (asks["verdict"]["winner"] is not None) == proven
    sentences = asks["verdict"]["sentence_en"] + asks["verdict"]["sentence_es"]
    assert proven or not any(
        word in sentences for word in ("winner", "ganadora", "significant", "confidence")
    )

    followed = asks["verdict"]["winner"] or decided["variant"]
    order = {"run_id": run_id, "variant_id": followed, "way": "in_place", "comment": "as recommended"}
    buyer.post("/meta/autopilot/publish-winner", order, 202)
    assert machine.drive(RunId(run_id)).status is RunStatus.COMPLETED
    chosen = buyer.status(run_id)["winner_selection"]
    assert (chosen["winner_variant_id"], chosen["basis"]) == (
        followed,
        "proven" if proven else chosen["basis"],
    )
    assert chosen["basis"] in {"proven", "money_bet", "override"}

    while buyer.status(run_id)["final_campaign"]["state"] != "settled":
        machine.clock.advance_to(machine.clock.now() + timedelta(days=1))
        machine.look()
        assert money()["spent"] + money()["could_still_spend"] <= TOTAL
        assert machine.clock.now() - began < timedelta(days=60)
    ended = buyer.status(run_id)
    assert abs(round(ended["spent"] * 100) - money()["spent"]) <= 3
    assert 0.9 * TOTAL < money()["spent"] <= TOTAL
    assert money()["could_still_spend"] == 0
