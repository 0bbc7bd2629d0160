"""Reads a run request from a JSON file or stdin, as exactly as the API reads it from a body."""

import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autopublisher.api.exact_json import Unreadable, read_json
from autopublisher.api.schemas import RunRequestIn
from autopublisher.api.validation import problems_of
from autopublisher.domain.errors import InvalidRequestError, NotFoundError, Problem
from autopublisher.domain.request import RunRequest


def read_request(path: Path) -> RunRequest:
    """Return the request in a file (``-`` is stdin); raises NotFoundError, or InvalidRequestError with every problem."""
    value = read_json(_content(path))
    if isinstance(value, Unreadable):
        raise InvalidRequestError([Problem(str(path), value.reason, "Correct the JSON.", "malformed_json")])
    return request_of(value)


def request_of(value: Any) -> RunRequest:
    """Return the request that a JSON value describes; raises InvalidRequestError with every problem."""
    try:
        return RunRequestIn.model_validate(value).to_domain()
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error.errors(), skip=0)) from None


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        missing = NotFoundError(what="Request file", id=path)
        missing.remedy = f"{error.strerror}; 'autopublisher example-request' prints a request to start from."
        raise missing from None
