"""Reports with gaps: an arm that has delivered never counts as one that has not, and its reserve outlives the gap."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.runs.run import RunStatus
from support.staging import Stage


def gaps(monkeypatch: pytest.MonkeyPatch, stage: Stage, times: int) -> list[int]:
    """Leave the last ad set out of the next reports; return how many were asked of each report from then on."""
    real, asked = stage.meta.ad_sets, list[int]()

    def report(
        act_id: ActId, ids: Sequence[MetaId], since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        asked.append(len(ids))
        rows = real(act_id, ids, since, until)
        return rows[:-1] if len(asked) <= times else rows

    monkeypatch.setattr(stage.meta, "ad_sets", report)
    return asked


def polled() -> Stage:
    """Return a stage in the middle of its test, with figures of both arms."""
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    while not stage.snapshots() or stage.snapshots()[-1].figures.spend == 0:
        stage.step()
    return stage


def test_a_missing_arm_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = polled()
    known = len(stage.snapshots())
    asked = gaps(monkeypatch, stage, 1)
    stage.step()
    assert asked == [2, 1]
    assert len(stage.snapshots()) == known + 2


def test_an_arm_missing_twice_gets_no_figures_instead_of_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = polled()
    known = len(stage.snapshots())
    gaps(monkeypatch, stage, 2)
    stage.step()
    added = stage.snapshots()[known:]
    assert len(added) == 1
    assert all(one.figures.spend > 0 for one in added)


def test_an_arm_missing_from_the_last_report_keeps_its_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    stage.meta.spend_share = 0.5
    stage.go(RunStatus.ANALYZING_RESULTS)
    while stage.now_run.trial.settles_at is None:
        stage.step()
    gaps(monkeypatch, stage, 1000)
    stage.go(RunStatus.WAITING_APPROVAL)
    settled = [stage.row(f"test/{letter}/adset").spent is not None for letter in "ab"]
    assert sorted(settled) == [False, True]
