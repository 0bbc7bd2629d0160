"""Commands of the kill switch, stop and resume: each writes its row and has the accounts checked at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.emergency import BookedAccount
from autopublisher.domain.accounts.stops import STOP_DUTY, Stop, StopMessage, StopReport, report_from_record
from autopublisher.domain.accounts.watches import PROBLEM, Watch
from autopublisher.domain.errors import (
    AutoPublisherError,
    ConflictError,
    InvalidRequestError,
    Problem,
    RunNotFoundError,
    StaleWatchError,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, ActId, RunId, StopId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, remedied, said_of
from autopublisher.flows.requests.deadline import within
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.ticks import look_now
from autopublisher.flows.writes.emergency_pause import EmergencyPause
from autopublisher.flows.writes.stop_guard import stop_lock
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from autopublisher.ports.work import TickQueue

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")
_RACES = 20
PATIENCE_SECONDS = 5.0
"""How long the database may take over a stop before everything is paused without it."""


@dataclass(frozen=True)
class AccountStop:
    """How far a stop has come in one account; ``report`` is None before the first look, ``problem`` why there is none."""

    act_id: ActId
    name: str
    report: StopReport | None
    problem: Message | None = None

    @property
    def confirmed(self) -> bool:
        """Whether Meta has shown everything of ours in this account to be off."""
        return self.report is not None and self.report.confirmed

    @property
    def open_lines(self) -> tuple[Message, ...]:
        """What is not confirmed yet, a message each."""
        if self.report is None:
            return (self.problem or StopMessage.NOT_LOOKED_AT(),)
        return self.report.open_lines


@dataclass(frozen=True)
class StopView:
    """A stop and how far it has come, account by account."""

    stop: Stop
    accounts: tuple[AccountStop, ...]
    unrecorded: Message | None = None
    """Why the database has not taken the stop, and where it stands instead; None where it has."""

    campaigns: Mapping[RunId, str] = field(default_factory=dict)
    """The campaign's name of each run whose objects are reported, as far as this database knows the run."""

    @property
    def confirmed(self) -> bool:
        """Whether everything it concerns is confirmed to be off."""
        return all(account.confirmed for account in self.accounts)


class Stops:
    """Takes stops and their lifting from people, and shows what became of them."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clock: Clock,
        ticks: TickQueue,
        emergency: EmergencyPause | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._ticks = ticks
        self._emergency = emergency

    def stop(self, account_id: AccountId | None, reason: str, actor: str) -> StopView:
        """Stop an account, or everything where none is named; a stop that holds already is looked at again.

        Once this returns, nothing that a stop forbids is sent any more; where the database does not take it, everything of
        ours has been paused without it. Raises AccountNotFoundError, and InvalidRequestError without a reason.
        """
        _need_reason(reason)
        stop_id = StopId(str(uuid4()))

        def recorded() -> StopView:
            return self.view(self._again(lambda: self._stopped(stop_id, account_id, reason, actor)).id)

        if self._emergency is None:
            return recorded()
        try:
            return _with_unknown_accounts(within(PATIENCE_SECONDS, recorded), self._emergency)
        except UnavailableError as error:
            fresh = Stop(stop_id, self._emergency.scope(account_id), reason, actor, self._clock.now())
            return paused_in_emergency(self._emergency, fresh, error)

    def _stopped(self, stop_id: StopId, account_id: AccountId | None, reason: str, actor: str) -> Stop:
        now = self._clock.now()
        with self._open_unit() as unit:
            act_id = None if account_id is None else unit.accounts.get(account_id).act_id
            concerned = sorted(
                account.act_id for account in unit.accounts.all() if act_id in (None, account.act_id)
            )
            for one in concerned:
                unit.lock(stop_lock(one))
            stop = next((one for one in unit.stops.holding() if one.act_id == act_id), None)
            if stop is None:
                stop = Stop(stop_id, act_id, reason, actor, now)
                unit.stops.add(stop)
                unit.observations.add_events([_event(stop, "pressed", actor, stop.said)])
            for one in concerned:
                look_now(self._ticks, unit, one, now)
            unit.commit()
        return stop

    def resume(
        self,
        actor: str,
        reason: str,
        *,
        stop_id: StopId | None = None,
        account_id: AccountId | None = None,
        reactivate: bool = False,
    ) -> Sequence[StopView]:
        """Lift one stop, or those of one account; runs go on, and ``reactivate`` asks for final campaigns as well.

        Raises StopNotFoundError, AccountNotFoundError, InvalidRequestError without a reason or without one of the two ids,
        and ConflictError where nothing is to be lifted.
        """
        _need_reason(reason)
        if (stop_id is None) == (account_id is None):
            raise InvalidRequestError([Problem("stop_id", *remedied(Refusal.STOP_OR_ACCOUNT()))])
        lifted = self._again(lambda: self._lifted(actor, reason, stop_id, account_id, reactivate=reactivate))
        return [self.view(stop.id) for stop in lifted]

    def _lifted(
        self,
        actor: str,
        reason: str,
        stop_id: StopId | None,
        account_id: AccountId | None,
        *,
        reactivate: bool,
    ) -> Sequence[Stop]:
        now = self._clock.now()
        with self._open_unit() as unit:
            accounts = sorted(unit.accounts.all(), key=lambda one: one.act_id)
            for account in accounts:  # in the order of a press, or each could wait for the other for ever
                unit.lock(stop_lock(account.act_id))
            chosen = _chosen(unit, stop_id, account_id, reactivate=reactivate)
            lifted = [
                # What was seen while it held is kept: by a second lifting the accounts' records tell of something else.
                one.lifted(
                    now,
                    actor,
                    reason,
                    _reports(unit, one, accounts) if one.holds else one.report or {},
                    reactivate=reactivate,
                )
                for one in chosen
            ]
            for one in lifted:
                unit.stops.save(one)
                unit.observations.add_events(
                    [_event(one, "lifted", actor, StopMessage.LIFTED(actor=actor, reason=reason))]
                )
            for account in accounts:
                if any(stop.concerns(account.act_id) for stop in lifted):
                    look_now(self._ticks, unit, account.act_id, now)
            unit.commit()
        return lifted

    def holding(self) -> Sequence[Stop]:
        """Return the stops that hold, oldest first."""
        with self._open_unit().reading() as unit:
            return unit.stops.holding()

    def accounts(self) -> Sequence[Account]:
        """Return the accounts that can be stopped, by name."""
        with self._open_unit().reading() as unit:
            return unit.accounts.all()

    def noted(self) -> tuple[Sequence[StopView], Sequence[BookedAccount]]:
        """Return the stops and accounts that are known without the database."""
        if self._emergency is None:
            return (), ()
        views = [
            StopView(
                noted_stop.stop,
                tuple(AccountStop(act_id, act_id, report) for act_id, report in noted_stop.reports.items()),
                StopMessage.NOT_TAKEN_YET(),
            )
            for noted_stop in self._emergency.noted()
        ]
        return views, self._emergency.booked()

    def view(self, stop_id: StopId) -> StopView:
        """Return a stop and how far it has come; raises StopNotFoundError."""
        with self._open_unit().reading() as unit:
            return _with_campaigns(unit, [_view(unit, unit.stops.get(stop_id))])[0]

    def views(self, limit: int = 50) -> Sequence[StopView]:
        """Return stops, those that hold first, then the newest."""
        return views_of(self._open_unit, limit)

    def _again(self, act: Callable[[], _T]) -> _T:
        """Repeat a transaction that lost a race against a look's end."""
        for _ in range(_RACES):
            try:
                return act()
            except StaleWatchError as stale:
                _log.info("stop_raced", reason=str(stale))
        return act()


def _with_unknown_accounts(view: StopView, emergency: EmergencyPause) -> StopView:
    """Pause the accounts of a stop of everything that this database does not have: another may have known them."""
    known = {account.act_id for account in view.accounts}
    unknown = [account for account in emergency.booked() if account.act_id not in known]
    if view.stop.act_id is not None or not unknown:
        return view
    report = emergency.pause(view.stop, unknown)
    more = tuple(AccountStop(one.act_id, one.name, found) for one, found in report.accounts.items())
    return replace(view, accounts=(*view.accounts, *more))


def paused_in_emergency(emergency: EmergencyPause, stop: Stop, problem: AutoPublisherError) -> StopView:
    """Pause everything a stop concerns without the database, and say what could not be recorded and where it stands."""
    report = emergency.pause(emergency.standing(stop.act_id) or stop)
    unrecorded = StopMessage.UNRECORDED(problem=said_of(problem), place=str(report.noted_in))
    accounts = tuple(AccountStop(one.act_id, one.name, found) for one, found in report.accounts.items())
    return StopView(report.stop, accounts, unrecorded)


def views_of(open_unit: OpenUnitOfWork, limit: int = 50) -> Sequence[StopView]:
    """Return stops and how far each has come, those that hold first, then the newest."""
    with open_unit().reading() as unit:
        return _with_campaigns(unit, [_view(unit, stop) for stop in unit.stops.latest(limit)])


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidRequestError([Problem("reason", *remedied(Refusal.NO_REASON()))])


def _chosen(
    unit: UnitOfWork, stop_id: StopId | None, account_id: AccountId | None, *, reactivate: bool
) -> Sequence[Stop]:
    """Return the stops to lift; an account under a stop of everything cannot be let out of it alone.

    A stop lifted without giving final campaigns back may be lifted once more to give them back.
    """
    if stop_id is not None:
        stop = unit.stops.get(stop_id)
        if stop.holds or (reactivate and not stop.reactivate):
            return [stop]
        raise ConflictError(*remedied(Refusal.LIFTED_ALREADY()))
    account = unit.accounts.get(AccountId(str(account_id)))
    holding = unit.stops.holding(account.act_id)
    own = [one for one in holding if one.act_id is not None]
    if own:
        return own
    if holding:
        raise ConflictError(*remedied(Refusal.EVERYTHING_STOPPED(stop=holding[0].id)))
    past = [one for one in unit.stops.concerning(account.act_id) if not one.holds]
    last = max(past, key=lambda stop: stop.lifted_at or stop.at, default=None)
    if reactivate and last is not None and not last.reactivate:
        return [last]
    raise ConflictError(*remedied(Refusal.NOT_STOPPED()))


def _view(unit: UnitOfWork, stop: Stop) -> StopView:
    accounts = [account for account in unit.accounts.all() if stop.concerns(account.act_id)]
    if stop.holds:
        watches = {watch.act_id: watch for watch in unit.watches.all()}
        so_far = tuple(_so_far(stop, account, watches.get(account.act_id)) for account in accounts)
        # Only a stop that the database has not taken brings its reports along while it holds.
        return StopView(stop, so_far, None if stop.report is None else StopMessage.NOT_TAKEN_YET())
    kept: Mapping[str, Any] = stop.report or {}
    names = {account.act_id: account.name for account in accounts}
    return StopView(
        stop,
        tuple(
            AccountStop(ActId(act_id), names.get(ActId(act_id), act_id), report_from_record(record))
            for act_id, record in kept.items()
        ),
    )


def _with_campaigns(unit: UnitOfWork, views: Sequence[StopView]) -> Sequence[StopView]:
    """Return the views with the campaigns' names of the runs they report about; each run is read once."""
    names: dict[RunId, str] = {}
    for run_id in {one for view in views for one in _runs_in(view)}:
        with suppress(RunNotFoundError):
            names[run_id] = unit.runs.get(run_id).request.campaign_name
    return [
        replace(view, campaigns={one: names[one] for one in _runs_in(view) if one in names}) for view in views
    ]


def _runs_in(view: StopView) -> Iterable[RunId]:
    reports = (account.report for account in view.accounts if account.report is not None)
    return (line.run_id for report in reports for line in report.objects if line.run_id is not None)


def _so_far(stop: Stop, account: Account, watch: Watch | None) -> AccountStop:
    record = {} if watch is None else watch.report.get(STOP_DUTY, {})
    noted = (stop.report or {}).get(account.act_id)
    if noted is not None and stop.id not in record.get("stops", ()):
        return AccountStop(account.act_id, account.name, report_from_record(noted))
    if PROBLEM in record:
        return AccountStop(account.act_id, account.name, None, Message.from_record(record[PROBLEM]))
    report = _report_about(stop, record)
    return AccountStop(account.act_id, account.name, report)


def _report_about(stop: Stop, record: Mapping[str, Any]) -> StopReport | None:
    """Return the report if it was made while this stop held."""
    if stop.id not in record.get("stops", ()):
        return None
    return report_from_record(record)


def _reports(unit: UnitOfWork, stop: Stop, accounts: Sequence[Account]) -> dict[str, Any]:
    """Return what was last reported of the accounts a stop concerns, to be kept with it."""
    views = [
        _so_far(stop, account, unit.watches.get(account.act_id))
        for account in accounts
        if stop.concerns(account.act_id)
    ]
    return {view.act_id: view.report.to_record() for view in views if view.report is not None}


def _event(stop: Stop, action: str, actor: str, message: Message) -> Event:
    at = stop.lifted_at or stop.at
    facts = {"stop_id": stop.id, "act_id": stop.act_id}
    return Event(at, f"stops:stop:{action}", actor, message, None, facts)
