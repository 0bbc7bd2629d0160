"""Looks at running tests: what is kept between them changes nothing that is stored, told or done."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.journal.records import Snapshot
from autopublisher.domain.request.request import DecisionMode, RunRequest
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_orchestrator
from autopublisher.flows.runs.judging import Judged, Known
from autopublisher.flows.runs.looks import Looks
from support.crashing_machine import CrashingMachine, seeded
from support.paced import adaptive_request, paced
from support.staging import EQUAL_RATES, Stage, with_test

HOURLY = EngineConfig(poll=timedelta(hours=1))


def asking(mode: DecisionMode, days: int = 6) -> RunRequest:
    request = with_test(
        decision_mode=mode, test_duration_hours=24 * days, test_budget_per_variant=Decimal(50 * days)
    )
    return replace(request, budget_config=replace(request.budget_config, total_budget=Decimal(250 * days)))


def staged(mode: DecisionMode) -> CrashingMachine:
    stage = Stage(asking(mode), pace=HOURLY)
    stage.meta.rates = EQUAL_RATES
    stage.meta.spend_share = 6
    return stage


def with_moved_money() -> CrashingMachine:
    machine = CrashingMachine(EngineConfig(poll=timedelta(hours=4)))
    paced(machine, {"A": 0.10, "B": 0.12, "C": 0.10, "D": 0.09})
    request = adaptive_request()
    seeded(machine, request)
    machine.intake.submit(request, "tester")
    return machine


MACHINES: dict[str, Callable[[], CrashingMachine]] = {
    "proof": lambda: staged(DecisionMode.PROVE),
    "bets": lambda: staged(DecisionMode.DECIDE),
    "money": lambda: staged(DecisionMode.MONEY),
    "moved money": with_moved_money,
}


def told(
    machine: CrashingMachine, *, begin_anew: bool
) -> tuple[list[str], list[tuple[datetime, str, str]], int]:
    """Run a test to its end, each tick in a process of its own if so asked; return what it has decided, told and judged."""
    (run_id,) = machine.database.tables.runs
    polls = 0
    while not (run := machine.run(run_id)).is_final and run.status is not RunStatus.SELECTING_WINNER:
        if begin_anew:
            machine.orchestrator = build_orchestrator(
                machine.open_unit, machine.meta, machine.storage, machine.clock, machine.queue, machine.pace
            )
        machine.tick(run_id)
        polls += run.status is RunStatus.AB_TESTING
    with machine.database.unit_of_work() as unit:
        decided = [one.verdict + str(one.money) for one in unit.decisions.of_run(run_id)]
        events = [(one.at, one.tag, one.message.code) for one in unit.observations.events(run_id)]
    return decided, events, polls


@pytest.mark.parametrize("name", MACHINES)
def test_a_process_that_keeps_nothing_decides_and_tells_the_same(name: str) -> None:
    kept, anew = told(MACHINES[name](), begin_anew=False), told(MACHINES[name](), begin_anew=True)
    assert kept == anew
    assert len(kept[0]) < kept[2], "most polls bring nothing to decide"


class Table:
    """A stage in the middle of its test, and looks at it of its own."""

    def __init__(self, mode: DecisionMode = DecisionMode.PROVE) -> None:
        self.stage = staged(mode)
        (self.run_id,) = self.stage.database.tables.runs
        self.looks = Looks(self.stage.open_unit)
        while len(self.snapshots()) < 60:
            self.stage.tick(self.run_id)

    def snapshots(self) -> Sequence[Snapshot]:
        with self.stage.database.unit_of_work() as unit:
            return unit.observations.snapshots(self.run_id)

    def known(self, *, drop: int = 0) -> Known:
        """Return what a look is given: the snapshots that it asks for, but for the last ``drop`` ones."""
        run = self.stage.run(self.run_id)
        with self.stage.database.unit_of_work() as unit:
            decision = unit.decisions.latest([run.id]).get(run.id)
            found = unit.observations.snapshots(run.id, self.looks.known_until(run))
            variants = unit.records.variants(run.id)
        return Known(variants, decision, (), found[: len(found) - drop])

    def look(self, known: Known | None = None, *, whole: bool = False) -> Judged:
        run, given = self.stage.run(self.run_id), known or self.known()
        since = self.looks.known_until(run)
        return self.looks.judged(run, given, self.stage.clock.now(), since=since, whole=whole)


def test_a_look_after_another_reads_from_the_last_poll_on() -> None:
    table = Table()
    table.look()
    last = table.snapshots()[-1].at
    assert table.looks.known_until(table.stage.run(table.run_id)) == last
    table.stage.tick(table.run_id)
    assert [one.at for one in table.known().snapshots] == [last] * 2 + [table.snapshots()[-1].at] * 2
    assert table.look().verdict.hour < table.look(whole=True).verdict.hour, "the last one kept says it all"


def test_a_decision_that_was_not_saved_is_made_again() -> None:
    table = Table(DecisionMode.MONEY)
    unsaved = replace(table.known(), decision=None)
    first, second = table.look(unsaved), table.look(replace(table.known(), decision=None))
    assert first.decision is not None
    assert second.decision == first.decision


def test_where_the_last_poll_is_gone_the_test_is_judged_whole() -> None:
    table = Table()
    table.look()
    table.stage.tick(table.run_id)
    without = replace(table.known(), snapshots=table.known().snapshots[2:])
    assert table.look(without).verdict.hour == table.look(whole=True).verdict.hour


def test_what_is_dropped_between_reading_and_judging_is_read_again() -> None:
    table = Table()
    table.look()
    table.stage.tick(table.run_id)
    run, known = table.stage.run(table.run_id), table.known()
    since = table.looks.known_until(run)
    found = Looks(table.stage.open_unit).judged(run, known, table.stage.clock.now(), since=since)
    assert found.verdict == table.look(whole=True).verdict


def test_where_the_plan_is_another_the_test_is_judged_whole() -> None:
    table = Table()
    table.look()
    run = table.stage.run(table.run_id)
    slower = replace(run, trial=replace(run.trial, poll_minutes=120))
    since = table.looks.known_until(slower)
    found = table.looks.judged(slower, table.known(), table.stage.clock.now(), since=since)
    assert found.verdict.hour == table.look(whole=True).verdict.hour
