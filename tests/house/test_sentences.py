"""No face has a sentence of its own: what people read stands in the catalogue, by code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FACES = ("api", "cli", "dashboard")
SENTENCE = re.compile(r"[A-Za-z][a-z']+,? [a-z']+,? [a-z']+|[A-Z][a-z']+ [a-z']+.*\.$")
"""Three words in a row, or a sentence with its full stop: what a program means by itself has fewer words."""

WORDS_IN_TEMPLATE = re.compile(r"(?:^|[>}])([^<>{}]*[A-Za-z]{2,}[^<>{}]*)(?=[<{]|$)", re.MULTILINE)

DOCUMENTING = frozenset({"description", "summary", "responses", "examples"})
"""Arguments that end in the OpenAPI document, which is English: its reader is a program, or writes one."""

EXCEPTIONS = {
    "api/fields.py": "a description in the OpenAPI document",
    "api/openapi.py": "the OpenAPI document is English",
    "api/router.py": "a description in the OpenAPI document, kept in a mapping",
    "api/schemas.py": "examples in the OpenAPI document",
    "api/stop_models.py": "examples in the OpenAPI document",
    "api/views.py": "descriptions and an example in the OpenAPI document, kept as constants",
    "cli/demo_report.py": "names of facts, as in run_text",
    "cli/judge.py": "what judge answers is read by programs and promised as it is",
    "cli/judge_format.py": "what judge answers is read by programs and promised as it is",
    "cli/registry.py": "what the command line refuses of options, in typer's own English frame",
    "cli/run_text.py": "names of facts, which --output plain promises to scripts",
    "cli/stops.py": "what the command line refuses of options, in typer's own English frame",
    "dashboard/rendering.py": "a policy for browsers",
}
"""Modules with sentences that are none of a face's own, or not yet in the catalogue, each with the reason."""


def documents(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether a text is a docstring or stands in the OpenAPI document."""
    while node in above:
        node = above[node]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        if isinstance(node, ast.keyword) and node.arg in DOCUMENTING:
            return True
    return False


def sentences_in(source: str) -> Iterator[str]:
    """Yield the texts of a module that read as sentences."""
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and SENTENCE.search(text) and not documents(node, above):
            yield text


def faces(root: Path) -> dict[str, str]:
    src = root / "src/autopublisher"
    modules = [path for face in FACES for path in sorted((src / face).rglob("*.py"))]
    return {path.relative_to(src).as_posix(): path.read_text("utf-8") for path in modules}


def test_no_face_has_a_sentence_of_its_own(root: Path) -> None:
    found = {name: list(sentences_in(text)) for name, text in faces(root).items() if name not in EXCEPTIONS}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_every_exception_is_needed(root: Path) -> None:
    texts = faces(root)
    assert [name for name in EXCEPTIONS if not any(sentences_in(texts[name]))] == []


def test_no_page_has_words_of_its_own(root: Path) -> None:
    pages = sorted((root / "src/autopublisher/dashboard/templates").glob("*.html"))
    own = {path.name: WORDS_IN_TEMPLATE.findall(without_code(path.read_text("utf-8"))) for path in pages}
    assert {name: words for name, words in own.items() if words} == {"docs.html": ["/openapi.json"]}


def without_code(page: str) -> str:
    """Return a template without its statements and expressions, and without its tags' insides."""
    markup = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", page, flags=re.DOTALL)
    return re.sub(r"<[^<>]*>| lang=\"\"", "<>", markup)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('tell("Run was accepted and goes on")', True),
        ('tell(f"{run} waits for a person now")', True),
        ('tell("Nothing happened.")', True),
        ('"""A docstring is no sentence of a face."""', False),
        ('Field(description="What Meta could still spend")', False),
        ('worded("run_accepted")', False),
        ('"waiting for"', False),
    ],
)
def test_a_sentence_is_recognised(source: str, *, found: bool) -> None:
    assert any(sentences_in(source)) is found
