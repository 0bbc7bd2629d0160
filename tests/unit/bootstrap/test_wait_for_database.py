"""PostgreSQL may come up after us: it is waited for, not for ever, and not where waiting is of no use."""

import pytest

from autopublisher.bootstrap.database import DATABASE_PATIENCE_SECONDS, wait_for_database
from autopublisher.domain.errors import UnavailableError, UnwritableError

POSTGRES, SQLITE = "postgresql://ana:word@db/name", "sqlite:////nowhere/x.db"


class Server:
    """A database that answers from some moment on, and a clock that a pause moves."""

    def __init__(self, up_at: float, error: UnavailableError | None = None) -> None:
        self.now = 0.0
        self.up_at = up_at
        self.error = error or UnavailableError(reason="connection refused")
        self.said: list[str] = []

    def attempt(self, _url: str) -> None:
        if self.now < self.up_at:
            raise self.error

    def wait(self, url: str = POSTGRES) -> None:
        wait_for_database(
            url,
            lambda error, _seconds: self.said.append(str(error)),
            attempt=self.attempt,
            pause=lambda seconds: setattr(self, "now", self.now + seconds),
            stopwatch=lambda: self.now,
        )


def test_a_server_that_is_up_is_not_waited_for() -> None:
    server = Server(up_at=0)
    server.wait()
    assert (server.now, server.said) == (0, [])


def test_a_server_that_starts_later_is_waited_for_and_that_is_said() -> None:
    server = Server(up_at=25)
    server.wait()
    assert 25 <= server.now < 27
    assert len(server.said) == 3
    assert "connection refused" in server.said[0]


def test_the_wait_ends() -> None:
    server = Server(up_at=10_000)
    with pytest.raises(UnavailableError, match="refused"):
        server.wait()
    assert DATABASE_PATIENCE_SECONDS <= server.now < DATABASE_PATIENCE_SECONDS + 2


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (POSTGRES, UnavailableError(reason="password authentication failed for user ana")),
        (POSTGRES, UnwritableError(reason="it is read-only")),
        (SQLITE, UnavailableError(reason="unable to open database file")),
    ],
)
def test_what_only_a_person_can_mend_is_said_at_once(url: str, error: UnavailableError) -> None:
    server = Server(up_at=10, error=error)
    with pytest.raises(UnavailableError):
        server.wait(url)
    assert server.now == 0
