"""Assembly of the emergency pause: for the product, and for a command line on which nothing else can start."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from autopublisher.adapters.emergency_files import (
    BOOK_FILE,
    NOTES_FOLDER,
    FileAccountBook,
    FileEmergencyNotes,
)
from autopublisher.adapters.work_dbos_rounds import Rounds
from autopublisher.bootstrap.clocks import opened_clock
from autopublisher.bootstrap.meta_client import client_of
from autopublisher.bootstrap.simulator_process import announced
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.errors import AutoPublisherError, UnwritableError
from autopublisher.flows.watch.emergency_intake import EmergencyIntake
from autopublisher.flows.writes.emergency_pause import EmergencyPause, booked
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.ports.work import TickQueue
from autopublisher.settings import LIVE_GRAPH_URL, Settings

ROUND_SECONDS = 1.0
ROUNDS_BETWEEN_PAUSES = 10
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EmergencyFiles:
    """What an installation keeps outside its database for an emergency."""

    notes: FileEmergencyNotes
    book: FileAccountBook


def emergency_files(settings: Settings) -> EmergencyFiles:
    """Return the notes and the account book of an installation."""
    home = settings.home
    return EmergencyFiles(FileEmergencyNotes(home / NOTES_FOLDER), FileAccountBook(home / BOOK_FILE))


class EmergencyKeeper:
    """Periodic work for emergencies: notes are taken in, and what they left on is paused once more."""

    def __init__(
        self,
        files: EmergencyFiles,
        intake: EmergencyIntake,
        pause: EmergencyPause,
        open_unit: OpenUnitOfWork,
    ) -> None:
        self._files = files
        self._intake = intake
        self._pause = pause
        self._open_unit = open_unit
        self._rounds = 0

    def start(self) -> Rounds:
        """Book the accounts, set room aside, take in what an emergency has left, and begin the rounds."""
        self._files.notes.reserve()
        try:
            self.book_accounts()
            self._intake.take_in()
        except AutoPublisherError as error:
            _log.warning("emergency_not_prepared", reason=str(error))
        rounds = Rounds("autopublisher-emergency", self._round, ROUND_SECONDS)
        rounds.start()
        return rounds

    def book_accounts(self) -> None:
        """Write the registered accounts where an emergency finds them."""
        with self._open_unit().reading() as unit:
            accounts = unit.accounts.all()
        self._files.book.book(booked(accounts))

    def _round(self) -> None:
        left = self._intake.take_in()
        self._rounds += 1
        if self._rounds % ROUNDS_BETWEEN_PAUSES:
            return
        for stop in self._pause.unfinished() if left else self._unenforceable():
            self._pause.pause(stop)

    def _unenforceable(self) -> Sequence[Stop]:
        """Return the stops that hold although nothing can be journaled to make them true: a disk may fill up after them."""
        holding: Sequence[Stop] = ()
        try:
            with self._open_unit() as unit:
                holding = unit.stops.holding()
                if holding:
                    unit.prove_writable()
                    unit.commit()
        except UnwritableError:
            return holding
        return ()


def keeper_of(
    files: EmergencyFiles, pause: EmergencyPause, open_unit: OpenUnitOfWork, clock: Clock, ticks: TickQueue
) -> EmergencyKeeper:
    """Return the keeper of a product's emergencies."""
    return EmergencyKeeper(files, EmergencyIntake(open_unit, files.notes, clock, ticks), pause, open_unit)


@contextmanager
def opened_emergency(settings: Settings) -> Iterator[EmergencyPause]:
    """Open the way to Meta and nothing else; in stub mode the simulator that runs, for without one nothing is on."""
    with ExitStack() as undo:
        url, token = settings.meta_graph_url or LIVE_GRAPH_URL, ""
        if settings.supervises_simulator:
            found = announced(settings.home)
            url, token = found.url, found.token
        clock = undo.enter_context(opened_clock(settings, url, token))
        meta = undo.enter_context(client_of(settings, clock, url))
        files = emergency_files(settings)
        yield EmergencyPause(meta, files.notes, files.book, clock.now)
