"""What the OpenAPI document says beyond the routes themselves: problems as their own media type, documented once."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from autopublisher.api.errors import MEDIA_TYPE
from autopublisher.api.views import ProblemOut

DESCRIPTION = """Creates A/B tests of Meta campaigns, waits, decides with a controlled error rate, asks a person where told
to, scales and publishes the winner, and pauses the rest.

A run takes as long as its test, so `POST /meta/autopilot/run` answers 202 with the run and where to follow it; with
`Prefer: wait=N` (at most 60) it answers when the run rests or after N seconds. Errors are `application/problem+json`
(RFC 9457). Amounts are in major units of the account's currency and are read from the digits as written. Each operation
names the permission it needs in `x-permission`."""

TAGS = [
    {"name": "autopilot", "description": "Runs: ask for them, follow them, release their winner, stop them."},
    {"name": "accounts", "description": "Ad accounts and creatives that runs work with."},
    {"name": "people", "description": "Signing in."},
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems (and with 500, as any may)."""
    return {status: _response(status) for status in sorted({*statuses, 500})}


def _response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemOut"}
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}


def document(app: FastAPI) -> dict[str, Any]:
    """Return the application's OpenAPI 3.1 document."""
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        openapi_version="3.1.0",
    )
    schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(schema.pop("$defs", {}))
    schemas["ProblemOut"] = schema
    return found
