"""Reads a run request from a JSON file or stdin, as exactly as the API reads it from a body."""

import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autopublisher.api.exact_json import Unreadable, read_json
from autopublisher.api.schemas import RunRequestIn, ScheduleIn
from autopublisher.api.validation import problems_of
from autopublisher.cli.language import worded
from autopublisher.domain.accounts.accounts import zone_of
from autopublisher.domain.errors import InvalidRequestError, NotFoundError, Problem
from autopublisher.domain.faults import Thing
from autopublisher.domain.messages import Message, remedied
from autopublisher.domain.request.request import RunRequest
from autopublisher.ports.repositories import OpenUnitOfWork

_NO_MOMENT = Problem("--at", *remedied(Message("cli.no_moment")))


def read_request(path: Path) -> RunRequest:
    """Return the request in a file (``-`` is stdin); raises NotFoundError, or InvalidRequestError with every problem."""
    return request_of(read_value(path))


def read_value(path: Path) -> Any:
    """Return the JSON value in a file (``-`` is stdin); raises NotFoundError, InvalidRequestError."""
    value = read_json(_content(path))
    if isinstance(value, Unreadable):
        raise InvalidRequestError(
            [Problem(str(path), value.reason, Message("cli.malformed_json.remedy"), "malformed_json")]
        )
    return value


def scheduled_request(value: Any, at: str | None, open_unit: OpenUnitOfWork) -> RunRequest:
    """Return a request that begins ``at`` a moment, or when the value says; raises InvalidRequestError.

    A moment without an offset is one of the account's time zone, UTC where the account is not registered.
    """
    if at is None or not isinstance(value, dict):
        return request_of(value, ScheduleIn)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidRequestError([_NO_MOMENT]) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(open_unit, str(value.get("meta_account_id"))))
    return request_of({**value, "scheduled_for": moment.isoformat()}, ScheduleIn)


def _zone(open_unit: OpenUnitOfWork, account_id: str) -> tzinfo:
    with open_unit().reading() as unit:
        found = [one.timezone for one in unit.accounts.all() if account_id in (one.id, one.act_id)]
    return (zone_of(found[0]) if found else None) or UTC


def request_of(value: Any, model: type[RunRequestIn] = RunRequestIn) -> RunRequest:
    """Return the request that a JSON value describes; raises InvalidRequestError with every problem."""
    try:
        return model.model_validate(value).to_domain()
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error.errors(), skip=0)) from None


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        missing = NotFoundError(what=Thing.REQUEST_FILE(), id=path)
        missing.remedy = worded("request_unread", why=str(error.strerror))
        raise missing from None
