"""Requests are read from files with the digits as written, and every problem is named."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.cli.request_file import read_request, read_value, scheduled_request
from autopublisher.domain.accounts.accounts import Account, AdDefaults
from autopublisher.domain.errors import InvalidRequestError, NotFoundError
from autopublisher.domain.ids import AccountId, ActId
from support.wording import english

EXAMPLE = Path(__file__).parents[3] / "examples" / "request_example.json"


def changed(tmp_path: Path, **changes: object) -> Path:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({**json.loads(EXAMPLE.read_text("utf-8")), **changes}), "utf-8")
    return file


def test_the_shipped_example_is_a_request() -> None:
    request = read_request(EXAMPLE)
    assert request.campaign_name == "Test Campaign"
    assert request.budget_config.total_budget == Decimal("500.0")


def test_every_problem_names_its_field(tmp_path: Path) -> None:
    file = changed(tmp_path, budget_config={"total_budget": "a lot"}, colour="red")
    with pytest.raises(InvalidRequestError) as caught:
        read_request(file)
    assert {problem.field for problem in caught.value.problems} == {"budget_config.total_budget", "colour"}


def test_a_file_that_is_no_json_is_refused_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text("{", "utf-8")
    with pytest.raises(InvalidRequestError) as caught:
        read_request(file)
    assert caught.value.problems[0].field == str(file)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_request(tmp_path / "nothing.json")


@pytest.mark.parametrize("named", [{}, {"meta_account_id": "act_1"}], ids=["our id", "Meta's id"])
@pytest.mark.parametrize(
    ("at", "hour"),
    [("2027-01-15 09:00", 14), ("2027-01-15T09:00:00+01:00", 8), (None, 7)],
)
def test_a_moment_without_an_offset_is_one_of_the_accounts_zone(
    tmp_path: Path, at: str | None, hour: int, named: dict[str, str]
) -> None:
    database = MemoryDatabase()
    value = read_value(changed(tmp_path, scheduled_for="2027-01-15T07:00:00Z", **named))
    with database.unit_of_work() as unit:
        account = AccountId(read_value(EXAMPLE)["meta_account_id"])
        since = datetime(2026, 12, 1, tzinfo=UTC)
        unit.accounts.add(
            Account(account, ActId("act_1"), "Lima", "PEN", "America/Lima", AdDefaults(), since)
        )
        unit.commit()
    request = scheduled_request(value, at, database.unit_of_work)
    assert request.scheduled_for == datetime(2027, 1, 15, hour, tzinfo=UTC)


def test_a_moment_that_is_none_is_refused_with_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        scheduled_request(read_value(changed(tmp_path)), "tomorrow", MemoryDatabase().unit_of_work)
    assert "2027-01-15 09:00" in english(refused.value.problems[0].remedy)


def test_a_scheduled_request_needs_a_moment(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        scheduled_request(read_value(changed(tmp_path)), None, MemoryDatabase().unit_of_work)
    assert [one.field for one in refused.value.problems] == ["scheduled_for"]
