"""Test money moved between arms: once a day, gently, within what was set aside, whenever the process dies."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaRefusedError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import OperationState
from autopublisher.domain.money.ledger import ledger_of
from autopublisher.domain.runs.arm_reserves import amounts_of
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from support.crashing_machine import CrashingMachine, CrashPlan, seeded
from support.paced import BUDGET, BudgetChange, PacedMeta, adaptive_request, paced
from support.wording import english

pytestmark = pytest.mark.slow  # whole runs

CLOSE = {"A": 0.10, "B": 0.12, "C": 0.10, "D": 0.09}
CLEAR = {"A": 0.10, "B": 0.30, "C": 0.10, "D": 0.10}
POLL = timedelta(hours=4)


class Life:
    """One adaptive run, from its request to the settled test."""

    def __init__(self, rates: dict[str, float], **test: object) -> None:
        self.machine = CrashingMachine(EngineConfig(poll=POLL))
        self.meta: PacedMeta = paced(self.machine, rates)
        request = adaptive_request(**test)
        seeded(self.machine, request)
        self.run_id: RunId = self.machine.intake.submit(request, "tester").id

    def until(self, *statuses: RunStatus) -> Run:
        return self.machine.drive(self.run_id, *statuses, ticks=400)

    def until_moving(self) -> None:
        """Go on until a plan is stored and nothing of it is done."""
        while self.machine.run(self.run_id).trial.moving is None:
            self.machine.tick(self.run_id)

    @property
    def changes(self) -> list[BudgetChange]:
        return self.meta.ledger.changes

    def events(self, action: str) -> list[str]:
        with self.machine.database.unit_of_work() as unit:
            return [
                english(one.message)
                for one in unit.observations.events(self.run_id)
                if one.tag.endswith(action)
            ]


@pytest.fixture(scope="module")
def close() -> Life:
    life = Life(CLOSE)
    life.until(RunStatus.WAITING_APPROVAL, RunStatus.SELECTING_WINNER)
    return life


def test_money_is_moved_and_said_so(close: Life) -> None:
    assert close.changes
    assert len(close.events("reallocated")) == len(close.events("reallocation_planned")) >= 2
    assert "EUR" in close.events("reallocated")[0]


def test_money_is_moved_at_most_once_a_day(close: Life) -> None:
    moments: dict[str, list[BudgetChange]] = defaultdict(list)
    for change in close.changes:
        moments[change.letter].append(change)
    gaps = [b.at - a.at for of_arm in moments.values() for a, b in pairwise(of_arm)]
    assert gaps
    assert min(gaps) >= timedelta(hours=23)


def test_what_an_arm_has_left_changes_by_at_most_thirty_per_cent(close: Life) -> None:
    for change in close.changes:
        assert abs(change.after - change.before) <= 0.31 * (change.before - change.spent) + 1


def test_the_arms_never_have_more_than_was_set_aside_for_them(close: Life) -> None:
    assert max(change.total for change in close.changes) <= 4 * BUDGET


def test_all_that_was_taken_is_given(close: Life) -> None:
    assert close.changes[-1].total == 4 * BUDGET


def test_the_journal_and_meta_agree_on_the_budgets(close: Life) -> None:
    with close.machine.database.unit_of_work() as unit:
        assert amounts_of(unit.journal.of_run(close.run_id)) == close.meta.budgets()


def test_moving_money_is_no_edit_by_somebody_else(close: Life) -> None:
    assert close.machine.run(close.run_id).trial.edited_at is None


def test_the_settled_spend_is_what_the_arms_spent(close: Life) -> None:
    run = close.machine.run(close.run_id)
    with close.machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(close.run_id)
    spent = sum(arm.spent for arm in close.meta.ledger.arms.values())
    committed = ledger_of(total_of(run), rows).committed
    assert Money(int(spent), "EUR") <= committed <= Money(int(spent) + 8, "EUR")


def test_a_clear_winner_is_still_named() -> None:
    life = Life(CLEAR)
    assert life.until(RunStatus.WAITING_APPROVAL).release.winner == "B"


def test_without_the_wish_no_money_is_moved() -> None:
    life = Life(CLOSE, adaptive_allocation=False)
    life.until(RunStatus.ANALYZING_RESULTS)
    assert life.changes == []


def test_a_refused_cut_gives_nobody_more() -> None:
    life = Life(CLOSE)
    life.until_moving()
    planned = life.machine.run(life.run_id).trial.moving or {}
    losers = [letter for letter, amount in planned.items() if amount < BUDGET]
    refusals = [MetaRefusedError("below what has been spent", code=100) for _ in losers]
    life.meta.refused_budgets = refusals
    life.machine.tick(life.run_id)
    assert life.machine.run(life.run_id).trial.moving is None
    assert life.meta.budgets() == dict.fromkeys("ABCD", BUDGET)


def after_a_death(crash_at: int) -> Life:
    """Carry out the first plan with one death at crash point ``crash_at`` from there on."""
    life = Life(CLOSE)
    life.until_moving()
    life.meta.crash_plan = CrashPlan(crash_at)
    life.machine.crashes = 0
    while life.machine.run(life.run_id).trial.moving is not None:
        life.machine.tick(life.run_id)
    return life


def assert_carried_out(life: Life, wanted: dict[str, int]) -> None:
    assert max(change.total for change in life.changes) <= 4 * BUDGET
    assert life.meta.budgets() == wanted
    with life.machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(life.run_id)
    assert amounts_of(rows) == wanted
    moves = [row for row in rows if row.key.startswith("reallocate/")]
    assert {row.state for row in moves} == {OperationState.CONFIRMED}
    assert len(moves) == len({row.spec.target for row in moves})


@pytest.mark.timeout(900)
def test_a_death_at_any_moment_of_a_move_changes_nothing() -> None:
    wanted = after_a_death(0).meta.budgets()
    crash_at = 0
    while True:
        crash_at += 1
        life = after_a_death(crash_at)
        assert_carried_out(life, wanted)
        if life.machine.crashes == 0:
            break
    assert crash_at > 20


def test_a_death_in_the_middle_of_a_move_changes_nothing() -> None:
    assert_carried_out(after_a_death(17), after_a_death(0).meta.budgets())


def test_a_limit_lowered_meanwhile_lets_money_be_taken_and_none_be_given() -> None:
    life = Life(CLOSE)
    life.until_moving()
    with life.machine.database.unit_of_work() as unit:
        account = unit.accounts.get(adaptive_request().meta_account_id)
        unit.accounts.save(replace(account, daily_limit=BUDGET))
        unit.commit()
    life.machine.tick(life.run_id)
    run = life.machine.run(life.run_id)
    assert (run.status, run.trial.moving) == (RunStatus.AB_TESTING, None)
    assert max(life.meta.budgets().values()) == BUDGET
    assert sum(life.meta.budgets().values()) < 4 * BUDGET


@pytest.mark.parametrize("crash_at", [6, 10, 14, 18, 24])
def test_a_test_that_ends_in_the_middle_of_a_move_leaves_nothing_open(crash_at: int) -> None:
    life = Life(CLOSE)
    life.until_moving()
    life.meta.crash_plan = CrashPlan(crash_at)
    life.machine.tick(life.run_id)
    ends = life.machine.run(life.run_id).trial.ends_at
    assert ends is not None
    life.machine.clock.advance_to(ends)
    run = life.until(RunStatus.SELECTING_WINNER)
    assert (run.status, run.trial.moving) == (RunStatus.SELECTING_WINNER, None)
    with life.machine.database.unit_of_work() as unit:
        rows = unit.journal.of_run(life.run_id)
    assert [row.key for row in rows if not row.is_settled] == []
    assert max((change.total for change in life.changes), default=0) <= 4 * BUDGET
