"""Account check of counts: those that are missing are made at each look, and some each hour held against the journals.

So neither the money gate nor the exposure has to count many. A difference cannot come from this release's own writes: a
database changed by hand, or a fault of ours. The run's log tells it, and the journal counts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.writes.counted_reservations import count
from autopublisher.flows.writes.money_gate import LONGEST, MoneyGate
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork
from autopublisher.ports.reservations import Count, RunGroup

_log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
"""How often an account's counts are compared."""

AT_ONCE = 250
"""Runs that are compared at once: some tenths of a second, and a thousand runs within four hours."""


MADE_AT_ONCE = 100
"""Counts that are made in one transaction, and as many transactions in one look as make up twice ``AT_ONCE``."""


class CountCheck:
    """The check that keeps the stored counts of an account there and true."""

    name = "counts"

    def __init__(self, open_unit: OpenUnitOfWork, gate: MoneyGate) -> None:
        self._open_unit = open_unit
        self._gate = gate

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome:
        """Make what is missing, and compare the next runs after those of the last time."""
        self._make(RunGroup(act_id, None, now - LONGEST))
        if before is not None and now - datetime.fromisoformat(before["at"]) < EVERY:
            return Outcome(before)
        after = None if before is None else before["after"]
        with self._open_unit().reading() as unit:
            alive = RunFilter(act_id=act_id, alive_since=now - LONGEST, before=after, limit=AT_ONCE)
            runs = unit.runs.find(alive)
            wrong = self._wrong(unit, runs)
        differing = self._mended(wrong, now) if wrong else []
        following = runs[-1].id if len(runs) == AT_ONCE else None
        return Outcome({"at": now.isoformat(), "after": following, "differing": differing})

    def _make(self, group: RunGroup) -> None:
        """Store the counts that are missing, not too many at once; a run that is being changed is left for the next look."""
        after = None
        for _ in range(2 * AT_ONCE // MADE_AT_ONCE):
            with self._open_unit().reading() as unit:
                page = unit.reservations.uncounted(group, self._gate.stretch, after, MADE_AT_ONCE)
            if not page:
                return
            with self._open_unit() as unit:
                held = unit.reservations.claim([run.id for run in page])
                unit.reservations.put(count(unit, held, self._gate.stretch))
                unit.commit()
            after = page[-1].id

    def _wrong(self, unit: UnitOfWork, runs: Sequence[Run]) -> Sequence[RunId]:
        """Return the runs whose count is missing or not what their journal says."""
        stored = unit.reservations.counts([run.id for run in runs])
        return [
            one.run.id for one in count(unit, runs, self._gate.stretch) if stored.get(one.run.id) != one.count
        ]

    def _mended(self, run_ids: Sequence[RunId], now: datetime) -> Sequence[RunId]:
        """Store what the journals say now; return the runs of which something else was stored."""
        with self._open_unit() as unit:
            runs = list(unit.reservations.claim(run_ids))
            counted, stored = count(unit, runs, self._gate.stretch), unit.reservations.counts(run_ids)
            unit.reservations.put(counted)
            differing = [one.run for one in counted if _differs(stored.get(one.run.id), one.count)]
            unit.observations.add_events(
                [event(run, now, "miscounted", WatchMessage.MISCOUNTED()) for run in differing]
            )
            unit.commit()
        if differing:
            _log.warning("reservations_miscounted", run_ids=[run.id for run in differing])
        return [run.id for run in differing]


def _differs(stored: Count | None, counted: Count) -> bool:
    """Tell whether something else was stored by the same rule."""
    return stored is not None and stored.rule == counted.rule and stored != counted
