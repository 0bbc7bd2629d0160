"""What a run has spent once its figures have settled: never less than Meta has shown, and no glitch for ever."""

from datetime import timedelta

import pytest

from autopublisher.domain.ids import MetaId
from autopublisher.domain.runs.run import RunStatus
from support.staging import EQUAL_RATES
from support.sweep_staging import SweepStage, staged

ARMS = {"A": "test/a/adset", "B": "test/b/adset"}
BUDGET = 50_00


def counted(stage: SweepStage) -> dict[str, int]:
    """Return what the journal counts as spent by each arm that has settled, in minor units."""
    rows = {letter: stage.row(key) for letter, key in ARMS.items()}
    return {letter: row.spent for letter, row in rows.items() if row.spent is not None}


def shown(stage: SweepStage) -> dict[str, int]:
    """Return the most that Meta has shown of each arm, in minor units."""
    return {
        letter: max(one.figures.spend for one in stage.snapshots() if one.variant == letter)
        for letter in ARMS
    }


def spent_whole(stage: SweepStage) -> SweepStage:
    """Let the whole test be spent and seen."""
    stage.meta.rates = EQUAL_RATES
    stage.go(RunStatus.ANALYZING_RESULTS)
    while shown(stage) != dict.fromkeys(ARMS, BUDGET):
        stage.step()
    return stage


def cancelled() -> SweepStage:
    """Return a stage whose run was cancelled in its test, and whose figures are about to settle."""
    stage = staged(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    stage.at_look()
    return stage


def look_later(stage: SweepStage, **later: float) -> dict[str, int]:
    stage.clock.advance_to(stage.clock.now() + timedelta(**later))
    stage.at_look()
    return counted(stage)


@pytest.mark.parametrize("share", [0.97, 0.5])
def test_an_arm_counts_at_least_what_meta_has_ever_shown(share: float) -> None:
    stage = spent_whole(SweepStage())
    stage.meta.spend_share = share
    assert stage.go(RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL
    assert counted(stage) == dict.fromkeys(ARMS, BUDGET)


def test_an_impossible_figure_in_the_test_does_not_count_once_it_was_corrected() -> None:
    stage = staged(RunStatus.AB_TESTING)
    stage.meta.spend_share = 100.0
    stage.step()
    stage.meta.spend_share = 0.5
    stage.go(RunStatus.WAITING_APPROVAL)
    assert all(spent > BUDGET for spent in shown(stage).values())
    assert all(spent < BUDGET for spent in counted(stage).values())


@pytest.mark.parametrize("share", [0.97, 0.0])
def test_a_cancelled_arm_counts_at_least_what_meta_has_ever_shown(share: float) -> None:
    stage = cancelled()
    before = shown(stage)
    assert counted(stage) == {}
    for letter, key in ARMS.items():
        spend = f"{before[letter] / 100 * share:.2f}"
        stage.meta.odd[MetaId(stage.row(key).meta_id or "")] = {"spend": spend}
    look_later(stage, days=4)
    later = look_later(stage, days=2)
    assert {letter: later[letter] >= before[letter] for letter in ARMS} == dict.fromkeys(ARMS, True)


def test_an_impossible_last_figure_of_a_cancelled_arm_is_read_again_for_a_day() -> None:
    stage = cancelled()
    stage.meta.spend_share = 100.0
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=70))
    for _ in range(12):
        assert counted(stage) == {}
        look_later(stage, hours=1)
    stage.meta.spend_share = 1.0
    later = look_later(stage, hours=1)
    assert later.keys() == ARMS.keys()
    assert all(spent <= BUDGET for spent in later.values())
