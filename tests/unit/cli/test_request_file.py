"""Requests are read from files with the digits as written, and every problem is named."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from autopublisher.cli.request_file import read_request
from autopublisher.domain.errors import InvalidRequestError, NotFoundError

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
