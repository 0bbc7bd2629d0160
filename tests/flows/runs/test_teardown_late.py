"""The end of a run while a call of ours is under way: nothing is verified off before the call can land no more."""

import pytest

from autopublisher.domain.accounts.stops import LANDS_WITHIN
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.work import Tick
from support.staging import cut_off
from support.stop_staging import StopStage
from support.wording import english


def is_campaigns_activation(stage: StopStage) -> bool:
    last = stage.meta.witnessed[-1]
    return (
        last.method == "update"
        and last.params == {"status": "ACTIVE"}
        and stage.meta.objects[MetaId(last.subject)].kind is ObjectKind.CAMPAIGN
    )


def cancelled_in_mid_activation(status: RunStatus, *, landing: bool = True) -> tuple[StopStage, list[Run]]:
    """Cancel while a campaign's activation is on its way; another worker ends the run as far as it can before it lands.

    Returns the stage after the call has landed (or been lost, without ``landing``), and the run as it was just before that.
    """
    stage = StopStage()
    stage.go(status)
    seen: list[Run] = []

    def interrupt(_number: int, _method: str) -> None:
        if seen or not is_campaigns_activation(stage):
            return
        seen.append(stage.now_run)
        stage.approvals.cancel(stage.run_id, "ana")
        other = stage.orchestrator_over()
        for _ in range(10):
            run = stage.now_run
            if run.is_final or (run.next_tick_at or run.created_at) > stage.clock.now():
                break
            other.advance(Tick(run.id, run.version, run.act_id))
        seen[0] = stage.now_run
        if not landing:
            raise cut_off()

    stage.meta.on_call = interrupt
    while not seen:
        stage.step()
    return stage, seen


@pytest.mark.parametrize("status", [RunStatus.CREATING_CAMPAIGNS, RunStatus.PUBLISHING_FINAL])
def test_a_run_does_not_end_while_an_activation_without_an_answer_may_land(status: RunStatus) -> None:
    stage, (before,) = cancelled_in_mid_activation(status)
    assert not before.is_final
    assert "campaign" in english(before.attention)
    assert "may still take effect" in english(before.attention)
    assert {one.kind for one in stage.on()} == {ObjectKind.CAMPAIGN}


@pytest.mark.parametrize("status", [RunStatus.CREATING_CAMPAIGNS, RunStatus.PUBLISHING_FINAL])
def test_what_landed_after_the_pause_is_switched_off_before_the_run_ends(status: RunStatus) -> None:
    stage, _ = cancelled_in_mid_activation(status)
    began = stage.clock.now()
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.on() == []
    assert LANDS_WITHIN <= stage.clock.now() - began < LANDS_WITHIN * 2


def test_it_is_paused_once_more_whatever_reads_show() -> None:
    stage, _ = cancelled_in_mid_activation(RunStatus.PUBLISHING_FINAL, landing=False)
    assert stage.on() == []
    stage.go()
    rows = [row for row in stage.rows() if row.spec.target == "final/campaign"]
    sent = [row.sent_at for row in rows if row.spec.params == {"status": "PAUSED"}]
    (activated,) = [row.sent_at for row in rows if row.spec.params == {"status": "ACTIVE"}]
    assert activated is not None
    assert [at is not None and at > activated + LANDS_WITHIN for at in sent] == [False, True]
