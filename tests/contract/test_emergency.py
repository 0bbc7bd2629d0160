"""Emergency notes and the account book keep their contract, in memory and as files."""

import io
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autopublisher.adapters.emergency_files import FileAccountBook, FileEmergencyNotes
from autopublisher.adapters.memory.emergency import MemoryAccountBook, MemoryEmergencyNotes
from autopublisher.domain.accounts.emergency import BookedAccount, NotedPause, report_note, stop_note
from autopublisher.domain.accounts.stops import ObjectLine, Stop, StopReport
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import AccountId, ActId, MetaId, StopId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.stops import Stops
from autopublisher.flows.watch.emergency_intake import EmergencyIntake
from autopublisher.flows.writes.emergency_pause import EmergencyPause
from autopublisher.ports.emergency import AccountBook, EmergencyNotes
from support.stop_staging import ACT as STAGE_ACT
from support.stop_staging import stage_in
from support.wording import english

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ACT = ActId("act_1")
STOP = Stop(StopId("one"), None, "wrong price", "ana", NOW)
PAUSE = NotedPause(NOW, ACT, ObjectKind.CAMPAIGN, MetaId("77"), "Shoes [ap-1]")
LINE = ObjectLine(ObjectKind.CAMPAIGN, MetaId("77"), "Shoes [ap-1]", None, "PAUSED", True)
SHOP = BookedAccount(AccountId("a"), ACT, "Shop")


@pytest.fixture(params=["memory", "file"])
def notes(request: pytest.FixtureRequest, tmp_path: Path) -> EmergencyNotes:
    if request.param == "memory":
        return MemoryEmergencyNotes()
    return FileEmergencyNotes(tmp_path / "emergency")


@pytest.fixture(params=["memory", "file"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> AccountBook:
    return MemoryAccountBook() if request.param == "memory" else FileAccountBook(tmp_path / "accounts.json")


def test_what_was_noted_is_pending_until_it_is_taken(notes: EmergencyNotes) -> None:
    report = StopReport((STOP.id,), NOW, (LINE,))
    notes.write(STOP.id, [stop_note(STOP)])
    notes.write(STOP.id, [PAUSE.to_record(), report_note(ACT, report)])
    (noted,) = notes.pending()
    assert (noted.stop, noted.pauses, noted.reports) == (STOP, (PAUSE,), {ACT: report})
    assert (noted.is_done, noted.unconfirmed) == (True, ())
    notes.taken(STOP.id)
    assert list(notes.pending()) == []


def test_notes_are_open_until_they_are_closed(notes: EmergencyNotes) -> None:
    notes.write(STOP.id, [stop_note(STOP)])
    assert notes.is_open(STOP.id)
    notes.close(STOP.id)
    assert not notes.is_open(STOP.id)


def test_a_booked_account_stays(book: AccountBook) -> None:
    other = BookedAccount(AccountId("b"), ActId("act_2"), "Other")
    book.book([SHOP])
    book.book([other])
    book.book([])
    assert list(book.accounts()) == [SHOP, other]


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    notes = FileEmergencyNotes(tmp_path)
    path = Path(notes.write(STOP.id, [stop_note(STOP), PAUSE.to_record()]))
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    (noted,) = FileEmergencyNotes(tmp_path).pending()
    assert noted.pauses == ()


def test_notes_that_cannot_be_read_hide_no_other_and_hold_writes(tmp_path: Path) -> None:
    notes = FileEmergencyNotes(tmp_path)
    notes.write(STOP.id, [stop_note(STOP)])
    (tmp_path / "another.jsonl").mkdir()
    with pytest.raises(UnavailableError, match=r"path=.*another\.jsonl") as caught:
        notes.pending()
    assert "move it away" in english(caught.value.remedy)
    assert [one.stop for one in notes.readable()] == [STOP]


def test_everything_is_paused_although_notes_cannot_be_read(tmp_path: Path) -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.step()
    (tmp_path / "another.jsonl").mkdir()
    notes, book = FileEmergencyNotes(tmp_path), MemoryAccountBook()
    book.book([BookedAccount(stage.account_id, STAGE_ACT, "Demo")])
    switch = EmergencyPause(stage.meta, notes, book, stage.clock.now)
    stage.database.noted = notes.pending
    before = len(stage.meta.witnessed)
    stage.step()
    assert stage.now_run.failed_ticks == 1
    assert stage.writes_after(before) == []
    stops = Stops(stage.open_unit, stage.clock, stage.queue, switch)
    view = stops.stop(None, "wrong price", "ana")
    assert (stage.on(), view.confirmed) == ([], True)
    assert "another.jsonl" in english(view.unrecorded)
    assert EmergencyIntake(stage.open_unit, notes, stage.clock, stage.queue).take_in() == 0


def test_notes_that_were_put_away_while_others_are_read_hide_none(tmp_path: Path) -> None:
    notes = FileEmergencyNotes(tmp_path)
    notes.write(STOP.id, [stop_note(STOP)])
    (tmp_path / "another.jsonl").symlink_to(tmp_path / "gone")  # listed, but not there any more
    assert [one.stop for one in notes.pending()] == [STOP]


def test_notes_that_find_no_place_are_told_and_kept_by_the_process(tmp_path: Path) -> None:
    (tmp_path / "emergency").write_text("a file where the folder would be", "utf-8")
    terminal = io.StringIO()
    notes = FileEmergencyNotes(tmp_path / "emergency", terminal)
    assert notes.write(STOP.id, [stop_note(STOP)]) == "standard error"
    assert "wrong price" in terminal.getvalue()
    assert [one.stop for one in notes.pending()] == [STOP]


def test_nobody_else_reads_the_files(tmp_path: Path) -> None:
    notes, book = FileEmergencyNotes(tmp_path / "emergency"), FileAccountBook(tmp_path / "accounts.json")
    notes.reserve()
    notes.write(STOP.id, [stop_note(STOP)])
    book.book([SHOP])
    found = [one for one in tmp_path.rglob("*") if stat.S_IMODE(one.stat().st_mode) & 0o077]
    assert found == []


def test_a_book_that_cannot_be_read_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text("[{", "utf-8")
    assert list(FileAccountBook(tmp_path / "accounts.json").accounts()) == []
