"""A database that is put back while, or after, a test went on past its plan: no cent above the total, no second campaign."""

from decimal import Decimal
from functools import cache

import pytest

from autopublisher.domain.request.request import NoWinner
from autopublisher.domain.runs.longest_test import days_past_plan
from autopublisher.domain.runs.run import RunStatus
from support.restoring import TOTAL_MINOR, RestoredWorld
from support.staging import with_test

pytestmark = pytest.mark.slow  # runs over the simulator


@cache
def gone_on(days: int) -> RestoredWorld:
    """Return a world whose test has gone on for so many days and is under way, to be copied."""
    request = with_test(on_no_winner=NoWinner.EXTEND, max_test_share=Decimal("0.9"))
    world = RestoredWorld(request)
    world.go(RunStatus.AB_TESTING)
    while days_past_plan(world.run) < days:
        world.tick()
    world.tick()  # has the arms follow
    assert world.run.status is RunStatus.AB_TESTING
    return world


@pytest.mark.parametrize("back", [2, 4, 7, 10])
@pytest.mark.parametrize("over", [False, True])
def test_a_restored_run_stays_within_its_total(back: int, over: bool) -> None:  # noqa: FBT001 - a parameter
    world = gone_on(2).copied()
    backup = world.backups[-back]
    if over:
        world.go(RunStatus.ANALYZING_RESULTS)
    world.pass_time(hours=2)
    world.restore(backup)
    run = world.live_on(hours=24 * 12)
    peak = world.books().peak_total
    assert run.status is RunStatus.COMPLETED, run.ending.why or run.attention
    assert peak is not None
    assert peak <= TOTAL_MINOR
    assert len(world.campaigns()) == 1
