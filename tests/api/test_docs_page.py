"""The API's reference is a page of ours: whole, without scripts, and drawn from the document itself."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from autopublisher.dashboard.api_reference import FieldRow, code, models_of, operations_of
from autopublisher.messages import Language, words_in


@pytest.fixture
def page(app: FastAPI) -> str:
    answer = TestClient(app).get("/docs")
    assert answer.status_code == 200
    assert "script-src" not in answer.headers["content-security-policy"]
    return answer.text


def fields_of(app: FastAPI, language: Language) -> dict[str, dict[str, FieldRow]]:
    found = models_of(app.openapi(), words_in(language))
    return {model.name: {one.name: one for one in model.fields} for model in found}


def test_every_call_and_every_field_is_on_the_page(app: FastAPI, page: str) -> None:
    document = app.openapi()
    for calls in operations_of(document).values():
        assert all(f"{one.method} {one.path}" in page for one in calls)
    fields = {field.name for model in models_of(document, words_in("en")) for field in model.fields}
    assert {"meta_account_id", "strategy", "countries", "total_budget", "scheduled_for"} <= fields
    assert all(f"<code>{name}</code>" in page for name in fields)


def test_nothing_is_loaded_from_anywhere_else(page: str) -> None:
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(https?:[^"]+)"', page) == []


def test_bounds_defaults_and_examples_are_shown(app: FastAPI) -> None:
    models = fields_of(app, "en")
    count = models["ABTestConfigIn"]["variants_count"]
    assert (count.kind, count.required, count.bounds) == ("whole number", True, "at least 2, at most 10")
    assert models["ABTestConfigIn"]["settle_hours"].default == "72"
    assert (
        models["ABTestConfigIn"]["strategy"].kind
        == "creative_split | copy_split | placement_split | factorial"
    )
    assert models["RunRequestIn"]["ad"].model == "AdIn"


def test_the_page_speaks_spanish(app: FastAPI) -> None:
    text = TestClient(app).get("/docs", headers={"Accept-Language": "es-ES"}).text
    assert "Referencia de la API" in text
    headings = re.findall(r'<h2 id="tag-[^"]+">([^<]+)</h2>', text)
    assert headings == ["Cuentas", "Piloto automático", "Parada de emergencia", "Personas"]


def test_kinds_and_bounds_are_in_spanish_too(app: FastAPI) -> None:
    shown = fields_of(app, "es")
    count = shown["ABTestConfigIn"]["variants_count"]
    assert (count.kind, count.bounds) == ("número entero", "2 como mínimo, 10 como máximo")
    assert shown["RunRequestIn"]["headlines"].kind == "lista de: texto"
    english = re.compile(r"\b(at (least|most)|above|list of|or|integer|string|values|characters)\b")
    told = [
        f"{one.kind} {re.sub('as .*|según .*', '', one.bounds)}"
        for fields in shown.values()
        for one in fields.values()
    ]
    assert [one for one in told if english.search(one)] == []


def test_code_in_descriptions_is_marked_and_the_rest_escaped() -> None:
    assert code("Use ``wait=N``.") == "Use <code>wait=N</code>."
    assert code("Use `a<b` & so on") == "Use <code>a&lt;b</code> &amp; so on"
