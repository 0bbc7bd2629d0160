"""Account check after a stop: held runs go on, and final campaigns are switched on again if that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from autopublisher.domain.accounts.stops import Stop, last_requested_params, was_stopped
from autopublisher.domain.errors import GateRefusedError, MetaError, StaleOperationError, StaleRunError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.money.gate_messages import GateReason
from autopublisher.domain.money.ledger import ledger_of
from autopublisher.domain.reconciliation.found import found_in
from autopublisher.domain.runs.final_campaign import published, published_keys
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, OperationRefused
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.ticks import enqueue_next
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import TickQueue

_UNDER_WAY = frozenset(RunStatus) - FINAL


class ResumeAfterStop:
    """The check that ends a stop: it has nothing to do while one holds."""

    name = "resume"

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        ticks: TickQueue,
        clock: Clock,
        control: ObjectControl,
    ) -> None:
        self._open_unit = open_unit
        self._ticks = ticks
        self._clock = clock
        self._control = control

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Wake what was held; switch final campaigns on again where the last stop was lifted with that wish."""
        with self._open_unit().reading() as unit:
            if unit.stops.holding(act_id):
                return None
            held = list(every_run(unit, RunFilter(statuses=_UNDER_WAY, act_id=act_id)))
            lifted = unit.stops.concerning(act_id)
        for run in held:
            if run.next_tick_at is None and not found_in(self._control.rows(run)):
                self._wake(run, now)
        last = max(lifted, key=lambda stop: stop.lifted_at or stop.at, default=None)
        if last is None or not last.reactivate:
            return None
        if before is not None and before.get("stop") == last.id and before.get("complete"):
            return Outcome(before)
        earlier = before["runs"] if before is not None and before.get("stop") == last.id else ()
        told = {line["run_id"]: line for line in earlier}
        return self._finals(act_id, last, _held_since(last, lifted), told, now)

    def _wake(self, run: Run, now: datetime) -> None:
        """Let the run go on; a pause of the stop's that was never settled is no longer wanted."""
        try:
            for row in self._control.rows(run):
                if row.purpose is Purpose.STOP and not row.is_settled:
                    self._control.settle(run, row)
            woken = replace(run, version=run.version + 1, updated_at=now, next_tick_at=now, attention=None)
            if run.trial.starts_at is not None and run.trial.stopped_at is None:
                woken = replace(woken, trial=replace(woken.trial, interrupted_at=now))
            with self._open_unit() as unit:
                unit.runs.save(woken, was=run.version)
                said = event(run, now, "resumed", RunMessage.RESUMED())
                unit.observations.add_events([said])
                enqueue_next(self._ticks, unit_of_work=unit, run=woken, clock=self._clock)
                unit.commit()
        except (StaleRunError, StaleOperationError):
            return  # it is awake: somebody else has moved it on

    # --- final campaigns ----------------------------------------------------------------------------

    def _finals(
        self, act_id: ActId, stop: Stop, since: datetime, told: Mapping[str, Any], now: datetime
    ) -> Outcome:
        """Switch on again what the stop switched off; a run's log says what came of it, once. ``told`` are earlier lines."""
        with self._open_unit().reading() as unit:
            wanted = RunFilter(statuses=frozenset({RunStatus.COMPLETED}), act_id=act_id)
            done = list(every_run(unit, wanted))
        lines = []
        for run in done:
            came = self._final(run, since, now)
            if came is None:
                continue
            line = {"run_id": run.id, "state": came.state.value, "why": came.why and came.why.to_record()}
            lines.append(line)
            if line != told.get(run.id) and came.said is not None:
                with self._open_unit() as unit:
                    unit.observations.add_events([event(run, now, came.state.value, came.said)])
                    unit.commit()
        complete = all(line["state"] != Reactivation.NOT_ON_YET for line in lines)
        return Outcome({"stop": stop.id, "complete": complete, "runs": lines}, complete)

    def _final(self, run: Run, since: datetime, now: datetime) -> "_Came | None":
        """Switch one run's final campaign on again if the stop switched it off; None where it did not."""
        rows = self._control.rows(run)
        finals = [row for row in published(run, self._control.created(run)) if row.spec.kind in TREE]
        dark = [row for row in finals if was_stopped(rows, row.key, since)]
        if not dark:
            return None
        unfit = _why_not(run, rows, now)
        return self._switched_on(run, dark) if unfit is None else _Came(Reactivation.LEFT_PAUSED, unfit)

    def _switched_on(self, run: Run, dark: Sequence[Operation]) -> "_Came":
        try:
            self._control.activate(run, dark)
        except Deferred as wait:
            return _Came(Reactivation.NOT_ON_YET, wait.attention)
        except (MetaError, StaleRunError, StaleOperationError) as error:
            return _Came(Reactivation.NOT_ON_YET, said_of(error))
        except GateRefusedError as error:
            return _Came(Reactivation.LEFT_PAUSED, said_of(error))
        except (OperationRefused, RunFailed) as refused:
            return _Came(Reactivation.LEFT_PAUSED, refused.said)
        return _Came(Reactivation.REACTIVATED)


class Reactivation(StrEnum):
    """What became of a final campaign that was to be switched on again after a stop."""

    REACTIVATED = "reactivated"
    NOT_ON_YET = "not_on_yet"
    LEFT_PAUSED = "left_paused"


@dataclass(frozen=True)
class _Came:
    state: Reactivation
    why: Message | None = None

    @property
    def said(self) -> Message | None:
        """What people are told; None where it only takes another look."""
        if self.state is Reactivation.REACTIVATED:
            return RunMessage.REACTIVATED()
        if self.why is None:
            return None
        told = RunMessage.LEFT_PAUSED if self.state is Reactivation.LEFT_PAUSED else RunMessage.NOT_ON_YET
        return told(why=self.why)


def _held_since(last: Stop, stops: Sequence[Stop]) -> datetime:
    """Return since when the account was stopped without a break until ``last`` was lifted."""
    since = last.at
    for one in sorted(stops, key=lambda stop: stop.at, reverse=True):
        if one.at < since <= (one.lifted_at or since):
            since = one.at
    return since


def _why_not(run: Run, rows: Sequence[Operation], now: datetime) -> Message | None:
    """Return why a final campaign must stay paused: its money is no longer set aside, or its time is over."""
    keys = published_keys(run, ObjectKind.AD_SET)
    reserves = [row for row in rows if row.key in keys and row.spec.reserves > 0 and row.spent is None]
    if len(reserves) < max(1, len(keys)):
        return RunMessage.NOT_SET_ASIDE()
    if ledger_of(total_of(run), rows).left.minor < 0:
        return GateReason.MORE_THAN_TOTAL(total=total_of(run))
    ends = [last_requested_params(rows, key).get("end_time") for key in keys]
    if any(one is None or datetime.fromisoformat(str(one)) <= now for one in ends):
        return RunMessage.TIME_IS_OVER()
    return None
