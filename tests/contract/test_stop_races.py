"""Presses and liftings of the kill switch at the same moment, on a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import Engine

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import AccountId, ActId
from autopublisher.flows.requests.stops import Stops
from autopublisher.ports.repositories import UnitOfWork
from autopublisher.ports.work import Tick

PATIENCE = 60.0


class Meeting:
    """A queue at whose first ticks two transactions wait for each other, if both get that far within a second."""

    def __init__(self) -> None:
        self._both = threading.Barrier(2)

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Forget the tick; wait for the other once."""
        del unit, tick, delay_seconds
        with suppress(threading.BrokenBarrierError):
            self._both.wait(timeout=1.0)
        self._both.abort()


class NoTicks:
    """A queue that takes note of nothing."""

    def enqueue(self, unit: UnitOfWork, tick: Tick, delay_seconds: float = 0.0) -> None:
        """Forget the tick."""


@pytest.fixture
def open_two_accounts(postgres_engine: Engine, account: Account, now: datetime) -> partial[SqlUnitOfWork]:
    """Units of work over two accounts whose names come in the other order than their ids at Meta."""
    open_unit = partial(SqlUnitOfWork, postgres_engine)
    with open_unit() as unit:
        for number, name in enumerate(("Zebra", "Apple"), start=1):
            act_id = ActId(f"act_{number}")
            unit.accounts.add(replace(account, id=AccountId(f"account-{number}"), act_id=act_id, name=name))
            unit.watches.add(Watch(act_id, 1, now))
        unit.commit()
    return open_unit


@pytest.mark.postgres
def test_a_press_and_a_lifting_at_the_same_moment_both_come_through(
    open_two_accounts: partial[SqlUnitOfWork], now: datetime
) -> None:
    first = Stops(open_two_accounts, ManualClock(now), NoTicks()).stop(None, "wrong price", "ana").stop
    stops = Stops(open_two_accounts, ManualClock(now), Meeting())
    with ThreadPoolExecutor(2) as pool:
        pressed = pool.submit(stops.stop, None, "wrong again", "bob")
        lifted = pool.submit(stops.resume, "eva", "mended", stop_id=first.id)
        ended = (pressed.exception(PATIENCE), lifted.exception(PATIENCE))
    assert ended == (None, None)
