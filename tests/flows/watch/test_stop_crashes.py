"""A process killed at any moment of a stop or of its lifting: the next look goes on, and everything ends up right."""

import pytest

from autopublisher.domain.runs.run import RunStatus
from support.crashing_machine import CrashPlan
from support.stop_staging import StopStage


def stopped_stage(crash_at: int, status: RunStatus) -> StopStage:
    """Stop a run in ``status``, dying at crash point ``crash_at`` (0: never), as often as it takes to be confirmed."""
    stage = StopStage()
    stage.go(status)
    if status is RunStatus.AB_TESTING:
        stage.step()
    stage.meta.crash_plan = CrashPlan(crash_at)
    for _ in range(2):
        with stage.may_crash():
            stage.stop()
            break
    stage.enforced()
    return stage


def moments(status: RunStatus) -> int:
    return stopped_stage(0, status).meta.crash_plan.moments


@pytest.mark.slow
@pytest.mark.parametrize("status", [RunStatus.AB_TESTING, RunStatus.COMPLETED])
def test_a_death_at_a_sample_of_moments_of_a_stop_leaves_everything_off(status: RunStatus) -> None:
    for crash_at in range(1, moments(status) + 1, 7):
        stage = stopped_stage(crash_at, status)
        assert stage.crashes == 1, crash_at
        assert stage.on() == [], crash_at


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("status", [RunStatus.CREATING_CAMPAIGNS, RunStatus.AB_TESTING, RunStatus.COMPLETED])
def test_a_death_at_every_moment_of_a_stop_leaves_everything_off(status: RunStatus) -> None:
    for crash_at in range(1, moments(status) + 1):
        stage = stopped_stage(crash_at, status)
        assert stage.crashes == 1, crash_at
        assert stage.on() == [], crash_at


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_death_at_any_moment_of_a_resume_gives_the_final_campaign_back_once() -> None:
    crash_at = 0
    while True:
        crash_at += 1
        stage = stopped_stage(0, RunStatus.COMPLETED)
        stage.meta.crash_plan = CrashPlan(crash_at)
        for _ in range(2):
            with stage.may_crash():
                if stage.stops.holding():
                    stage.resume(reactivate=True)
                break
        for _ in range(4):
            stage.look()
        assert len(stage.on()) == 3, crash_at
        if stage.crashes == 0:
            break
    assert crash_at > 10
