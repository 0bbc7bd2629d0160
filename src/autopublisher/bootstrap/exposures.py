"""The exposure alone, for a command that needs neither Meta nor the work engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from autopublisher.bootstrap.clocks import opened_clock_to_look
from autopublisher.bootstrap.database import opened_units
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork
from autopublisher.settings import Settings


@dataclass(frozen=True)
class ExposureAccess:
    """The exposure, and the database and the clock it is read by."""

    exposures: Exposures
    open_unit: OpenUnitOfWork
    clock: Clock


def spend_rules_of(settings: Settings) -> SpendRules:
    """Return the limits that the settings put on spend."""
    return SpendRules(settings.spend_limits, settings.auto_publisher_daily_stretch_percent)


@contextmanager
def opened_exposures(settings: Settings) -> Iterator[ExposureAccess]:
    """Open the database and the clock and yield what reads the exposure."""
    with (
        opened_units(settings.database, settings.home) as open_unit,
        opened_clock_to_look(settings, open_unit) as clock,
    ):
        gate = MoneyGate(spend_rules_of(settings))
        yield ExposureAccess(Exposures(open_unit, clock, gate), open_unit, clock)
