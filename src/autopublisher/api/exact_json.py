"""JSON bodies read without loss: fractions keep their digits, and what JSON does not define is refused.

A body that cannot be read becomes an ``Unreadable`` value instead of an exception, so that who may call is settled before
what they sent.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


@dataclass(frozen=True)
class Unreadable:
    """A body that is no JSON, and why."""

    reason: str


class _DuplicateKeyError(ValueError):
    """The same key twice in one object."""


def read_json(body: bytes) -> Any:
    """Return the value in ``body``, fractions as Decimal, or ``Unreadable``."""
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError:
        return Unreadable("The body is not UTF-8 text.")
    except RecursionError:
        return Unreadable("The body is nested too deeply.")
    except json.JSONDecodeError as error:
        return Unreadable(f"{error.msg} at line {error.lineno}, column {error.colno}.")
    except ArithmeticError:
        return Unreadable("A number in it is out of all bounds.")
    except ValueError as error:
        return Unreadable(str(error))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError("The same key stands twice in one object.")
    return found


class ExactRequest(Request):
    """A request whose JSON body is read exactly."""

    async def json(self) -> Any:
        """Return the body's value, or ``Unreadable``."""
        return read_json(await self.body())


class ExactRoute(APIRoute):
    """A route that reads bodies exactly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the usual handler behind an exact request."""
        handle = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return exact
