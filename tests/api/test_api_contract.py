"""The OpenAPI document: complete, valid, and kept by the application when somebody tries everything it allows."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from autopublisher.api.app import openapi_document
from autopublisher.api.schemas import EXAMPLE_REQUEST, RunRequestIn
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account

pytestmark = pytest.mark.slow  # hundreds of requests

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document("0.1.0")


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_can_be_had_without_any_service(app: FastAPI, document: dict[str, Any]) -> None:
    assert app.openapi() == document


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_every_error_is_documented_as_a_problem(document: dict[str, Any]) -> None:
    media = {
        tuple(response["content"])
        for _, operation in operations(document)
        for status, response in operation["responses"].items()
        if int(status) >= 400
    }
    assert media == {(PROBLEM,)}


def test_every_operation_names_its_permission_and_purpose(document: dict[str, Any]) -> None:
    bare = [
        name for name, one in operations(document) if not (one.get("x-permission") and one.get("summary"))
    ]
    assert bare == []


def test_the_request_example_is_the_briefs_and_fits_its_own_schema(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["RunRequestIn"]
    assert schema["example"] == EXAMPLE_REQUEST
    assert set(EXAMPLE_REQUEST) <= set(RunRequestIn.model_fields)


def test_unknown_fields_are_refused_by_the_document_too(document: dict[str, Any]) -> None:
    asked = [schema for name, schema in document["components"]["schemas"].items() if name.endswith("In")]
    assert asked
    assert all(schema["additionalProperties"] is False for schema in asked)


def bare_fields(document: dict[str, Any]) -> list[str]:
    """Return what callers may send and the document does not explain by a description and an example."""
    return [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        if name.endswith("In") or name.startswith("Body")
        for field, shown in schema["properties"].items()
        if not shown.get("description") or not (shown.get("examples") or "$ref" in shown)
    ]


def test_every_field_that_is_sent_has_a_description_and_an_example(document: dict[str, Any]) -> None:
    assert bare_fields(document) == []


def test_a_field_without_a_description_or_an_example_is_recognised() -> None:
    fields = {"told": {"description": "Why.", "examples": [1]}, "bare": {"description": "Why."}, "mute": {}}
    assert bare_fields({"components": {"schemas": {"SomeIn": {"properties": fields}}}}) == [
        "SomeIn.bare",
        "SomeIn.mute",
    ]


def test_bounds_and_refused_characters_are_in_the_document(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    count = schemas["ABTestConfigIn"]["properties"]["variants_count"]
    name = schemas["RunRequestIn"]["properties"]["campaign_name"]
    assert (count["minimum"], count["maximum"]) == (2, 10)
    assert name["maxLength"] == 300
    assert re.fullmatch(name["pattern"], "Spring sale")
    assert not re.fullmatch(name["pattern"], "Spring\x00sale")


@pytest.fixture
def contract(app: FastAPI, account: Account, document: dict[str, Any]) -> Any:
    assert account.act_id  # registered, so that something is there to be found
    app.openapi_schema = document  # the same one, as shown above; making it takes half a second
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def tries() -> list[tuple[str, str, GenerationMode]]:
    """Return each operation with right input, and with wrong input where it takes any."""
    return [
        (path, method, mode)
        for path, methods in openapi_document("0")["paths"].items()
        for method, operation in methods.items()
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or "parameters" in operation or "requestBody" in operation
    ]


# What the checks leave out: a request that fits the schema may still be refused (422) for what no schema can say, such as
# two identical variants.
@pytest.mark.parametrize(("path", "method", "mode"), tries())
def test_the_application_keeps_its_contract(
    contract: Any, bearer: Callable[[Role], dict[str, str]], path: str, method: str, mode: GenerationMode
) -> None:
    headers = bearer(Role.MANAGER if path.endswith("/schedule") else Role.ADMIN)

    @given(case=contract[path][method.upper()].as_strategy(mode))
    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    def keeps(case: schemathesis.Case[Any]) -> None:
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    keeps()
