"""The watch's record of ended runs: read no more often than figures are new, and never again once all has settled."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from autopublisher.domain.errors import MetaTransientError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.past_tests import FinishedTest
from autopublisher.domain.runs.final_campaign import LATE_FIGURES
from autopublisher.domain.runs.run import RunStatus
from support.staging import PlannedFault, with_test
from support.sweep_staging import SweepStage, staged

ARMS = ("test/a/adset", "test/b/adset")


def cancelled() -> SweepStage:
    """Return a stage whose run was cancelled in its test, looked at once."""
    stage = staged(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    stage.at_look()
    return stage


def look_later(stage: SweepStage, **later: float) -> int:
    """Look after a while; return how often Meta was asked for figures."""
    stage.clock.advance_to(stage.clock.now() + timedelta(**later))
    before = reads(stage)
    stage.at_look()
    return reads(stage) - before


def reads(stage: SweepStage) -> int:
    return len(stage.meta.made("ad_sets")) + len(stage.meta.made("insights_of"))


def record(stage: SweepStage) -> dict[str, Any]:
    return dict(stage.stored_watch().report[LATE_FIGURES])


def test_figures_are_read_no_more_often_than_they_are_new() -> None:
    stage = cancelled()
    assert look_later(stage, minutes=5) == 0
    assert look_later(stage, minutes=15) == 1


def test_a_run_whose_figures_have_settled_is_never_read_again() -> None:
    stage = cancelled()
    look_later(stage, days=4)
    assert record(stage)["done"] == [stage.run_id]
    assert look_later(stage, days=1) == 0
    assert record(stage)["done"] == []  # its journal says it


def test_figures_that_could_not_be_read_are_asked_for_again_when_they_are_new() -> None:
    stage = cancelled()
    asked = len(stage.meta.made("ad_sets"))
    refusal = MetaTransientError("try later")
    stage.meta.troubles = [PlannedFault("ad_sets", refusal, nth=asked + 1)]
    assert look_later(stage, minutes=20) == 1
    assert "try later" in str(record(stage)["unread"])
    assert look_later(stage, minutes=5) == 0
    assert look_later(stage, minutes=15) == 1
    assert "unread" not in record(stage)


@pytest.mark.parametrize(("delivered", "asked_again"), [(False, False), (True, True)])
def test_an_ad_set_without_figures_is_asked_for_again_only_where_it_had_some(
    *, delivered: bool, asked_again: bool
) -> None:
    stage = cancelled()
    if not delivered:
        stage.database.tables.snapshots.clear()
    stage.meta.once_on -= {MetaId(stage.row(key).meta_id or "") for key in ARMS}
    stage.clock.advance_to(stage.clock.now() + timedelta(days=3, minutes=-30))
    look_later(stage, hours=1)
    assert (look_later(stage, hours=1) > 0) is asked_again
    look_later(stage, days=2)
    assert look_later(stage, hours=1) == 0
    assert [stage.row(key).spent for key in ARMS] == [None, None]


def test_what_a_stopped_test_sold_late_is_remembered_with_it() -> None:
    stage = SweepStage(with_test(test_duration_hours=72, test_budget_per_variant=Decimal(150)))
    stage.go(RunStatus.AB_TESTING)
    starts = stage.now_run.trial.starts_at
    while starts is None or stage.clock.now() < starts + timedelta(hours=30):
        starts = stage.step().trial.starts_at
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    stage.meta.rates = {"A": 5000, "B": 5000}
    (before,) = remembered(stage)
    look_later(stage, hours=2)
    assert remembered(stage) == [before], "not settled yet"
    look_later(stage, days=4)
    (after,) = remembered(stage)
    assert after.measured.events > before.measured.events
    assert after.finished_at == before.finished_at


def remembered(stage: SweepStage) -> list[FinishedTest]:
    act_id = stage.now_run.act_id
    with stage.database.unit_of_work() as unit:
        return list(unit.finished_tests.of_account(act_id, ["roas"]))
