"""Workers that only look alive: a session nobody uses any more is ended, and what its worker had begun is given away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from autopublisher.adapters.work_dbos import prepare
from autopublisher.adapters.work_dbos_presence import AdvisoryPresence
from autopublisher.adapters.work_dbos_store import QUEUE, driver_url

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0

BEGUN = """
INSERT INTO dbos.workflow_status (workflow_uuid, status, queue_name, executor_id, created_at, updated_at)
VALUES ('run:1', 'PENDING', :queue, 'east', 0, 0)
"""


@pytest.fixture
def url(postgres_url: str) -> str:
    """A database on which the worker "east" has begun a tick."""
    prepare(postgres_url)
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(BEGUN), {"queue": QUEUE})
    return postgres_url


@contextmanager
def present(url: str, name: str, frozen_after_seconds: float) -> Iterator[AdvisoryPresence]:
    presence = AdvisoryPresence(driver_url(url), name, frozen_after_seconds)
    presence.take()
    try:
        yield presence
    finally:
        presence.release()


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
