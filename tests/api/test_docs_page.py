"""The API's reference is a page of ours: whole, without scripts, and drawn from the document itself."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.dashboard.api_reference import code, models_of, operations_of


@pytest.fixture
def page(app: FastAPI) -> str:
    answer = TestClient(app).get("/docs")
    assert answer.status_code == 200
    assert "script-src" not in answer.headers["content-security-policy"]
    return answer.text


def test_every_call_and_every_field_is_on_the_page(app: FastAPI, page: str) -> None:
    document = app.openapi()
    for calls in operations_of(document).values():
        assert all(f"{one.method} {one.path}" in page for one in calls)
    fields = {field.name for model in models_of(document) for field in model.fields}
    assert {"meta_account_id", "strategy", "countries", "total_budget", "scheduled_for"} <= fields
    assert all(f"<code>{name}</code>" in page for name in fields)


def test_nothing_is_loaded_from_anywhere_else(page: str) -> None:
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(https?:[^"]+)"', page) == []


def test_bounds_defaults_and_examples_are_shown(app: FastAPI) -> None:
    models = {model.name: {one.name: one for one in model.fields} for model in models_of(app.openapi())}
    count = models["ABTestConfigIn"]["variants_count"]
    assert (count.kind, count.required, count.bounds) == ("integer", True, "at least 2, at most 10")
    assert models["ABTestConfigIn"]["settle_hours"].default == "72"
    assert (
        models["ABTestConfigIn"]["strategy"].kind
        == "creative_split | copy_split | placement_split | factorial"
    )
    assert models["RunRequestIn"]["ad"].model == "AdIn"


def test_the_page_speaks_spanish(app: FastAPI) -> None:
    text = TestClient(app).get("/docs?lang=es").text
    assert "Referencia de la API" in text


def test_code_in_descriptions_is_marked_and_the_rest_escaped() -> None:
    assert code("Use ``wait=N``.") == "Use <code>wait=N</code>."
    assert code("Use `a<b` & so on") == "Use <code>a&lt;b</code> &amp; so on"
