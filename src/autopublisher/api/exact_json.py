"""JSON bodies read without loss: fractions keep their digits, and what is not one JSON object is refused with its place.

A body that cannot be read becomes an ``Unreadable`` value instead of an exception, so that who may call is settled before
what they sent.
"""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import jiter
from fastapi import Request, Response
from fastapi.routing import APIRoute

from autopublisher.domain.messages import Message, legacy

LONGEST_REASON: Final = 200
_PLACE = re.compile(r"^(?P<what>.*) at line (?P<line>\d+) column (?P<column>\d+)$", re.DOTALL)
_BEYOND_DECIMALS = "Internal error"
"""How the parser's message begins where Python's decimals cannot hold a number."""


@dataclass(frozen=True)
class Unreadable:
    """A body that is no JSON object: why, and where it breaks."""

    reason: Message


def read_json(body: bytes) -> Any:
    """Return the object in ``body``, fractions as Decimal, or ``Unreadable``."""
    try:
        value = jiter.from_json(
            body, allow_inf_nan=False, float_mode="decimal", catch_duplicate_keys=True, cache_mode="none"
        )
    except ValueError as error:
        return Unreadable(_reason(str(error)))
    return value if isinstance(value, dict) else Unreadable(Message("api.no_object"))


def _reason(message: str) -> Message:
    """Return the parser's message, which is English, its place last."""
    found = _PLACE.match(message)
    if found is None:
        return legacy(f"{message[:LONGEST_REASON]}.")
    what = found["what"][:LONGEST_REASON]
    place = {"line": found["line"], "column": found["column"]}
    if what.startswith(_BEYOND_DECIMALS):
        return Message("api.number_out_of_bounds", place)
    return Message("api.parser_says", {"what": what, **place})


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
