"""Meta telling something else than before in the middle of a run: another time zone or currency, figures that are wrong."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import RunStatus
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.changed_books import ChangedBooks
from support.simulated import Machine, make_machine
from support.wording import english

pytestmark = pytest.mark.slow  # runs over the simulator

TOTAL = 500_00


@pytest.fixture
def machine() -> Iterator[Machine]:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        made = make_machine(simulator.url, client=ChangedBooks)
        yield made
        made.meta.close()
        made.clock.close()


def books(machine: Machine) -> ChangedBooks:
    assert isinstance(machine.meta, ChangedBooks)
    return machine.meta


@pytest.mark.parametrize("reports", [{"timezone": "Pacific/Kiritimati"}, {"currency": "USD"}])
def test_a_run_ends_with_everything_off_where_meta_reports_another_time_zone_or_currency(
    machine: Machine, reports: dict[str, Any]
) -> None:
    machine.clock.advance_to(machine.clock.now() + timedelta(hours=6))
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.AB_TESTING)
    for _ in range(20):
        machine.tick(run_id)
    books(machine).reports = reports
    run = machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    if not run.is_final:
        machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader or "A")
        run = machine.drive(run_id)
    assert machine.exposure(run_id)["peak_total"] <= TOTAL
    assert run.status is RunStatus.FAILED
    assert next(iter(reports.values())) in english(run.ending.why)


@pytest.mark.parametrize("factor", [Decimal(100), Decimal("0.01")])
def test_figures_that_were_wrong_for_six_hours_neither_lose_the_publication_nor_free_money(
    machine: Machine, factor: Decimal
) -> None:
    run_id = machine.submit()
    run = machine.drive(run_id, RunStatus.ANALYZING_RESULTS)
    while run.trial.settles_at is None or (run.next_tick_at or run.created_at) < run.trial.settles_at:
        run = machine.tick(run_id)
    books(machine).factor = factor
    wrong_until = run.trial.settles_at + timedelta(hours=6)
    for _ in range(100):
        if run.status is RunStatus.WAITING_APPROVAL or run.is_final:
            break
        if (run.next_tick_at or run.created_at) > wrong_until:
            books(machine).factor = Decimal(1)
        run = machine.tick(run_id)
    assert run.status is RunStatus.WAITING_APPROVAL, (run.status, run.attention, run.ending.why)
    books(machine).factor = Decimal(1)
    machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader or "A")
    run = machine.drive(run_id)
    assert run.status is RunStatus.COMPLETED
    assert run.release.final_budget is not None
    assert machine.exposure(run_id)["peak_total"] <= TOTAL
    assert run.release.final_budget["total"] > TOTAL - 110_00


def test_figures_that_are_wrong_before_scaling_are_read_again(machine: Machine) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    books(machine).factor = Decimal(100)
    machine.clock.advance_to(machine.clock.now() + timedelta(hours=1))
    machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader or "A")
    run, began = machine.run(run_id), machine.clock.now()
    for _ in range(100):
        if run.is_final:
            break
        if machine.clock.now() > began + timedelta(hours=6):
            books(machine).factor = Decimal(1)
        run = machine.tick(run_id)
    assert run.release.final_budget is not None, (run.status, run.attention, run.ending.why)
    assert machine.exposure(run_id)["peak_total"] <= TOTAL


def ended(machine: Machine) -> RunId:
    """Return a completed run whose final campaign has spent for half a day."""
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader or "A")
    assert machine.drive(run_id).status is RunStatus.COMPLETED
    look_for(machine, 12)
    return run_id


def look_for(machine: Machine, hours: int) -> None:
    for _ in range(hours // 6):
        machine.clock.advance_to(machine.clock.now() + timedelta(hours=6))
        machine.look()


def told(machine: Machine, run_id: RunId, tag: str) -> list[str]:
    return [english(one.message) for one in machine.view(run_id).events if one.tag.endswith(f":{tag}")]


def test_another_currency_after_the_end_is_told_once_and_its_amounts_are_not_taken(machine: Machine) -> None:
    run_id = ended(machine)
    before = machine.view(run_id)
    books(machine).reports = {"currency": "USD"}
    look_for(machine, 24)
    view = machine.view(run_id)
    assert "in USD and Europe/Madrid, not in EUR and Europe/Madrid" in english(view.run.attention)
    assert told(machine, run_id, "books_changed") == [english(view.run.attention)]
    assert (view.spent, view.as_of) == (before.spent, before.as_of)
    books(machine).reports = {}
    look_for(machine, 12)
    view = machine.view(run_id)
    assert (view.run.attention, len(told(machine, run_id, "books_back"))) == (None, 1)
    assert abs(view.spent.minor - machine.exposure(run_id)["spent"]) <= 3


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_another_time_zone_after_the_end_is_told_once_and_no_days_spend_is_lost(
    machine: Machine, timezone: str
) -> None:
    run_id = ended(machine)
    books(machine).reports = {"timezone": timezone}
    look_for(machine, 24)
    view = machine.view(run_id)
    assert f"in EUR and {timezone}" in english(view.run.attention)
    assert told(machine, run_id, "books_changed") == [english(view.run.attention)]
    machine.clock.advance_to(machine.clock.now() + timedelta(days=40))
    machine.look()
    assert abs(machine.view(run_id).spent.minor - machine.exposure(run_id)["spent"]) <= 3
