"""The API's reference as a page shows it, drawn from the OpenAPI document: no script of a third party is needed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

_BOUNDS = (
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
)

Words = Mapping[str, str]
"""The catalogue in the reader's language: ``kind.*`` and ``bound.*`` are this page's."""


@dataclass(frozen=True)
class Operation:
    """One call: how it is made, who may make it, and the model of its body (None where it has none)."""

    method: str
    path: str
    summary: str
    description: Markup
    permission: str
    body: str | None


@dataclass(frozen=True)
class FieldRow:
    """One field of a model, with its bounds and its default as text; ``model`` is another model it consists of."""

    name: str
    kind: str
    model: str | None
    required: bool
    default: str | None
    bounds: str
    description: Markup
    example: str | None


@dataclass(frozen=True)
class Model:
    """One model that callers send."""

    name: str
    description: Markup
    fields: tuple[FieldRow, ...]


def operations_of(document: Mapping[str, Any]) -> Mapping[str, Sequence[Operation]]:
    """Return the calls of an OpenAPI document by the tag they have."""
    found = sorted(_operations(document), key=lambda pair: pair[0])
    return {tag: [one for _, one in pairs] for tag, pairs in groupby(found, key=lambda pair: pair[0])}


def models_of(document: Mapping[str, Any], words: Words) -> Sequence[Model]:
    """Return the models of what is sent, each after those that mention it; kinds and bounds in the language of ``words``."""
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    sent = [one.body for _, one in _operations(document) if one.body is not None]
    order: dict[str, None] = {}
    while sent:
        name = sent.pop(0)
        if name not in order and "properties" in schemas[name]:
            order[name] = None
            sent += [name for one in schemas[name]["properties"].values() for name in _references(one)]
    return [_model(name, schemas[name], schemas, words) for name in order]


def code(text: str) -> Markup:
    """Return a description as HTML: what stands between backticks is code."""
    parts = [escape(part) for part in text.replace("``", "`").split("`")]
    marked = [
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(parts)
    ]
    return Markup("").join(marked)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            body = _references(one.get("requestBody", {}))
            yield (
                one["tags"][0],
                Operation(
                    method.upper(),
                    path,
                    one["summary"],
                    code(one.get("description", "")),
                    one["x-permission"],
                    body[0] if body else None,
                ),
            )


def _references(node: Any) -> list[str]:
    """Return the names of the models that a part of the document mentions."""
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
        return own + [name for value in node.values() for name in _references(value)]
    return [name for value in node for name in _references(value)] if isinstance(node, list) else []


def _model(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any], words: Words) -> Model:
    required = schema.get("required", ())
    rows = [
        _row(field, one, schemas, words, required=field in required)
        for field, one in schema["properties"].items()
    ]
    return Model(name, code(schema.get("description", "")), tuple(rows))


def _row(
    name: str, field: Mapping[str, Any], schemas: Mapping[str, Any], words: Words, *, required: bool
) -> FieldRow:
    mentioned = [one for one in _references(field) if "properties" in schemas[one]]
    examples = field.get("examples", ())
    default = field.get("default")
    return FieldRow(
        name=name,
        kind=_kind(field, schemas, words),
        model=mentioned[0] if mentioned else None,
        required=required,
        default=None if default is None or isinstance(default, dict) else _json(default),
        bounds=", ".join(_bounds(field, words)),
        description=code(field.get("description", "")),
        example=_json(examples[0]) if examples else None,
    )


def _kind(field: Mapping[str, Any], schemas: Mapping[str, Any], words: Words) -> str:
    if "$ref" in field:
        target = schemas[field["$ref"].rpartition("/")[2]]
        return " | ".join(target["enum"]) if "enum" in target else words["kind.object"]
    if "anyOf" in field:
        return words["kind.or"].join(_kind(one, schemas, words) for one in field["anyOf"])
    if field.get("type") == "array":
        return words["kind.list"].format(_kind(field["items"], schemas, words))
    return words[f"kind.{field.get('format') or field['type']}"]


def _bounds(field: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield what bounds a value, those of the alternatives of a value that may be missing among them."""
    for part in (field, *field.get("anyOf", ()), field.get("items", {})):
        for key in _BOUNDS:
            if key in part:
                yield words[f"bound.{key}"].format(_json(part[key]))


def _json(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if not isinstance(value, bool) else str(value).lower()
