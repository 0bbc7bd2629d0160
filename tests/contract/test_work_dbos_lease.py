"""Workers that only look alive: a session nobody uses any more is ended, and what its worker had begun is given away."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from autopublisher.adapters import work_dbos_claims, work_dbos_lease
from autopublisher.adapters.work_dbos import prepare
from autopublisher.adapters.work_dbos_claims import Listener
from autopublisher.adapters.work_dbos_lease import RENEWAL_POLL_SECONDS, AdvisoryLockLease
from autopublisher.adapters.work_dbos_rounds import Rounds
from autopublisher.adapters.work_dbos_store import CHANNEL, QUEUE, driver_url, origin_of
from autopublisher.domain.errors import UnavailableError
from postgres_server import Copied

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0

BEGUN = """
INSERT INTO dbos.workflow_status (workflow_uuid, status, queue_name, executor_id, owner_xid, created_at, updated_at)
VALUES ('run:1', 'PENDING', :queue, 'east', 'first', 0, 0)
"""
GIVEN_AWAY = """
UPDATE dbos.workflow_status SET executor_id = 'west', owner_xid = 'second'
"""
END_SESSIONS_THAT_SAID = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND strpos(query, '{}') > 0
"""
END_EAST = """
SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
"""


@pytest.fixture
def url(postgres_copy: Copied) -> str:
    """A database on which the worker "east" has begun a tick."""
    url = postgres_copy(prepare)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(BEGUN), {"queue": QUEUE})
    return url


@contextmanager
def present(url: str, name: str, frozen_after_seconds: float) -> Iterator[AdvisoryLockLease]:
    lease = AdvisoryLockLease(driver_url(url), name, frozen_after_seconds)
    lease.take()
    try:
        yield lease
    finally:
        lease.release()


@pytest.mark.postgres
def test_the_ticks_of_a_worker_that_shows_no_sign_of_life_are_given_away(url: str) -> None:
    recovered: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    with present(url, "east", 60), present(url, "west", 0.2) as west:
        while not recovered:
            assert time.monotonic() < deadline
            west.watch(recovered.append)
    assert recovered == ["east"]


@pytest.mark.postgres
def test_the_ticks_of_a_worker_that_works_are_left_to_it(url: str) -> None:
    with present(url, "east", 60) as east, present(url, "west", 60) as west:
        for _ in range(3):
            east.watch(pytest.fail)
            west.watch(pytest.fail)
        assert east.is_held()


@pytest.mark.postgres
def test_a_worker_that_wakes_takes_its_place_again(url: str) -> None:
    recovered: list[str] = []
    with present(url, "east", 60) as east, present(url, "west", 0.2) as west:
        while not recovered:
            west.watch(recovered.append)
        east.watch(pytest.fail)
        assert not east.is_held()
        east.watch(pytest.fail)
        assert east.is_held()


def execute(url: str, statement: str) -> None:
    engine = sa.create_engine(driver_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.postgres
def test_a_worker_that_holds_its_place_runs_what_it_took(url: str) -> None:
    with present(url, "east", 60) as east:
        assert east.may_run("run:1", "first")


@pytest.mark.postgres
def test_a_connection_that_was_ended_between_two_ticks_costs_none_of_them(url: str) -> None:
    with present(url, "east", 60) as east:
        assert east.may_run("run:1", "first")
        execute(url, END_SESSIONS_THAT_SAID.format("begun.owner_xid"))
        assert east.may_run("run:1", "first")


def listen_on(listener: Listener) -> None:
    while True:
        listener.listen()


@pytest.mark.postgres
def test_a_listener_whose_session_was_ended_listens_again(url: str) -> None:
    due = threading.Event()
    listener = Listener(driver_url(url), due)
    listener.interrupt()
    listener.listen()
    execute(url, END_SESSIONS_THAT_SAID.format(f"LISTEN {CHANNEL}"))
    due.clear()
    with pytest.raises(UnavailableError, match=r"closed the connection|terminating"):
        listen_on(listener)
    listener.interrupt()
    listener.listen()
    assert due.is_set(), "what was enqueued while nobody listened is looked for"
    due.clear()
    execute(url, f"NOTIFY {CHANNEL}, '{origin_of(due)}'")
    listener.listen()
    assert not due.is_set(), "what this process has enqueued it knows already"
    execute(url, f"NOTIFY {CHANNEL}")
    listener.listen()
    assert due.is_set()
    listener.close()


@pytest.mark.postgres
def test_a_listener_that_waits_is_interrupted_by_a_stop(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        work_dbos_claims, "LISTENING_SECONDS", None
    )  # without an interruption it waits for ever
    listener = Listener(driver_url(url), threading.Event())
    rounds = Rounds("listener", listener.listen, 0.0, interrupt=listener.interrupt)
    rounds.start()
    rounds.stop(PATIENCE_SECONDS)
    assert not rounds.is_alive()
    listener.close()


@pytest.mark.postgres
@pytest.mark.parametrize(("tick", "token"), [("run:1", "of an earlier time"), ("run:2", "first")])
def test_a_tick_that_is_no_longer_ones_own_is_not_run(url: str, tick: str, token: str) -> None:
    with present(url, "east", 60) as east:
        assert not east.may_run(tick, token)


@pytest.mark.postgres
def test_a_worker_without_its_place_waits_until_it_has_it_again(url: str) -> None:
    with present(url, "east", 60) as east, ThreadPoolExecutor(1) as pool:
        execute(url, END_EAST)
        answer = pool.submit(east.may_run, "run:1", "first")
        assert wait([answer], 3 * RENEWAL_POLL_SECONDS).not_done
        while not east.is_held() or not answer.done():
            east.watch(pytest.fail)
        assert answer.result()


@pytest.mark.postgres
def test_a_worker_whose_tick_was_given_away_while_it_was_gone_leaves_it(url: str) -> None:
    with present(url, "east", 60) as east, ThreadPoolExecutor(1) as pool:
        execute(url, END_EAST)
        answer = pool.submit(east.may_run, "run:1", "first")
        execute(url, GIVEN_AWAY)
        assert not answer.result(PATIENCE_SECONDS)


@pytest.mark.postgres
def test_a_place_that_does_not_come_back_is_a_failure(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_dbos_lease, "RENEWAL_SECONDS", 0.5)
    with present(url, "east", 60) as east:
        execute(url, END_EAST)
        with pytest.raises(UnavailableError, match="east"):
            east.may_run("run:1", "first")
