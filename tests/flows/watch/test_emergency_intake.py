"""Emergency pauses become part of the journals, and what they stopped stays stopped until somebody lifts it."""

import pytest

from autopublisher.adapters.memory.emergency import MemoryAccountBook, MemoryEmergencyNotes
from autopublisher.adapters.memory.meta_ads import Fault
from autopublisher.domain.accounts.emergency import BookedAccount
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.errors import MetaRefusedError, UnavailableError
from autopublisher.domain.ids import StopId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import OperationState
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.watch.emergency_intake import EmergencyIntake
from autopublisher.flows.writes.emergency_pause import EmergencyPause, EmergencyReport
from autopublisher.ports.repositories import UnitOfWork
from support.stop_staging import ACT, StopStage, stage_in, unattended
from support.wording import english

_R = RunStatus


class Emergency:
    """A stage whose database could not be written when somebody pressed the kill switch."""

    def __init__(self, stage: StopStage) -> None:
        self.stage = stage
        self.notes = MemoryEmergencyNotes()
        self.book = MemoryAccountBook()
        self.book.book([BookedAccount(stage.account_id, ACT, "Demo")])
        self.switch = EmergencyPause(stage.meta, self.notes, self.book, stage.clock.now)
        self.intake = EmergencyIntake(stage.open_unit, self.notes, stage.clock, stage.queue)
        stage.database.noted = self.notes.pending

    def pause(self) -> EmergencyReport:
        now = self.stage.clock.now()
        return self.switch.pause(Stop(StopId("press"), None, "the price is wrong", "ana", now))

    @property
    def stop_rows(self) -> list[OperationState]:
        with self.stage.database.unit_of_work() as unit:
            rows = unit.journal.of_run(self.stage.run_id)
        return [row.state for row in rows if row.key.startswith(f"{Purpose.STOP}/")]


def running() -> Emergency:
    stage = stage_in(_R.AB_TESTING)
    stage.step()
    return Emergency(stage)


def test_everything_of_ours_is_off_and_shown_off() -> None:
    emergency = running()
    report = emergency.pause()
    assert emergency.stage.on() == []
    ((account, shown),) = report.accounts.items()
    assert (account.act_id, shown.confirmed, len(shown.objects)) == (ACT, True, 6)


def test_only_pauses_are_sent_each_after_its_note() -> None:
    emergency = running()
    before = len(emergency.stage.meta.witnessed)
    emergency.pause()
    writes = emergency.stage.writes_after(before)
    assert [one["status"] for one in writes] == ["PAUSED"] * 6
    assert len(emergency.notes.pending()[0].pauses) == 6


def test_what_refuses_to_be_paused_is_named_and_tried_again() -> None:
    emergency = running()
    emergency.stage.meta.faults.append(Fault(MetaRefusedError("no"), "update"))
    (shown,) = emergency.pause().accounts.values()
    assert [english(one.why) for one in shown.objects if not one.confirmed] == ["Meta refused the call: no"]
    (again,) = emergency.pause().accounts.values()
    assert again.confirmed
    assert emergency.notes.pending()[0].is_done


def test_a_noted_stop_holds_before_the_database_has_it() -> None:
    emergency = running()
    emergency.pause()
    stage = emergency.stage
    before = len(stage.meta.witnessed)
    stage.step()
    assert stage.writes_after(before) == []
    assert english(stage.now_run.attention) == "stopped by ana: the price is wrong"
    assert [one.id for one in stage.stops.holding()] == ["press"]


def test_the_pauses_are_taken_into_the_journal_as_the_kill_switchs() -> None:
    emergency = running()
    emergency.pause()
    assert emergency.intake.take_in() == 0
    assert emergency.stop_rows == [OperationState.CONFIRMED] * 6
    assert emergency.notes.pending() == []
    view = emergency.stage.enforced()
    assert (view.stop.id, view.unrecorded) == ("press", None)


@pytest.mark.slow
def test_a_stop_that_was_taken_in_is_lifted_like_any_other_and_the_test_goes_on() -> None:
    emergency = running()
    emergency.pause()
    emergency.intake.take_in()
    stage = emergency.stage
    stage.enforced()
    stage.resume()
    assert stage.go_on().status is _R.COMPLETED


@pytest.mark.slow
def test_a_stop_that_was_stored_before_the_disk_filled_up_is_lifted_like_any_other() -> None:
    emergency = running()
    stage = emergency.stage
    view = stage.stop()
    emergency.switch.pause(view.stop)  # nothing could be journaled to make it true
    assert stage.on() == []
    assert emergency.intake.take_in() == 0
    assert emergency.stop_rows == [OperationState.CONFIRMED] * 6
    stage.enforced()
    stage.resume()
    assert stage.go_on().status is _R.COMPLETED


def test_notes_that_a_crash_left_behind_are_not_taken_in_twice() -> None:
    emergency = running()
    emergency.pause()
    kept = {stop_id: list(records) for stop_id, records in emergency.notes.records.items()}
    emergency.intake.take_in()
    emergency.notes.records = kept
    assert emergency.intake.take_in() == 0
    assert emergency.stop_rows == [OperationState.CONFIRMED] * 6


def test_a_stop_whose_notes_are_still_being_written_waits() -> None:
    emergency = running()
    emergency.pause()
    emergency.notes.write(StopId("press"), [])
    assert emergency.intake.take_in() == 1


def test_pressing_again_meanwhile_is_the_same_stop() -> None:
    emergency = running()
    stops = Stops(_unreachable, emergency.stage.clock, emergency.stage.queue, emergency.switch)
    first = stops.stop(None, "wrong", "ana")
    second = stops.stop(None, "still wrong", "eva")
    assert (first.stop.id, first.confirmed) == (second.stop.id, True)
    assert "cannot be reached" in english(first.unrecorded)


def test_a_stop_of_everything_reaches_accounts_that_only_the_book_knows() -> None:
    stage = StopStage(unattended())
    stage.go(_R.AB_TESTING)
    stage.step()
    emergency = Emergency(stage)
    with stage.database.unit_of_work() as unit:
        unit._tables.accounts.clear()
        unit.commit()
    stops = Stops(stage.open_unit, stage.clock, stage.queue, emergency.switch)
    view = stops.stop(None, "wrong", "ana")
    assert (stage.on(), view.confirmed, [one.act_id for one in view.accounts]) == ([], True, [ACT])


def _unreachable() -> UnitOfWork:
    raise UnavailableError(reason="it cannot be reached")
