"""Advances a run by one tick: the phase of its status works, and one transaction saves everything that came of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from autopublisher.domain.errors import (
    AutoPublisherError,
    GateRefusedError,
    LimitRefusedError,
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaReadError,
    MetaRefusedError,
    MetaThrottledError,
    StaleOperationError,
    StaleRunError,
    UnavailableError,
)
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import Message, remedy_of, said_of
from autopublisher.domain.meta.answers import said_by_meta
from autopublisher.domain.runs.run import Control, Run, RunStatus
from autopublisher.domain.runs.run_messages import RunEnd, RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, Held, OperationRefused, Stopped, Unread
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Phase, Step, event
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.campaign_record import keep_campaign
from autopublisher.flows.runs.finished_test import left_test
from autopublisher.flows.runs.holding import Holding
from autopublisher.flows.tick_pacing import TickPacing
from autopublisher.flows.ticks import enqueue_next
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.flows.writes.money_gate import LIMIT_WAIT
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.work import Tick, TickQueue

_log = structlog.get_logger(__name__)
_LONGEST_BACKOFF = timedelta(hours=1)
_QUEUE_PAGE = 20
_FIRST_BACKOFF = timedelta(seconds=30)

READ_TRIES = 31
"""So many times in a row, about a day, Meta may give no answer that can be used before a run ends for it.

A tick that fails for anything else is none of them, and one in which something was done for the first time begins anew.
"""

_UNREADABLE = (MetaReadError, MetaRefusedError)


class Orchestrator:
    """The tick handler. ``phases`` holds the work of every status that is not final; ``holding`` may keep a run from it."""

    def __init__(  # noqa: PLR0917 (what it works with, then the work)
        self,
        open_unit: OpenUnitOfWork,
        ticks: TickQueue,
        clock: Clock,
        phases: Mapping[RunStatus, Phase],
        teardown: Phase,
        holding: Holding,
        *,
        views: JournalViews,
        pacing: TickPacing,
    ) -> None:
        self._open_unit = open_unit
        self._ticks = ticks
        self._clock = clock
        self._phases = phases
        self._teardown = teardown
        self.holding = holding
        self._views = views
        self._pacing = pacing

    def advance(self, tick: Tick) -> None:
        """Advance the run; a tick of another version than the row's is stale and does nothing."""
        if tick.run_id is None:
            return
        try:
            with self._pacing.ticking(tick.act_id), self._views.session():
                self._advance(tick, tick.run_id)
        except (StaleRunError, StaleOperationError) as stale:
            _log.info("tick_outdated", run_id=tick.run_id, version=tick.version, reason=str(stale))

    def _advance(self, tick: Tick, run_id: RunId) -> None:
        with self._open_unit() as unit:
            run = unit.runs.get(run_id)
            if run.version != tick.version or run.is_final:
                return
            self._views.load(unit, run)
            barrier = _barrier(unit, run)
            self._pacing.recall(unit)
        self._save_claimed(run, self._worked(run, barrier))

    def _worked(self, run: Run, barrier: Stopped | UnavailableError | None) -> Step:
        """Run the phase and turn every outcome it can have into a step; a ``barrier`` lets only what ends a run pass."""
        now = self._clock.now()
        if run.control is Control.CANCEL and not run.is_ending:
            why = run.ending.why or RunEnd.CANCELLED(actor=run.control_by or "")
            ending = replace(run.ending, turned_to=RunStatus.CANCELLED, turned_at=now, why=why)
            run = replace(run, ending=ending)
        phase = self._phases[run.status] if run.ending.turned_to is None else self._teardown
        done = self._views.of(run).done
        try:
            if barrier is not None and run.ending.turned_to is None:
                raise barrier
            try:
                run = run if run.control is Control.ADOPT else self.holding.compared(run)
                self.holding.settled(run)
                step = self.holding.adopted(run) if run.control is Control.ADOPT else phase(run)
            except Held:
                step = self.holding.held(run)
        except Deferred as wait:
            return self._deferred(run, now, wait, done)
        except OperationRefused as refused:
            return self._failing(run, now, refused.said)
        except LimitRefusedError as refused:
            return self._limited(run, now, refused)
        except (RunFailed, GateRefusedError) as failed:
            return self._failing(run, now, failed.said if isinstance(failed, RunFailed) else said_of(failed))
        except (StaleRunError, StaleOperationError):
            raise
        except AutoPublisherError as error:
            return self._put_off(self._credited(run, done), now, error)
        return replace(step, run=step.run.untroubled()) if step.progresses else step

    def _deferred(self, run: Run, now: datetime, wait: Deferred, done: int) -> Step:
        """Wait as told; for a write whose outcome cannot be read no longer than for any other reading."""
        unread = wait.__cause__ if isinstance(wait, Unread) else None
        if not isinstance(unread, _UNREADABLE):
            return _waiting(run, wait)
        return self._again(self._credited(run, done), now, unread)

    def _credited(self, run: Run, done: int) -> Run:
        """Return the run without its failed ticks if more is done than before this one: it gets on, however slowly."""
        return run.untroubled() if self._views.of(run).done > done else run

    def _failing(self, run: Run, now: datetime, reason: Message) -> Step:
        """Turn the run to its end; while it is winding down already, keep at it and tell people."""
        if run.ending.turned_to is not None:
            wait = now + self._backoff(run)
            stuck = replace(run, next_tick_at=wait, attention=reason, failed_ticks=run.failed_ticks + 1)
            return Step(stuck, (event(run, now, "stuck", RunMessage.STUCK(why=reason)),))
        ending = replace(run.ending, turned_to=RunStatus.FAILED, turned_at=now, why=reason)
        # what has to be switched off is not waited for as long
        failing = replace(run.untroubled(), ending=ending, next_tick_at=now)
        return Step(failing, (event(run, now, "failing", RunMessage.FAILING(why=reason)),))

    def _limited(self, run: Run, now: datetime, refused: LimitRefusedError) -> Step:
        """Let a winner wait for a limit's next day or raising; a test that may not go on has to end."""
        if run.status is RunStatus.PUBLISHING_FINAL and run.ending.turned_to is None:
            return _waiting(run, Deferred(now + LIMIT_WAIT, said_of(refused)))
        return self._failing(run, now, said_of(refused))

    def _put_off(self, run: Run, now: datetime, error: AutoPublisherError) -> Step:
        """Try again later: a failed read loses nothing, and Meta holds the money meanwhile."""
        if isinstance(error, MetaRefusedError) and run.ending.turned_to is None:
            return self._failing(run, now, said_by_meta(error))
        return self._again(run, now, error)

    def _again(self, run: Run, now: datetime, error: AutoPublisherError) -> Step:
        """Put a run off by what went wrong, longer each time; what Meta does not let be read is not asked for ever."""
        if isinstance(error, _UNREADABLE) and run.unread_ticks >= READ_TRIES and _needs_reading(run, now):
            return self._unread(run, now, error)
        told = error.retry_at if isinstance(error, MetaThrottledError) else None
        wait = told or now + self._backoff(run)
        people = isinstance(error, MetaAuthorisationError | MetaHumanNeededError)
        attention = _with_remedy(error)
        _log.warning("tick_deferred", run_id=run.id, status=run.status, reason=str(error), until=str(wait))
        said = event(
            run, now, "needs_person" if people else "put_off", RunMessage.AGAIN(wait=wait, why=said_of(error))
        )
        unread = run.unread_ticks + isinstance(error, _UNREADABLE)
        late = replace(
            run,
            next_tick_at=wait,
            attention=attention,
            failed_ticks=run.failed_ticks + 1,
            unread_ticks=unread,
        )
        return Step(late, (said,))

    def _unread(self, run: Run, now: datetime, error: MetaError) -> Step:
        """End a run whose phase cannot be done without what Meta does not let be read; it says so in words of its own."""
        tries = run.unread_ticks + 1
        if run.ending.turned_to is not None:
            said = RunMessage.UNPROVED(tries=tries, why=said_of(error))
            wait = now + _LONGEST_BACKOFF
            stuck = replace(
                run,
                next_tick_at=wait,
                attention=said,
                failed_ticks=run.failed_ticks + 1,
                unread_ticks=tries,
            )
            first = run.unread_ticks == READ_TRIES
            return Step(stuck, (event(run, now, "stuck", RunMessage.STUCK(why=said)),) if first else ())
        reason = RunMessage.UNREAD(tries=tries, why=said_of(error))
        if run.status is not RunStatus.PENDING:
            return self._failing(run, now, reason)
        refused = event(run, now, "failed", RunMessage.REFUSED_AT_ADMISSION(why=reason))
        ended = replace(run, ending=replace(run.ending, why=reason))
        return Step(ended.moved(RunStatus.FAILED, now), (refused,))

    def _backoff(self, run: Run) -> timedelta:
        doublings: int = min(run.failed_ticks, 10)
        return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * (1 << doublings))

    def _save_claimed(self, run: Run, step: Step) -> None:
        try:
            self._save(run, step)
        except Deferred as wait:  # what the step was to take is gone: nothing of it was saved
            self._save(run, _waiting(run, wait))

    def _save(self, run: Run, step: Step) -> None:
        """Commit the run's next version, its records and its next tick together."""
        following = replace(step.run, version=run.version + 1, updated_at=self._clock.now())
        left = left_test(self._open_unit, run, following)
        with self._open_unit() as unit:
            if step.claim is not None:
                step.claim(unit)
            unit.runs.save(following, was=run.version)
            self._views.save_models(unit)
            keep_campaign(unit, following, following.updated_at)
            unit.observations.add_events(step.events)
            for decision in step.decisions:
                unit.decisions.add(decision)
            if left is not None:
                left.keep(unit)
            enqueue_next(self._ticks, unit_of_work=unit, run=following, clock=self._clock)
            self._pacing.keep(unit)
            unit.commit()
        self._pacing.kept()
        if following.is_final or _leaves_its_turn(following):
            self._call_next(following)
        if step.run.status is not run.status:
            _log.info("run_moved", run_id=run.id, was=run.status, status=step.run.status)

    def _call_next(self, before: Run) -> None:
        """Wake the run whose turn it is, as an end frees one place; a run that leaves its turn calls the next after it.

        One that has moved on meanwhile needs no waking.
        """
        now = self._clock.now()
        after = None if before.is_final else before.id
        queue = RunFilter(statuses=frozenset({RunStatus.PENDING}), before=after, limit=_QUEUE_PAGE)
        with self._open_unit().reading() as unit:
            waiting = next((run for run in every_run(unit, queue) if _is_in_line(run, now)), None)
        if waiting is None:
            return
        woken = replace(waiting, version=waiting.version + 1, next_tick_at=now, updated_at=now)
        try:
            with self._open_unit() as unit:
                unit.runs.save(woken, was=waiting.version)
                enqueue_next(self._ticks, unit_of_work=unit, run=woken, clock=self._clock)
                unit.commit()
        except StaleRunError as stale:
            _log.info("wake_skipped", run_id=waiting.id, before=before.id, reason=str(stale))


def _is_in_line(run: Run, now: datetime) -> bool:
    """Tell whether a queued run waits for a place, and not for its own moment or for a stop to be lifted.

    One that is due has been called already: a second end calls the next, for there is a place for each. One that could not
    be checked keeps to its own waits.
    """
    scheduled = run.request.scheduled_for
    is_waiting = run.next_tick_at is not None and run.next_tick_at > now and run.failed_ticks == 0
    return is_waiting and (scheduled is None or scheduled <= now)


def _leaves_its_turn(run: Run) -> bool:
    """Tell whether a queued run cannot take a place now: a stop holds it, or it could not be checked."""
    return run.status is RunStatus.PENDING and (run.next_tick_at is None or run.failed_ticks > 0)


def _barrier(unit: UnitOfWork, run: Run) -> Stopped | UnavailableError | None:
    """Return the stop that holds over the run's account, or why nobody can say whether one does."""
    try:
        holding = unit.stops.holding(run.act_id)
    except UnavailableError as unknown:
        return unknown
    return Stopped(holding[0]) if holding else None


def _with_remedy(error: AutoPublisherError) -> Message:
    said = said_of(error)
    return RunMessage.ERROR_WITH_REMEDY(error=said, remedy=remedy_of(error)) if error.remedy else said


def _needs_reading(run: Run, now: datetime) -> bool:
    """Tell whether a run can do nothing else: a test that is under way goes on to its end, and figures add up."""
    ends = run.trial.ends_at
    is_under_way = run.status is RunStatus.AB_TESTING and ends is not None and now < ends
    return run.ending.turned_to is not None or not is_under_way


def _waiting(run: Run, wait: Deferred) -> Step:
    return Step(replace(run.untroubled(), next_tick_at=wait.until, attention=wait.attention))
