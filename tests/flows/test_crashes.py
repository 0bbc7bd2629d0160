"""A process killed before or after every call to Meta and every commit: the run still ends right, with one of each."""

from datetime import timedelta

import pytest

from autopublisher.domain.evidence import Criterion
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from support.crashing_machine import CrashingMachine, CrashPlan, seeded
from support.simulated import brief_request
from support.torture import sized

pytestmark = pytest.mark.slow  # a death at each of many moments

ONE_OF_EACH = {
    ObjectKind.CAMPAIGN: 3,
    ObjectKind.AD_SET: 3,
    ObjectKind.CREATIVE: 2,
    ObjectKind.AD: 3,
    ObjectKind.IMAGE: 2,
}
"""Two arms and the final campaign, which shows the winner's creative again."""


PLAIN = EngineConfig(poll=timedelta(hours=2))
FULL = EngineConfig(poll=timedelta(hours=2), native_rule=True, split_tests=True)
both = pytest.mark.parametrize("pace", [PLAIN, FULL], ids=["plain", "with a study and a rule"])


def complete_run(crash_at: int, pace: EngineConfig) -> CrashingMachine:
    """Drive the brief's request to its end with one death at crash point ``crash_at`` (0: none)."""
    machine = seeded(CrashingMachine(pace), brief_request())
    run_id = machine.intake.submit(brief_request(), "tester").id
    machine.meta.crash_plan = CrashPlan(crash_at)
    run = machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    machine.approve(run_id)
    run = machine.drive(run_id)
    assert run.status is RunStatus.COMPLETED, run.ending.why
    return machine


def moments(pace: EngineConfig) -> int:
    return complete_run(0, pace).meta.crash_plan.moments


def assert_ended_right(machine: CrashingMachine) -> None:
    besides = {ObjectKind.RULE: 1, ObjectKind.STUDY: 1} if machine.pace is FULL else {}
    assert machine.kinds() == ONE_OF_EACH | besides
    active = machine.active()
    assert len(active) == 3
    assert all("Final (B)" in name for name in active)
    assert len(machine.database.tables.finished_tests) == len(Criterion), (
        "the account remembers the test once"
    )


@both
def test_without_a_death_there_is_one_object_of_each(pace: EngineConfig) -> None:
    assert_ended_right(complete_run(0, pace))


@both
def test_a_death_at_a_sample_of_moments_changes_nothing(pace: EngineConfig) -> None:
    for crash_at in range(1, moments(pace) + 1, 99):
        machine = complete_run(crash_at, pace)
        assert machine.crashes == 1
        assert_ended_right(machine)


PARTS = 8
STEP = sized(3 * PARTS + 1, PARTS)
"""In the sample about every third moment; odd, so that moments before and after a call take turns."""


@pytest.mark.timeout(900)
@both
@pytest.mark.parametrize("part", range(PARTS))
def test_a_death_at_every_moment_changes_nothing(part: int, pace: EngineConfig) -> None:
    for crash_at in range(1 + part, moments(pace) + 1, STEP):
        machine = complete_run(crash_at, pace)
        assert machine.crashes == 1, crash_at
        assert_ended_right(machine)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "status", [RunStatus.CREATING_CAMPAIGNS, RunStatus.AB_TESTING, RunStatus.PUBLISHING_FINAL]
)
def test_a_death_at_any_moment_of_a_cancellation_leaves_nothing_active(status: RunStatus) -> None:
    crash_at = 0
    while True:
        crash_at += 1
        machine = cancelled_run(status, crash_at)
        assert machine.active() == []
        studies = [one for one in machine.meta.objects.values() if one.kind is ObjectKind.STUDY]
        # Once the test is over its study has ended by itself, and is left for its results.
        over = status is RunStatus.PUBLISHING_FINAL
        assert [study.status for study in studies] in ([], ["ACTIVE" if over else "DELETED"])
        if machine.crashes == 0:
            break
    assert crash_at > 5


def cancelled_run(status: RunStatus, crash_at: int) -> CrashingMachine:
    """Cancel the run once it is in ``status``, dying at crash point ``crash_at`` from there on."""
    machine = seeded(CrashingMachine(FULL), brief_request(require_human_approval=False))
    run_id = machine.intake.submit(brief_request(require_human_approval=False), "tester").id
    machine.drive(run_id, status)
    if status is RunStatus.CREATING_CAMPAIGNS:
        machine.meta.crash_plan = CrashPlan(47)  # half way through the building
        machine.tick(run_id)
        machine.crashes = 0
    machine.meta.crash_plan = CrashPlan(crash_at)
    for _ in range(2):
        with machine.may_crash():
            machine.approvals.cancel(run_id, "manager", "changed my mind")
    run = machine.drive(run_id)
    assert run.status is RunStatus.CANCELLED
    return machine
