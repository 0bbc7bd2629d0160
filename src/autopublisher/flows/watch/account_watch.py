"""Tick of an account's watch: every check in turn, and one transaction that keeps their records and the next moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from autopublisher.domain.accounts.watches import META, PROBLEM, MetaAnswer, Watch
from autopublisher.domain.errors import AutoPublisherError, MetaError, StaleWatchError
from autopublisher.domain.messages import said_of
from autopublisher.flows.tick_pacing import TickPacing
from autopublisher.flows.ticks import enqueue_look
from autopublisher.flows.watch.account_check import AccountCheck, Outcome
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.ports.work import Tick, TickQueue

_log = structlog.get_logger(__name__)


class AccountWatch:
    """Looks at one account. A check that fails is reported, and the others are done all the same."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        ticks: TickQueue,
        clock: Clock,
        checks: Sequence[AccountCheck],
        every: timedelta,
        *,
        views: JournalViews,
        pacing: TickPacing,
    ) -> None:
        self._open_unit = open_unit
        self._ticks = ticks
        self._clock = clock
        self._checks = checks
        self._every = every
        self._views = views
        self._pacing = pacing

    def look(self, tick: Tick) -> None:
        """Do every check; a tick of another version than the row's is stale and does nothing."""
        with self._pacing.ticking(tick.act_id):
            self._look(tick)

    def _look(self, tick: Tick) -> None:
        with self._open_unit() as unit:
            watch = unit.watches.get(tick.act_id)
            if watch is None or watch.version != tick.version:
                return
            self._pacing.recall(unit)
        outcomes = {check.name: self._done(check, watch) for check in self._checks}
        reported = {name: outcome for name, outcome in outcomes.items() if outcome is not None}
        now = self._clock.now()
        answer = MetaAnswer(now, next(filter(None, (one.unanswered for one in reported.values())), None))
        following = watch.looked(
            now,
            {name: outcome.record for name, outcome in reported.items()} | {META: answer.to_record()},
            self._every,
            done=all(outcome.complete for outcome in reported.values()),
        )
        try:
            self._save(following, watch.version)
        except StaleWatchError as stale:
            _log.info("account_tick_outdated", act_id=watch.act_id, version=watch.version, reason=str(stale))
            self._keep_report(following)

    def _keep_report(self, seen: Watch) -> None:
        """Keep what was seen although the watch was nudged or lifted meanwhile; its next look stays as it is."""
        with self._open_unit() as unit:
            held = unit.watches.get(seen.act_id)
            if held is None or _is_later(held.looked_at, seen.looked_at):
                return
            try:
                unit.watches.save(replace(held, report=seen.report, looked_at=seen.looked_at), held.version)
            except StaleWatchError as again:
                _log.info("account_report_outdated", act_id=seen.act_id, reason=str(again))
                return
            unit.commit()

    def _done(self, check: AccountCheck, watch: Watch) -> Outcome | None:
        before: Mapping[str, Any] | None = watch.report.get(check.name)
        known = None if before is None or PROBLEM in before else before
        try:
            with self._views.session():
                return check(watch.act_id, known, self._clock.now())
        except AutoPublisherError as error:
            _log.warning("account_check_failed", act_id=watch.act_id, check=check.name, reason=str(error))
            said = said_of(error)
            unanswered = said if isinstance(error, MetaError) else None
            return Outcome({PROBLEM: said.to_record()}, complete=False, unanswered=unanswered)

    def _save(self, following: Watch, was: int) -> None:
        with self._open_unit() as unit:
            unit.watches.save(following, was=was)
            enqueue_look(self._ticks, unit, following, self._clock)
            self._pacing.keep(unit)
            unit.commit()
        self._pacing.kept()


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)
