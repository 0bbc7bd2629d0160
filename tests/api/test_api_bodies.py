"""What is no JSON object is refused at every address that takes one, with where it breaks, and changes nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.api.app import create_app
from autopublisher.api.schemas import Asked
from autopublisher.api.services import Services
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.ports.repositories import RunFilter

pytestmark = pytest.mark.slow  # hundreds of requests

Headers = dict[str, str]
Send = Callable[[str, str, bytes], Any]

BROKEN = {
    "trailing comma": b'{"daily_limit": 50,}',
    "not a number": b'{"daily_limit": NaN}',
    "infinite": b'{"daily_limit": -Infinity}',
    "key twice": b'{"daily_limit": 50, "daily_limit": 60}',
    "key twice, nested": b'{"defaults": {"page_id": "1", "page_id": "2"}}',
    "utf-16": '{"daily_limit": 50}'.encode("utf-16"),
    "utf-16 without a mark": '{"daily_limit": 50}'.encode("utf-16-le"),
    "utf-32": '{"daily_limit": 50}'.encode("utf-32"),
    "byte order mark": b'\xef\xbb\xbf{"daily_limit": 50}',
    "latin-1": '{"note": "señal"}'.encode("latin-1"),
    "half a pair": b'{"note": "\\ud800"}',
    "control character": b'{"note": "a\nb"}',
    "two objects": b"{}{}",
    "single quotes": b"{'daily_limit': 50}",
    "unquoted key": b"{daily_limit: 50}",
    "leading zero": b'{"daily_limit": 050}',
    "number out of bounds": b'{"daily_limit": 1e999999999999999999999}',
    "cut short": b'{"daily_limit": 50',
    "deep": b'{"a":' * 5_000,
    "fraction": b"5.5",
    "whole": b"5",
    "text": b'"text"',
    "list": b"[]",
    "null": b"null",
    "true": b"true",
    "blank": b" ",
}


def api_routes(owner: Any) -> Iterator[APIRoute]:
    for route in owner.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from api_routes(route.original_router)


def bodies(app: FastAPI) -> list[tuple[str, str, type[BaseModel]]]:
    """Return path, method and model of every route that takes JSON."""
    return [
        (route.path.replace("{account_id}", "x"), method, model)
        for route in api_routes(app)
        for method in sorted(route.methods or ())
        if (model := model_of(route)) is not None
    ]


def model_of(route: APIRoute) -> type[BaseModel] | None:
    kind = None if route.body_field is None else route.body_field.field_info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Asked) else None


@pytest.fixture
def routes(services: Services) -> list[tuple[str, str, type[BaseModel]]]:
    return bodies(create_app(services))


@pytest.fixture
def send(client: TestClient, bearer: Callable[[Role], Headers], account: Account) -> Send:
    tokens = {role: bearer(role) for role in (Role.ADMIN, Role.MANAGER)}

    def sent(path: str, method: str, content: bytes) -> Any:
        role = Role.MANAGER if path.endswith("/schedule") else Role.ADMIN
        headers = tokens[role] | {"Content-Type": "application/json"}
        return client.request(method, path.replace("/x", f"/{account.id}"), content=content, headers=headers)

    return sent


def is_refused_with_its_place(answer: Any) -> bool:
    found = answer.json()
    return (
        answer.status_code == 400
        and found["type"] == "urn:autopublisher:problem:malformed-json"
        and "line " in found["detail"]
        and "column " in found["detail"]
        and found["remedy"] != ""
    )


def test_there_are_routes_to_try(routes: list[Any]) -> None:
    assert len(routes) >= 9


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_no_json_object_is_refused_everywhere(
    routes: list[tuple[str, str, type[BaseModel]]], send: Send, database: MemoryDatabase, content: bytes
) -> None:
    before = written(database)
    kept = {path: send(path, method, content) for path, method, _ in routes}
    assert {path: one.text for path, one in kept.items() if not is_refused_with_its_place(one)} == {}
    assert written(database) == before


def written(database: MemoryDatabase) -> str:
    with database.unit_of_work() as unit:
        return repr((unit.accounts.all(), unit.runs.find(RunFilter()), unit.stops.latest()))


def is_object(content: bytes) -> bool:
    """Say what the JSON standard says, by another parser than the product's."""

    def refuse(_: Any) -> Any:
        raise ValueError

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else refuse(pairs)

    try:
        found = json.loads(content.decode(), parse_constant=refuse, object_pairs_hook=unique)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["reason", "daily_limit", "defaults", "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """JSON as it is, with a piece cut out or put in, in another encoding, or any bytes at all."""
    text = json.dumps(draw(VALUES), ensure_ascii=draw(st.booleans()))
    place = draw(st.integers(0, len(text)))
    piece = draw(st.sampled_from(["", ",", "NaN", "}", "{", '"', "0", " ", "\x00", '{"a":1,"a":2}', "//"]))
    cut = draw(st.integers(0, 2))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32-le", "utf-8-sig"]))
    return (text[:place] + piece + text[place + cut :]).encode(encoding)


def test_any_bytes_are_an_object_or_refused_with_their_place(
    routes: list[tuple[str, str, type[BaseModel]]], send: Send
) -> None:
    @given(content=texts() | st.binary(min_size=1, max_size=20), index=st.integers(0, len(routes) - 1))
    @settings(suppress_health_check=list(HealthCheck))
    def holds(content: bytes, index: int) -> None:
        path, method, _ = routes[index]
        answer = send(path, method, content)
        assert is_refused_with_its_place(answer) is not is_object(content), (path, content, answer.text)

    holds()


def nested(model: type[BaseModel]) -> list[str]:
    """Return the fields of a model whose value is an object."""
    return [
        name
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]


@pytest.mark.parametrize("value", ["5.5", "5", '"text"', "[]", "[1.5]", "true", "null"])
def test_an_object_inside_is_never_taken_from_something_else(
    routes: list[tuple[str, str, type[BaseModel]]], send: Send, database: MemoryDatabase, value: str
) -> None:
    before = written(database)
    tried = [(path, method, name) for path, method, model in routes for name in nested(model)]
    assert ("/meta/accounts/x", "PATCH", "defaults") in tried
    for path, method, name in tried:
        answer = send(path, method, f'{{"{name}": {value}}}'.encode())
        assert (answer.status_code, name in fields_of(answer.json())) == (422, True), (path, answer.text)
    assert written(database) == before


def fields_of(problem: Mapping[str, Any]) -> list[str]:
    return [one["field"] for one in problem["errors"]]


def test_a_field_nobody_knows_is_named_everywhere(
    routes: list[tuple[str, str, type[BaseModel]]], send: Send
) -> None:
    for path, method, model in routes:
        answer = send(path, method, b'{"dialy_limit": 5}')
        assert (answer.status_code, "dialy_limit" in fields_of(answer.json())) == (422, True), path
        for name in nested(model):
            inner = send(path, method, f'{{"{name}": {{"dialy_limit": 5}}}}'.encode())
            assert f"{name}.dialy_limit" in fields_of(inner.json()), path


def test_a_query_parameter_nobody_knows_is_named(
    client: TestClient, bearer: Callable[[Role], Headers]
) -> None:
    answer = client.get("/meta/autopilot/runs?limti=5&limit=5", headers=bearer(Role.ADMIN))
    assert (answer.status_code, fields_of(answer.json())) == (422, ["limti"])


def test_who_may_not_call_is_told_so_before_what_is_wrong_with_the_body(
    client: TestClient, routes: list[tuple[str, str, type[BaseModel]]]
) -> None:
    json_type = {"Content-Type": "application/json"}
    answers = {
        path: client.request(method, path, content=b"{,}", headers=json_type).status_code
        for path, method, _ in routes
    }
    assert answers.pop("/auth/token") == 400
    assert set(answers.values()) == {401}
