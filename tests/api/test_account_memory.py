"""What an account remembers of its tests, over HTTP: what is assumed at first, then what was learned and what it changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.evidence import Criterion
from autopublisher.domain.ids import RunId
from autopublisher.domain.past_tests import KNOWN_FROM, FinishedTest, MeasuredTest
from autopublisher.domain.runs.run import Run

Headers = dict[str, str]
Bearer = Callable[[Role], Headers]
TIED = MeasuredTest(
    rates=((0.3, 0.002), (-0.3, 0.002)),
    clicks=((0.3, 0.0001), (-0.3, 0.0001)),
    days=7.0,
    events=90.0,
    value_dispersion=0.36,
    day_variance=0.04,
    day_doubt=0.01,
)
"""Of the same figures each time, so that clicks and sales go together."""


def _scattered(place: int) -> MeasuredTest:
    """Return a test whose own day noise is above the middle or below it in turn."""
    return replace(TIED, day_variance=0.04 + (0.02 if place % 2 else -0.02))


@pytest.fixture
def remember(put_run: Callable[..., Run], database: MemoryDatabase) -> Callable[[int], list[RunId]]:
    """Return a way to store so many runs whose tests have finished, the last of them first."""

    def store(number: int) -> list[RunId]:
        ids = [RunId(f"00000000-0000-4000-8000-0000000001{place:02}") for place in range(number)]
        run = put_run()
        with database.unit_of_work() as unit:
            for place, run_id in enumerate(ids):
                unit.runs.add(replace(run, id=run_id, idempotency_key=None))
                at = run.created_at - timedelta(days=place)
                unit.finished_tests.put(
                    [FinishedTest(run_id, run.act_id, one.value, at, _scattered(place)) for one in Criterion]
                )
            unit.commit()
        return ids

    return store


def test_an_empty_memory_says_so_and_what_is_assumed_instead(
    client: TestClient, account: Account, bearer: Bearer
) -> None:
    told = client.get(f"/meta/accounts/{account.id}/memory", headers=bearer(Role.VIEWER)).json()
    assert (told["tests"], told["known"], told["runs"], told["criteria"]) == (0, False, [], "roas")
    assert told["spread"] == told["assumed_spread"] == {"typical": 0.14, "low": 0.07, "high": 0.4}
    assert told["clicks"]["used"] is False
    assert told["day_noise"] == {"measured": None, "tests": 0, "used": 0.12, "assumed": 0.12}
    assert told["sentences"][0].startswith("No finished test of this account counts for roas yet.")


def test_it_says_what_was_learned_from_which_tests_and_what_that_changes(
    client: TestClient, account: Account, bearer: Bearer, remember: Callable[[int], list[RunId]]
) -> None:
    ids = remember(KNOWN_FROM)
    told = client.get(f"/meta/accounts/{account.act_id}/memory", headers=bearer(Role.OPERATOR)).json()
    assert (told["tests"], told["known"]) == (KNOWN_FROM, True)
    assert [one["run_id"] for one in told["runs"]] == ids[::-1]
    assert told["clicks"]["used"] is True
    assert told["clicks"]["slope"] == pytest.approx(0.9 * told["clicks"]["expected_slope"])
    assert told["basket_variation"]["used"] == pytest.approx(0.6)
    assert told["day_noise_in_proof"]["measured"] == pytest.approx(0.2)
    assert told["day_noise_in_proof"]["used"] > 0.2
    assert 0.12 < told["day_noise"]["used"] < 0.2
    assert [one["age_tests"] for one in told["account_memory"]["tests"]] == [*range(KNOWN_FROM - 1, -1, -1)]
    assert told["account_memory"]["tests"][0]["rate"] == [list(pair) for pair in TIED.rates]
    assert (
        told["account_memory"]["tests"][0]["value"],
        told["account_memory"]["tests"][0]["value_share"],
    ) == (
        [list(pair) for pair in TIED.values],
        TIED.share_of_values,
    )
    assert len(told["sentences"]) == 5
    assert "in place of 112%" in told["sentences"][3]
    spanish = bearer(Role.OPERATOR) | {"Accept-Language": "es"}
    words = client.get(f"/meta/accounts/{account.id}/memory", headers=spanish).json()["sentences"]
    assert "en lugar del 112 %" in words[3]


def test_clicks_say_nothing_where_they_are_counted_and_orders_have_no_value_there(
    client: TestClient, account: Account, bearer: Bearer, remember: Callable[[int], list[RunId]]
) -> None:
    remember(1)
    where = f"/meta/accounts/{account.id}/memory"
    told = client.get(where, params={"criteria": "cpc"}, headers=bearer(Role.ADMIN)).json()
    assert (told["clicks"], told["basket_variation"], told["criteria"]) == (None, None, "cpc")
    assert "what is counted" in told["sentences"][2]


@pytest.mark.parametrize(("account_id", "criteria", "status"), [("nobody", "roas", 404), (None, "best", 422)])
def test_what_there_is_not_is_refused(  # noqa: PLR0917 - what a request consists of
    client: TestClient, account: Account, bearer: Bearer, account_id: str | None, criteria: str, status: int
) -> None:
    where = f"/meta/accounts/{account_id or account.id}/memory"
    answer = client.get(where, params={"criteria": criteria}, headers=bearer(Role.ADMIN))
    assert answer.status_code == status
