"""The people service alone, for commands that need neither Meta nor the simulator."""

from collections.abc import Iterator
from contextlib import contextmanager

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.passwords_argon2 import Argon2Passwords
from autopublisher.adapters.tokens_hmac import HmacTokens
from autopublisher.bootstrap.database import opened_units
from autopublisher.bootstrap.secret_file import secret_key
from autopublisher.flows.requests.people import People
from autopublisher.settings import Settings


@contextmanager
def opened_people(settings: Settings) -> Iterator[People]:
    """Open the database and yield the service that signs people in and manages users."""
    with opened_units(settings.database, settings.home) as open_unit, Argon2Passwords() as passwords:
        yield People(open_unit, SystemClock(), HmacTokens(secret_key(settings)), passwords)
