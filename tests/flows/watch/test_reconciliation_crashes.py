"""A look that dies at any moment, or races a tick of the same run: nothing is said or done twice, and nothing is lost."""

from collections.abc import Callable

import pytest

from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.work import Tick
from support.crashing_machine import CrashPlan
from support.staging import once
from support.stop_staging import ACT
from support.sweep_staging import SweepStage, staged

pytestmark = pytest.mark.slow  # a death at each of many moments

_R = RunStatus


def touched(status: RunStatus) -> SweepStage:
    """Return a stage with an edit, a threat, and an object of no journal."""
    stage = staged(status)
    stage.touch("test/b/campaign", name="Mine now")
    if status is _R.COMPLETED:
        stage.touch("final/adset", daily_budget=900_000)
    else:
        stage.touch("test/a/adset", lifetime_budget=900_000)
        stage.touch("test/a/campaign", status="ACTIVE")
    stage.orphan("Somebody's [ap-ffffffffffffffff-test.a.campaign]")
    return stage


def looked(status: RunStatus, crash_at: int) -> SweepStage:
    """Look until all is settled, dying at crash point ``crash_at`` (0: never)."""
    stage = touched(status)
    stage.meta.crash_plan = CrashPlan(crash_at)
    for _ in range(4):
        stage.at_look()
    return stage


def trace(stage: SweepStage) -> tuple[object, ...]:
    """Return what must be the same however often the look died."""
    on = sorted(str(one.fields["name"])[:40].split("[")[0] for one in stage.on())
    said = sorted((one.data["key"], one.data["field"], one.data["shown"]) for one in stage.said())
    recalls = sorted(row.key for row in stage.rows() if row.key.startswith("recall/"))
    open_rows = [row.key for row in stage.rows() if not row.is_settled]
    return (
        on,
        said,
        recalls,
        open_rows,
        stage.now_run.trial.edited_at is not None,
        len(stage.record["unknown_runs"]),
    )


def every_moment(status: RunStatus, step: int) -> None:
    whole = looked(status, 0)
    wanted = trace(whole)
    assert wanted[1:3] != ([], [])
    for crash_at in range(1, whole.meta.crash_plan.moments + 1, step):
        stage = looked(status, crash_at)
        assert stage.crashes == 1, crash_at
        assert trace(stage) == wanted, crash_at


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.COMPLETED])
def test_a_death_at_a_sample_of_moments_of_a_look_changes_nothing_in_the_end(status: RunStatus) -> None:
    every_moment(status, 5)


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.SCALING_BUDGET, _R.COMPLETED])
def test_a_death_at_every_moment_of_a_look_changes_nothing_in_the_end(status: RunStatus) -> None:
    every_moment(status, 1)


def with_tick_inside(stage: SweepStage, method: str) -> None:
    """Look, with a whole tick of the run by another worker in the middle of the look's first call of ``method``."""

    def tick() -> None:
        stage.meta.on_call = lambda *_: None
        run = stage.now_run
        stage.orchestrator.advance(Tick(run.id, run.version, run.act_id))

    stage.meta.on_call = once(method, tick)
    stage.at_look()
    stage.meta.on_call = lambda *_: None


def with_look_inside(stage: SweepStage, method: str) -> None:
    """Tick, with a whole look by another worker in the middle of the tick's first call of ``method``."""

    def look() -> None:
        stage.meta.on_call = lambda *_: None
        with stage.database.unit_of_work() as unit:
            due = unit.watches.get(ACT)
        assert due is not None
        stage.watch.look(Tick(None, due.version, due.act_id))

    stage.meta.on_call = once(method, look)
    stage.step()
    stage.meta.on_call = lambda *_: None


@pytest.mark.parametrize("race", [with_tick_inside, with_look_inside])
@pytest.mark.parametrize("method", ["find", "read", "update"])
def test_a_look_and_a_tick_of_a_run_nobody_has_touched_do_not_mistake_each_other(
    race: Callable[[SweepStage, str], None], method: str
) -> None:
    stage = SweepStage()
    for _ in range(60):
        if stage.now_run.is_final:
            break
        race(stage, method)
        if not stage.now_run.is_final:
            stage.step()
    assert stage.now_run.status is _R.COMPLETED
    assert stage.said() == []
    assert [row.key for row in stage.rows() if row.key.startswith(("recall/", "duplicate/"))] == []


@pytest.mark.parametrize("race", [with_tick_inside, with_look_inside])
def test_a_threat_is_met_once_although_a_tick_races_the_look(
    race: Callable[[SweepStage, str], None],
) -> None:
    stage = touched(_R.AB_TESTING)
    race(stage, "find")
    for _ in range(3):
        stage.at_look()
    assert stage.at("test/a/campaign")["status"] == "PAUSED"
    assert len([one for one in stage.said() if one.data["field"] == "lifetime_budget"]) == 1
    assert stage.now_run.trial.edited_at is not None
