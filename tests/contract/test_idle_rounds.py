"""Rounds of an idle worker whose time moves only when told: they ask nothing until something is stored or time moves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.bootstrap.rounds import Round
from metasim.config import SimulatorConfig
from metasim.server import SimulatorThread


@pytest.fixture
def clock() -> Iterator[SimulatedClock]:
    with SimulatorThread(SimulatorConfig(mode="manual")) as sim, SimulatedClock(sim.url) as clock:
        yield clock


class Counted:
    """A round over a sweep that finds as many overdue ticks as ``overdue`` says in turn, and a store that may change."""

    def __init__(self, clock: SimulatedClock, *overdue: int) -> None:
        self.sweeps = 0
        self.changed = False
        self._overdue = overdue
        self.round = Round(self._sweep, clock=clock, changed=lambda: self.changed)

    def _sweep(self) -> int:
        self.sweeps += 1
        return self._overdue[self.sweeps - 1]


def test_an_idle_round_is_not_repeated_until_something_is_stored(clock: SimulatedClock) -> None:
    counted = Counted(clock, 0, 0)
    assert [counted.round(), counted.round(), counted.round()] == [False, False, False]
    assert counted.sweeps == 1
    counted.changed = True
    assert not counted.round()
    assert counted.sweeps == 2


def test_an_idle_round_is_repeated_when_time_has_moved(clock: SimulatedClock) -> None:
    counted = Counted(clock, 0, 1)
    assert not counted.round()
    clock.advance_to(clock.now() + timedelta(hours=1))
    assert counted.round()


def test_what_was_overdue_is_swept_again_though_nothing_has_changed(clock: SimulatedClock) -> None:
    """A tick that died changes nothing: only by being overdue sweep after sweep is it found."""
    counted = Counted(clock, 1, 1, 0)
    assert [counted.round(), counted.round(), counted.round()] == [True, True, False]
    assert counted.sweeps == 3


def test_a_round_that_failed_is_no_idle_one(clock: SimulatedClock) -> None:
    counted = Counted(clock)
    for _ in range(2):
        with pytest.raises(IndexError):
            counted.round()
    assert counted.sweeps == 2
