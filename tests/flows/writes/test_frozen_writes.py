"""A worker frozen between writing a write down as sent and sending it: what wakes later is not sent a second time.

The freeze is one of real time, on a stopwatch; meanwhile another worker goes on with the run.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.adapters.memory.meta_ads import Call, StoredObject
from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.domain.accounts.stops import LANDS_WITHIN
from autopublisher.domain.errors import StaleOperationError, UnavailableError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec, OperationState
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.patience import Patience
from autopublisher.flows.writes.send_deadline import (
    SEND_WITHIN_SECONDS,
    SendDeadlineExceeded,
    deadline_from_now,
)
from support.staging import TEST_OBJECTS, PlannedFault, Stage, cut_off
from support.wording import english

WRITES = ("upload_image", "create", "update")
"""Sent alone."""

LONG = 60.0
"""Real seconds for which a worker is frozen: longer than a take-over takes."""


class Watch:
    """A stopwatch that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class FrozenStage(Stage):
    """A stage whose workers share a stopwatch that a test moves."""

    def __init__(self) -> None:
        self.watch = Watch()
        super().__init__(pace=EngineConfig(poll=timedelta(hours=2), stopwatch=self.watch))

    def executor(self) -> Executor:
        return Executor(self.open_unit, self.meta, self.storage, self.clock, stopwatch=self.watch)

    def sent(self, method: str) -> list[Call]:
        """Return the calls of one method that reached Meta."""
        return [call for call in self.meta.calls if call.method == method]

    def freeze_at(self, method: str, nth: int, meanwhile: Callable[[], None], seconds: float = LONG) -> None:
        """Freeze the worker that is about to make the ``nth`` call of a method, once."""
        left = [meanwhile]

        def listen(_number: int, called: str) -> None:
            if called == method and len(self.meta.made(method)) == nth and left:
                act = left.pop()
                self.watch.seconds += seconds
                act()

        self.meta.on_call = listen

    def taken_over(self) -> None:
        """Have another worker build the run to its end and go on until it tests."""
        self.orchestrator = self.orchestrator_over()
        self.go(RunStatus.AB_TESTING)


def doing_nothing() -> None:
    """Let nobody take over."""


# --- what a woken worker sends --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "nth", "together"),
    [("create", nth, 1) for nth in range(1, 9)] + [("write_together", nth, 10) for nth in range(1, 4)],
)
def test_a_create_frozen_before_it_was_sent_is_made_once_by_the_successor(
    method: str, nth: int, together: int
) -> None:
    stage = FrozenStage()
    stage.meta.most_together = together
    stage.freeze_at(method, nth, stage.taken_over)
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert len(stage.sent("create")) == 8


@pytest.mark.parametrize("method", WRITES)
def test_a_worker_that_wakes_before_anybody_took_over_goes_on_at_once(method: str) -> None:
    undisturbed, stage = FrozenStage(), FrozenStage()
    undisturbed.meta.most_together = stage.meta.most_together = 1
    stage.freeze_at(method, 1, doing_nothing)
    for one in (undisturbed, stage):
        one.go(RunStatus.AB_TESTING)
    assert [call.method for call in stage.meta.calls] == [call.method for call in undisturbed.meta.calls]
    assert stage.clock.now() == undisturbed.clock.now()
    assert {row.attempts for row in stage.rows()} == {1}


@pytest.mark.parametrize("method", WRITES)
def test_a_write_that_leaves_after_a_moment_is_not_held_back(method: str) -> None:
    stage = FrozenStage()
    stage.meta.most_together = 1
    stage.freeze_at(method, 1, doing_nothing, seconds=SEND_WITHIN_SECONDS - 0.5)
    stage.go(RunStatus.AB_TESTING)
    assert len(stage.meta.made(method)) == len(stage.sent(method))


class SlowWatch(Watch):
    """A stopwatch of a machine on which everything takes too long."""

    def __call__(self) -> float:
        self.seconds += SEND_WITHIN_SECONDS + 1
        return self.seconds


def test_where_everything_takes_too_long_a_tick_ends_and_the_write_waits() -> None:
    stage = FrozenStage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    fast, stage.pace = stage.pace, replace(stage.pace, stopwatch=SlowWatch())
    stage.orchestrator = stage.orchestrator_over()
    sent = len(stage.meta.calls)
    for _ in range(3):
        run = stage.step()
        assert run.next_tick_at == stage.clock.now() + Patience().spacing
    assert {call.method for call in stage.meta.calls[sent:]} & set(WRITES) == set()
    assert {(row.attempts, row.sent_at) for row in stage.rows() if not row.is_settled} == {(0, None)}
    stage.pace = fast
    stage.orchestrator = stage.orchestrator_over()
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING


def test_a_woken_budget_rise_does_not_undo_a_later_cut() -> None:
    stage = FrozenStage()
    run = stage.go(RunStatus.AB_TESTING)

    def change(number: int, budget: int) -> OperationSpec:
        params = {"lifetime_budget": budget}
        return OperationSpec(
            f"reallocate/test/a/adset/{number}",
            Action.UPDATE,
            ObjectKind.AD_SET,
            params,
            target="test/a/adset",
        )

    def cut() -> None:
        successor = stage.executor()
        successor.settle(run, stage.row("reallocate/test/a/adset/2"))
        successor.perform(run, change(3, 3000))

    stage.executor().perform(run, change(1, 4000))

    stage.freeze_at("update", len(stage.meta.made("update")) + 1, cut)
    with pytest.raises(StaleOperationError):
        stage.executor().perform(run, change(2, 5000))
    assert stage.at_meta("test/a/adset")["lifetime_budget"] == 3000
    assert stage.row("reallocate/test/a/adset/2").state is OperationState.WITHDRAWN


def test_a_check_passes_for_some_seconds_and_never_after_them() -> None:
    watch = Watch()
    check = deadline_from_now(watch)
    watch.seconds += SEND_WITHIN_SECONDS
    check()
    watch.seconds += 0.1
    with pytest.raises(SendDeadlineExceeded):
        check()


# --- when a create is believed absent -------------------------------------------------------------


def test_a_create_that_lands_as_late_as_it_can_and_is_listed_later_still_is_found() -> None:
    stage = Stage()
    stage.meta.most_together = 1
    stage.meta.troubles = [PlannedFault("create", cut_off())]

    def land(_number: int, method: str) -> None:
        sent = stage.meta.made("create")
        if method == "find" and len(sent) == 1 and stage.clock.now() >= sent[0].at + LANDS_WITHIN:
            stage.meta.on_call = lambda _number, _method: None
            landed = MetaId("119")
            fields = {**sent[0].params, "id": landed, "created_time": stage.clock.now().isoformat()}
            stage.meta.objects[landed] = StoredObject(stage.now_run.act_id, ObjectKind.CAMPAIGN, fields)
            stage.meta.blind = Patience().lookups - 1

    stage.meta.on_call = land
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert stage.row("test/a/campaign").meta_id == "119"


# --- the bytes of a picture -----------------------------------------------------------------------


class SilentStorage(MemoryStorage):
    """A store that may not answer."""

    silent = False

    def read(self, key: str) -> bytes:
        if self.silent:
            raise UnavailableError(reason="the file store is away")
        return super().read(key)


def stage_over_silent_storage() -> tuple[Stage, SilentStorage]:
    stage, storage = Stage(), SilentStorage()
    storage._contents = stage.storage._contents
    stage.storage = storage
    stage.start()
    stage.step()
    return stage, storage


def test_a_missing_picture_is_waited_for_and_uses_up_no_attempt() -> None:
    stage, storage = stage_over_silent_storage()
    pictures, storage._contents = storage._contents, {}
    assert stage.step().next_tick_at == stage.clock.now() + Patience().pause
    for _ in range(2 * Patience().attempts):  # among them those that move the test's start on
        run = stage.step()
        assert "the picture for" in english(run.attention)
        assert "was not found" in english(run.attention)
    assert stage.rows() == []  # nothing is intended before its picture can be read
    storage._contents = pictures
    assert stage.go(RunStatus.AB_TESTING).attention is None
    assert stage.kinds() == TEST_OBJECTS


def test_a_file_store_that_does_not_answer_is_asked_again_soon() -> None:
    stage, storage = stage_over_silent_storage()
    storage.silent = True
    for _ in range(Patience().attempts + 1):
        run = stage.step()
        assert run.next_tick_at == stage.clock.now() + Patience().spacing
        assert "the file store is away" in english(run.attention)
    assert stage.rows() == []  # nothing is intended before its picture can be read
    storage.silent = False
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING


def test_a_run_whose_picture_is_missing_can_be_cancelled() -> None:
    stage, storage = stage_over_silent_storage()
    storage._contents = {}
    stage.step()
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
