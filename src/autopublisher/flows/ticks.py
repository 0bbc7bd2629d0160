"""Enqueueing of a run's next tick and of an account's next check, in the transaction that saves their row."""

from datetime import datetime

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import ActId
from autopublisher.domain.runs.run import Run
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick, TickQueue


def enqueue_next(ticks: TickQueue, *, unit_of_work: UnitOfWork, run: Run, clock: Clock) -> None:
    """Enqueue a run's next tick where its moment is known in real time; otherwise the sweeper finds it when due."""
    if run.is_final or run.next_tick_at is None:
        return
    delay = clock.real_seconds_until(run.next_tick_at)
    if delay is None and run.next_tick_at > clock.now():
        return
    ticks.enqueue(unit_of_work, Tick(run.id, run.version, run.act_id), delay or 0.0)


def enqueue_look(ticks: TickQueue, unit: UnitOfWork, watch: Watch, clock: Clock) -> None:
    """Enqueue an account's next look where its moment is known in real time; otherwise the sweeper finds it when due."""
    delay = clock.real_seconds_until(watch.next_look_at)
    if delay is None and watch.next_look_at > clock.now():
        return
    ticks.enqueue(unit, Tick(None, watch.version, watch.act_id), delay or 0.0)


def look_now(ticks: TickQueue, unit: UnitOfWork, act_id: ActId, now: datetime) -> Watch:
    """Have an account looked at at once, giving it a watch if it has none; raises StaleWatchError in a race."""
    found = unit.watches.get(act_id)
    if found is None:
        watch = Watch(act_id, 1, now)
        unit.watches.add(watch)
    else:
        watch = found.nudged(now)
        unit.watches.save(watch, was=found.version)
    ticks.enqueue(unit, Tick(None, watch.version, act_id))
    return watch
