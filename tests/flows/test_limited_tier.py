"""Meta's smallest access tier: ten variants are built within 60 points in five minutes without meeting a limit."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from random import Random

import pytest

from autopublisher.domain.ids import RunId
from autopublisher.domain.request.request import ABTestConfig, BudgetConfig, RunRequest, Strategy
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.ports.work import Tick
from metasim import SimulatorConfig
from metasim.engine import Delivery
from metasim.graph.wire import Call
from support.direct import DirectMachine
from support.simulated import ACT, CREATIVES, Machine, brief_request

pytestmark = pytest.mark.slow  # whole runs over the simulator

VARIANTS = 10
CALL_SECONDS = 0.4
BEFORE_THE_TEST = frozenset({RunStatus.PENDING, RunStatus.CREATING_CAMPAIGNS})


@pytest.fixture
def scenario() -> str:
    return "small"


def many_variants(variants: int = VARIANTS) -> RunRequest:
    return brief_request(
        ab_test_config=ABTestConfig(
            strategy=Strategy.COPY_SPLIT,
            variants_count=variants,
            test_budget_per_variant=Decimal(50),
            test_duration_hours=24,
        ),
        budget_config=BudgetConfig(total_budget=Decimal(1000)),
        creative_ids=CREATIVES[:1],
        headlines=tuple(f"Headline {number}" for number in range(variants)),
        primary_texts=tuple(f"Text {number}" for number in range(variants)),
    )


def test_ten_variants_are_built_on_the_limited_tier_without_a_single_throttle(machine: Machine) -> None:
    run_id = machine.submit(many_variants())
    built = machine.drive(run_id, RunStatus.AB_TESTING, ticks=100)
    assert built.status is RunStatus.AB_TESTING, built.attention
    assert len(machine.objects("ad")) == VARIANTS
    answers = machine.sim("GET", "requests")["data"]
    assert len([one for one in answers if one["method"] == "POST"]) > 7 * VARIANTS
    assert [one for one in answers if one["status"] != 200] == []

    rested = machine.drive(run_id, RunStatus.WAITING_APPROVAL, ticks=200)
    assert rested.status is RunStatus.WAITING_APPROVAL, rested.attention
    assert {one["status"] for one in machine.objects("campaign")} == {"PAUSED"}


def test_a_cancelled_run_of_ten_variants_is_wound_down_on_the_limited_tier(machine: Machine) -> None:
    run_id = machine.submit(many_variants())
    machine.drive(run_id, RunStatus.AB_TESTING, ticks=100)
    machine.tick(run_id)
    machine.approvals.cancel(run_id, "manager")
    began = machine.clock.now()
    ended = machine.drive(run_id, ticks=60)
    assert ended.status is RunStatus.CANCELLED, ended.attention
    assert {one["status"] for kind in ("campaign", "adset", "ad") for one in machine.objects(kind)} == {
        "PAUSED"
    }
    assert machine.clock.now() - began < timedelta(hours=2)


def test_a_run_cancelled_while_it_is_built_is_off_or_deleted_on_the_limited_tier(machine: Machine) -> None:
    """What could not be read when it was to be switched off was paused unseen: it may have been on, so it is kept."""
    run_id = machine.submit(many_variants())
    while len(machine.objects("ad")) < VARIANTS // 2:
        machine.tick(run_id)
    machine.approvals.cancel(run_id, "manager")
    ended = machine.drive(run_id, ticks=120)
    assert ended.status is RunStatus.CANCELLED, ended.attention
    states = Counter(one["status"] for kind in ("campaign", "adset", "ad") for one in machine.objects(kind))
    assert states.keys() <= {"DELETED", "PAUSED"}
    assert states["DELETED"] > states["PAUSED"]


class SmallBusiness(DirectMachine):
    """The small account in a business, with all checks, where calls take time and ticks wait for one another."""

    def __init__(self, folder: Path) -> None:
        small = files("metasim").joinpath("scenarios", "small.toml").read_text("utf-8")
        scenario = folder / "small_business.toml"
        scenario.write_text(small.replace("[[accounts]]", '[[accounts]]\nbusiness = "5001"', 1), "utf-8")
        pace = EngineConfig(poll=timedelta(hours=2), native_rule=True, split_tests=True, most_runs_at_once=5)
        super().__init__(pace, SimulatorConfig(scenario=str(scenario), seed=7))
        self.refused = 0
        handle = self.simulator.handle

        def slowly(call: Call) -> Delivery:
            self.pass_time(CALL_SECONDS)
            delivery = handle(call)
            self.refused += delivery.reply.status != 200
            return delivery

        self.simulator.handle = slowly  # type: ignore[method-assign]  # a Meta that takes its time

    def do_next(self, runs: Iterable[RunId]) -> None:
        """Do the tick that is first in the account's queue: its look, then what became due first."""
        watch = self.watch()
        waiting = [(watch.next_look_at, Tick(None, watch.version, ACT))]
        for run_id in runs:
            run = self.run(run_id)
            if run.next_tick_at is not None:
                waiting.append((run.next_tick_at, Tick(run_id, run.version, ACT)))
        self.clock.advance_to(max(self.clock.now(), min(due for due, _ in waiting)))
        ready = [(due, tick) for due, tick in waiting if due <= self.clock.now()]
        self.advance(min(ready, key=lambda one: (one[1].run_id is not None, one[0]))[1])


@pytest.mark.parametrize(("runs", "variants", "hours"), [(2, VARIANTS, 2), (5, 4, 2)])
def test_several_tests_at_once_all_begin_on_the_limited_tier(
    runs: int, variants: int, hours: int, tmp_path: Path
) -> None:
    machine = SmallBusiness(tmp_path)
    ids = [machine.intake.submit(many_variants(variants), "manager").id for _ in range(runs)]
    began = machine.clock.now()
    while any(machine.run(run_id).trial.starts_at is None for run_id in ids):
        machine.do_next(ids)
        assert machine.clock.now() < began + timedelta(hours=hours), [
            machine.run(run_id).attention for run_id in ids
        ]
    assert machine.refused == 0
    for run_id in ids:
        run = machine.run(run_id)
        assert (run.status, run.divides_people) == (RunStatus.AB_TESTING, True)


@pytest.mark.parametrize(("processes", "runs"), [(2, 2), (3, 3)])
def test_processes_that_take_turns_on_an_account_meet_no_limit(processes: int, runs: int) -> None:
    machine = DirectMachine(
        EngineConfig(look=timedelta(minutes=15), native_rule=True, split_tests=True),
        SimulatorConfig(scenario="small", seed=7),
    )
    run_ids = [machine.intake.submit(many_variants(), "tester").id for _ in range(runs)]
    handlers = []
    for _ in range(processes):
        machine.start()
        handlers.append(machine.advance)
    dice = Random(0)  # noqa: S311 (chance for a test, and the same every time)
    for _ in range(200):
        building = [one for one in map(machine.run, run_ids) if one.status in BEFORE_THE_TEST]
        if not building:
            break
        watch = machine.watch()
        due = [(run.next_tick_at, Tick(run.id, run.version, ACT)) for run in building]
        due.append((watch.next_look_at, Tick(None, watch.version, ACT)))
        moment, tick = min(due, key=lambda each: each[0] or machine.clock.now())
        machine.clock.advance_to(moment or machine.clock.now())
        dice.choice(handlers)(tick)
    assert [machine.run(one).status for one in run_ids] == [RunStatus.AB_TESTING] * runs
    answers = machine.simulator.requests
    assert len([one for one in answers if one["method"] == "POST"]) > 7 * VARIANTS * runs
    assert [one for one in answers if one["status"] != 200] == []
