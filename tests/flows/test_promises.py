"""The money promise judged by Meta's side: the simulator's own books, at every tick, whatever goes wrong on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.simulated import Machine, brief_request, make_machine
from support.staging import with_test

pytestmark = pytest.mark.slow  # whole runs

SELDOM = EngineConfig(poll=timedelta(hours=8))


@contextmanager
def simulated(scenario: str = "demo") -> Iterator[Machine]:
    with SimulatorThread(SimulatorConfig(scenario=scenario, seed=7)) as simulator:
        machine = make_machine(simulator.url, SELDOM)
        yield machine
        machine.meta.close()
        machine.clock.close()


def within_total(machine: Machine, run: Run) -> None:
    exposure = machine.exposure(run.id)
    total = int(run.request.budget_config.total_budget * 100)
    assert exposure["total"] is not None, "without bound"
    assert exposure["total"] <= total, (run.status, exposure)
    assert exposure["peak_total"] <= total, (run.status, exposure)


def watched(machine: Machine, request: RunRequest, meddle: Callable[[Run], None] = lambda _run: None) -> Run:
    """Drive a run to its end, approving B, with the books checked after every tick."""
    run_id = machine.submit(request)
    for _ in range(200):
        run = machine.run(run_id)
        within_total(machine, run)
        if run.is_final:
            break
        meddle(run)
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            machine.approvals.publish_winner(run_id, "manager", variant="B")
        machine.tick(run_id)
    machine.clock.advance_to(machine.clock.now() + timedelta(days=30))
    within_total(machine, machine.run(run_id))
    return machine.run(run_id)


def quick(**changes: Any) -> RunRequest:
    """Return the brief's request with little time to settle, so that a run takes few ticks."""
    return replace(with_test(settle_hours=6), **changes)


POST = {"method": "POST"}
TROUBLES: dict[str, list[dict[str, Any]]] = {
    "answers lost after taking effect": [
        {"kind": "commit_then_timeout", "match": POST, "after": after, "times": 1} for after in (1, 6, 11, 15)
    ],
    "calls lost before taking effect": [
        {"kind": "drop_before_commit", "match": POST, "after": after, "times": 1} for after in (2, 7, 12, 16)
    ],
    "throttles, broken gateways and an expired token": [
        {"kind": "throttle", "match": POST, "after": 3},
        {"kind": "html_502", "match": POST, "after": 8, "commit": True},
        {"kind": "token_expired", "match": POST, "after": 13},
    ],
    "new objects that are listed late": [
        {"kind": "read_lag", "seconds": 45},
        {"kind": "commit_then_timeout", "match": POST, "after": 4, "times": 2},
    ],
}


def count_of(machine: Machine) -> dict[str, int]:
    rows = machine.sim("GET", "objects")["data"]
    return {kind: sum(row["kind"] == kind for row in rows) for kind in ("campaign", "adset", "ad")}


def test_a_run_whose_answers_get_lost_completes_within_its_total_and_makes_nothing_twice() -> None:
    with simulated() as machine:
        for fault in TROUBLES["answers lost after taking effect"]:
            machine.fault(**fault)
        run = watched(machine, quick())
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert count_of(machine) == {"campaign": 3, "adset": 3, "ad": 3}


@pytest.mark.parametrize("name", list(TROUBLES)[1:])
def test_whatever_goes_wrong_no_more_than_the_total_can_be_spent(name: str) -> None:
    with simulated() as machine:
        for fault in TROUBLES[name]:
            machine.fault(**fault)
        run = watched(machine, quick())
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert count_of(machine) == {"campaign": 3, "adset": 3, "ad": 3}


@pytest.mark.parametrize(("total", "scaling"), [("140", "1"), ("160", "1"), ("190", "1"), ("210", "1.5")])
def test_a_small_rest_is_published_with_what_meta_accepts(total: str, scaling: str) -> None:
    budget = replace(
        brief_request().budget_config, total_budget=Decimal(total), scaling_factor=Decimal(scaling)
    )
    with simulated() as machine:
        run = watched(machine, quick(budget_config=budget))
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert count_of(machine)["campaign"] == 3


def test_a_run_that_does_not_wait_for_late_figures_stays_within_its_total() -> None:
    with simulated() as machine:
        run = watched(machine, with_test(settle_hours=0))
        assert run.status is RunStatus.COMPLETED, run.ending.why


def test_a_cancelled_run_spends_nothing_after_its_end() -> None:
    with simulated() as machine:
        run_id = machine.submit(quick())
        machine.drive(run_id, RunStatus.AB_TESTING)
        for _ in range(3):
            machine.tick(run_id)
        machine.approvals.cancel(run_id, "manager")
        assert machine.drive(run_id).status is RunStatus.CANCELLED
        spent = machine.exposure(run_id)["spent"]
        machine.clock.advance_to(machine.clock.now() + timedelta(days=3))
        exposure = machine.exposure(run_id)
        assert (exposure["spent"], exposure["could_still_spend"]) == (spent, 0)
        assert 0 < spent < 10_000


def test_an_ordinary_shop_learns_that_a_day_is_not_enough() -> None:
    with simulated("ordinary") as machine:
        run_id = machine.submit(quick())
        run = machine.drive(run_id, RunStatus.WAITING_APPROVAL)
        assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
        assert (run.release.winner, run.release.is_proven) == (None, False)
        assert (machine.view(run_id).verdict or {})["kind"] == "not_enough_data"
