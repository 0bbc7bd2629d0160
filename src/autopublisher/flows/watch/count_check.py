"""Account check of counts: what is stored of the runs' reservations is held against their journals, some runs each hour.

What is missing is counted, so that the money gate need not. A difference cannot come from this release's own writes: a
database changed by hand, a release that knew no counts, or a fault of ours. The run's log tells it, and the journal counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.errors import LimitRefusedError
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.writes.counted_reservations import count
from autopublisher.flows.writes.money_gate import LONGEST, MoneyGate
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

_log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
"""How often an account's counts are compared."""

AT_ONCE = 250
"""Runs that are compared at once: some tenths of a second, and a thousand runs within four hours."""


class CountCheck:
    """The check that keeps the stored counts of an account with limits true."""

    name = "counts"

    def __init__(self, open_unit: OpenUnitOfWork, gate: MoneyGate) -> None:
        self._open_unit = open_unit
        self._gate = gate

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome:
        """Compare the next runs after those of the last time, none where no limit makes anybody count."""
        if before is not None and now - datetime.fromisoformat(before["at"]) < EVERY:
            return Outcome(before)
        after = None if before is None else before["after"]
        with self._open_unit().reading() as unit:
            account = unit.accounts.by_act_id(act_id)
            if account is None or not self._is_limited(account, now):
                return Outcome({"at": now.isoformat(), "after": None, "differing": []})
            alive = RunFilter(act_id=act_id, alive_since=now - LONGEST, before=after, limit=AT_ONCE)
            runs = unit.runs.find(alive)
            wrong = self._wrong(unit, runs)
        differing = self._mended(wrong, now) if wrong else []
        following = runs[-1].id if len(runs) == AT_ONCE else None
        return Outcome({"at": now.isoformat(), "after": following, "differing": differing})

    def _is_limited(self, account: Account, now: datetime) -> bool:
        try:
            return next(self._gate.bounds(account, now), None) is not None
        except LimitRefusedError:
            return False  # nothing is let through at all

    def _wrong(self, unit: UnitOfWork, runs: Sequence[Run]) -> Sequence[RunId]:
        """Return the runs whose count is missing or not what their journal says."""
        stored = unit.reservations.counts([run.id for run in runs])
        return [
            one.run.id
            for one in count(unit, runs, self._gate.stretch)
            if stored.get(one.run.id) != (one.rule, one.spans)
        ]

    def _mended(self, run_ids: Sequence[RunId], now: datetime) -> Sequence[RunId]:
        """Store what the journals say now; return the runs of which something else was stored."""
        with self._open_unit() as unit:
            runs = list(unit.reservations.claim(run_ids))
            counted, stored = count(unit, runs, self._gate.stretch), unit.reservations.counts(run_ids)
            unit.reservations.put(counted)
            differing = [
                one.run
                for one in counted
                if one.run.id in stored
                and stored[one.run.id][0] == one.rule
                and stored[one.run.id][1] != one.spans
            ]
            unit.observations.add_events(
                [event(run, now, "miscounted", WatchMessage.MISCOUNTED()) for run in differing]
            )
            unit.commit()
        if differing:
            _log.warning("reservations_miscounted", run_ids=[run.id for run in differing])
        return [run.id for run in differing]
