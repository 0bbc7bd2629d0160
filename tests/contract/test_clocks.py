"""Clocks: the machine's, the simulator's in both modes, and the fake's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.domain.errors import UnavailableError
from autopublisher.ports.clock import Clock, SteppedClock
from metasim.config import SimulatorConfig
from metasim.server import SimulatorThread

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def stepped_simulator() -> Iterator[SimulatedClock]:
    with SimulatorThread(SimulatorConfig(mode="manual")) as sim, SimulatedClock(sim.url) as clock:
        yield clock


@pytest.fixture
def running_simulator() -> Iterator[SimulatedClock]:
    with (
        SimulatorThread(SimulatorConfig(mode="speed", speed=60.0)) as sim,
        SimulatedClock(sim.url) as clock,
    ):
        yield clock


@pytest.fixture(params=["system", "memory", "stepped_simulator", "running_simulator"])
def clock(request: pytest.FixtureRequest) -> Clock:
    if request.param == "system":
        return SystemClock()
    if request.param == "memory":
        return ManualClock(START)
    found: SimulatedClock = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["memory", "stepped_simulator"])
def stepped(request: pytest.FixtureRequest) -> SteppedClock:
    if request.param == "memory":
        return ManualClock(START)
    found: SimulatedClock = request.getfixturevalue(request.param)
    return found


class TestEveryClock:
    def test_tells_aware_utc(self, clock: Clock) -> None:
        assert clock.now().tzinfo is UTC

    def test_never_runs_backwards(self, clock: Clock) -> None:
        first = clock.now()

        assert clock.now() >= first


class TestATick:
    def test_keeps_the_time_at_which_it_began(self, stepped_simulator: SimulatedClock) -> None:
        with SimulatedClock(stepped_simulator._address.removesuffix("/_sim/clock")) as other:
            with stepped_simulator.one_tick():
                began = stepped_simulator.now()
                other.advance_to(START + HOUR)
                assert stepped_simulator.now() == began
            assert stepped_simulator.now() == START + HOUR

    def test_sees_where_it_has_moved_time_itself(self, stepped_simulator: SimulatedClock) -> None:
        with stepped_simulator.one_tick():
            stepped_simulator.now()
            stepped_simulator.advance_to(START + HOUR)
            assert stepped_simulator.now() == START + HOUR

    def test_goes_on_with_time_that_runs(self, running_simulator: SimulatedClock) -> None:
        with running_simulator.one_tick():
            first = running_simulator.now()
            assert any(running_simulator.now() > first for _ in range(1000))


class TestASteppedClock:
    def test_stands_still_by_itself(self, stepped: SteppedClock) -> None:
        assert stepped.now() == stepped.now() == START

    def test_goes_where_it_is_told(self, stepped: SteppedClock) -> None:
        assert stepped.advance_to(START + HOUR) == stepped.now() == START + HOUR

    def test_stays_where_it_is_when_told_to_go_back(self, stepped: SteppedClock) -> None:
        stepped.advance_to(START + HOUR)

        assert stepped.advance_to(START) == START + HOUR

    def test_understands_any_time_zone(self, stepped: SteppedClock) -> None:
        in_madrid = (START + HOUR).astimezone(timezone(HOUR))

        assert stepped.advance_to(in_madrid) == START + HOUR

    def test_keeps_microseconds(self, stepped: SteppedClock) -> None:
        moment = START + timedelta(microseconds=1)

        assert stepped.advance_to(moment) == moment

    def test_cannot_be_waited_for(self, stepped: SteppedClock) -> None:
        assert stepped.real_seconds_until(START + HOUR) is None


class TestARunningClock:
    def test_shortens_the_wait_by_its_speed(self, running_simulator: SimulatedClock) -> None:
        seconds = running_simulator.real_seconds_until(START + timedelta(hours=600))

        assert seconds is not None
        assert 0 < seconds <= 600 * 60

    def test_does_not_wait_for_the_past(self, running_simulator: SimulatedClock) -> None:
        assert running_simulator.real_seconds_until(START - HOUR) == 0

    def test_of_the_machine_waits_in_real_time(self) -> None:
        clock = SystemClock()

        assert 0 < clock.real_seconds_until(clock.now() + HOUR) <= 3600

    def test_of_the_machine_does_not_wait_for_the_past(self) -> None:
        assert SystemClock().real_seconds_until(START - HOUR) == 0


class TestASimulatorThatDoesNotAnswer:
    @pytest.fixture
    def gone(self) -> Iterator[SimulatedClock]:
        with SimulatorThread() as simulator:
            url = simulator.url
        with SimulatedClock(url) as clock:
            yield clock

    def test_has_no_time(self, gone: SimulatedClock) -> None:
        with pytest.raises(UnavailableError):
            gone.now()

    def test_cannot_be_moved(self, gone: SimulatedClock) -> None:
        with pytest.raises(UnavailableError):
            gone.advance_to(START)

    def test_that_is_no_simulator_has_no_time(self) -> None:
        with (
            SimulatorThread() as simulator,
            SimulatedClock(f"{simulator.url}/elsewhere") as clock,
            pytest.raises(UnavailableError),
        ):
            clock.now()
