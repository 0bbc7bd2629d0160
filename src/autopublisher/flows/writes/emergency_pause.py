"""Emergency pause: switches off what Meta lists with our mark while the database cannot be written.

The one write in no journal. It sends nothing but status=PAUSED, each written to the emergency notes before it leaves,
campaigns of every account first; then each object is read back. What stands in the notes is taken into the database and
the journals as soon as they can be written (``emergency_intake``); until then the stop holds all the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from autopublisher.domain.accounts.emergency import (
    BookedAccount,
    NotedPause,
    NotedStop,
    report_note,
    stop_note,
)
from autopublisher.domain.accounts.stops import ObjectLine, Stop, StopReport
from autopublisher.domain.errors import AccountNotFoundError, MetaError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, MetaId
from autopublisher.domain.journal.naming import MARK
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import OFF, ObjectState
from autopublisher.domain.meta.pacing import Pacing
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.ports.emergency import AccountBook, EmergencyNotes
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.meta.token import MetaToken

_log = structlog.get_logger(__name__)
_FIELDS = ("id", "name", "status")
_KINDS = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)


class PausingClients(MetaClients, MetaToken, Protocol):
    """The client as an emergency needs it: what it remembers of Meta's limits must not hold it back."""


@dataclass(frozen=True)
class EmergencyReport:
    """What became of an emergency pause, by account, and where its notes stand."""

    stop: Stop
    accounts: Mapping[BookedAccount, StopReport]
    noted_in: str


@dataclass
class _Progress:
    """One account on its way: what was found to be on, what could not be done, and what was read back."""

    account: BookedAccount
    on: list[NotedPause] = field(default_factory=list)
    refused: dict[MetaId, Message] = field(default_factory=dict)
    problems: list[Message] = field(default_factory=list)


class EmergencyPause:
    """Pauses everything of ours in the accounts it knows of."""

    def __init__(
        self,
        clients: PausingClients,
        notes: EmergencyNotes,
        book: AccountBook,
        now: Callable[[], datetime],
    ) -> None:
        self._clients = clients
        self._notes = notes
        self._book = book
        self._now = now

    def scope(self, wanted: str | None) -> ActId | None:
        """Return the ad account that our id or Meta's names, None for all; raises AccountNotFoundError."""
        if wanted is None:
            return None
        named = next((account.act_id for account in self._book.accounts() if account.is_called(wanted)), None)
        if named is None and wanted.removeprefix("act_").isdecimal():
            named = ActId(f"act_{wanted.removeprefix('act_')}")
        if named is None:
            error = AccountNotFoundError()
            error.remedy = Fault.NAME_BY_ACT_ID()
            raise error
        return named

    def moment(self) -> datetime:
        """Return the present moment, as the stop will bear it."""
        return self._now()

    def noted(self) -> Sequence[NotedStop]:
        """Return the stops that can be read in the notes."""
        return self._notes.readable()

    def booked(self) -> Sequence[BookedAccount]:
        """Return the accounts that the book names."""
        return self._book.accounts()

    def standing(self, act_id: ActId | None) -> Stop | None:
        """Return the stop of this scope that stands in the notes already."""
        return next((note.stop for note in self._notes.readable() if note.stop.act_id == act_id), None)

    def unfinished(self) -> Sequence[Stop]:
        """Return the noted stops of which Meta has not shown everything off."""
        return [note.stop for note in self._notes.readable() if not note.is_done]

    def pause(self, stop: Stop, accounts: Sequence[BookedAccount] = ()) -> EmergencyReport:
        """Note the stop, switch off what is on in the accounts it concerns, and report what Meta showed; repeatable.

        ``accounts`` names them where they are not all that are known here.
        Raises MetaError where no account is booked here and Meta does not list any either.
        """
        earlier = next((note for note in self._notes.readable() if note.stop.id == stop.id), None)
        noted_in = self._notes.write(stop.id, [stop_note(stop)])
        try:
            under_way = [_Progress(one) for one in accounts or self._concerned(stop)]
            for one in under_way:
                one.on += [] if earlier is None else _open(earlier, one.account)
            for kind in _KINDS:
                for progress in under_way:
                    self._switch_off(stop, progress, kind)
            reports = {one.account: self._report(stop, one) for one in under_way}
            noted_in = self._notes.write(
                stop.id, [report_note(account.act_id, report) for account, report in reports.items()]
            )
        finally:
            self._notes.close(stop.id)
        _log.warning(
            "emergency_pause_finished", stop_id=stop.id, objects=sum(len(one.on) for one in under_way)
        )
        return EmergencyReport(stop, reports, noted_in)

    def _concerned(self, stop: Stop) -> Sequence[BookedAccount]:
        """Return the accounts to pause: those in the book, or those that Meta lists for the token."""
        booked = self._book.accounts()
        if stop.act_id is not None:
            named = [account for account in booked if account.act_id == stop.act_id]
            return named or [_unbooked(stop.act_id)]
        return booked or [_unbooked(account) for account in self._clients.visible_accounts()]

    def _switch_off(self, stop: Stop, progress: _Progress, kind: ObjectKind) -> None:
        """Pause one account's objects of a kind that are on, noted before the first of them is sent."""
        act_id = progress.account.act_id
        # What is near a limit may be asked all the same: Meta will say.
        self._clients.recall(act_id, Pacing())
        try:
            listed = self._clients.for_account(act_id).find(kind, MARK, _FIELDS)
        except MetaError as error:
            progress.problems.append(WatchMessage.NOT_LISTED(kind=kind.value, why=said_of(error)))
            return
        found = [self._noted(act_id, one) for one in listed if not one.is_off]
        again = {one.meta_id for one in found}
        progress.on = [pause for pause in progress.on if pause.meta_id not in again] + found
        self._notes.write(stop.id, [one.to_record() for one in found])
        for one in found:
            try:
                self._clients.for_account(act_id).update(one.meta_id, {"status": "PAUSED"})
            except MetaError as error:
                progress.refused[one.meta_id] = said_of(error)

    def _noted(self, act_id: ActId, shown: ObjectState) -> NotedPause:
        return NotedPause(self._now(), act_id, shown.kind, shown.id, shown.name)

    def _report(self, stop: Stop, progress: _Progress) -> StopReport:
        lines = tuple(self._line(pause, progress.refused.get(pause.meta_id)) for pause in progress.on)
        return StopReport((stop.id,), self._now(), lines, tuple(progress.problems))

    def _line(self, pause: NotedPause, refused: Message | None) -> ObjectLine:
        """Return what Meta shows of an object now; a pause it did not answer may have worked."""
        state, why = "unknown", refused
        try:
            shown = self._clients.for_account(pause.act_id).read(pause.kind, pause.meta_id, _FIELDS)
            state = str(shown.status)
            why = None if state in OFF else why or WatchMessage.STILL_ON(state=state)
        except MetaError as error:
            why = why or said_of(error)
        return ObjectLine(pause.kind, pause.meta_id, pause.name, None, state, not why, why)


def booked(accounts: Iterable[Any]) -> list[BookedAccount]:
    """Return registered accounts as the book keeps them."""
    return [BookedAccount(account.id, account.act_id, account.name) for account in accounts]


def _open(earlier: NotedStop, account: BookedAccount) -> list[NotedPause]:
    """Return what an earlier attempt has paused without Meta showing it, once each."""
    found = [pause for pause in earlier.unconfirmed if pause.act_id == account.act_id]
    return list({one.meta_id: one for one in found}.values())


def _unbooked(act_id: ActId) -> BookedAccount:
    return BookedAccount(AccountId(act_id), act_id, act_id)
