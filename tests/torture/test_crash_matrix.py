"""A process killed before and after every commit and every call to Meta: its successors end each run right.

The moments of one run are numbered by a life that meets no death and is not its account's first. Then, for every number,
a process dies there; the next one finishes that run and begins another, in which it dies at another number.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autopublisher.bootstrap.database import opened_units
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import Run, RunStatus
from support.auditor import RemoteAuditor, assert_complete, assert_ended_right
from support.crashing_processes import CrashCase, World, entries, furnish, lived
from support.staging import with_test
from support.torture import IS_FULL, sized, spread

PARTS = sized(1, 32)
"""Into how many tests the matrix is cut, each with a Meta of its own, which slows down with what it holds."""

SAMPLE = 8
"""How many moments are tried on each database when not all are."""


def crash_case(key: str, crash_at: int = 0) -> CrashCase:
    return CrashCase(key, with_test(settle_hours=6), crash_at)


def moments_of_a_life(world: World, diary: Path) -> int:
    """Let runs be done without a death, and return how many moments each has; an account's first run has some more."""
    assert lived(world, [crash_case("the account's first"), crash_case("undisturbed")], diary) == 0
    moments: int = entries(diary)[-1]["moments"]
    return moments


def chosen(moments: int, part: int, chance: random.Random) -> Sequence[int]:
    return range(1 + part, moments + 1, PARTS) if IS_FULL else spread(moments, SAMPLE, chance)


def ended_runs(world: World, diary: Path) -> list[Run]:
    with opened_units(world.database_url) as open_unit, open_unit() as unit:
        return [unit.runs.get(RunId(entry["run_id"])) for entry in entries(diary)]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_any_moment_changes_nothing(
    database_url: str,
    tmp_path: Path,
    auditor: RemoteAuditor,
    chance: random.Random,
    *,
    part: int,
    tell: Callable[[str], None],
) -> None:
    world, diary = World(tmp_path / "home", database_url, auditor.url), tmp_path / "diary"
    furnish(world)
    moments = moments_of_a_life(world, diary)
    crash_at = chosen(moments, part, chance)
    kills = lived(world, [crash_case(f"killed at {moment}", moment) for moment in crash_at], diary)
    runs = ended_runs(world, diary)
    tell(f"{kills} kills at {moments} moments, {len(runs)} runs")
    assert kills == len(crash_at)
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * (2 + len(crash_at))
    for run in runs:
        assert_ended_right(auditor, run)
        assert_complete(auditor, run)
