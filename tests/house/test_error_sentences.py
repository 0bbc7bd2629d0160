"""No error is made with a sentence of its own, nor anything that people read in their language."""

import ast
import re
from pathlib import Path

WORDS = re.compile(r"[A-Za-z][a-z']+,? [a-z']+")
"""Two words in a row: what a program means by itself, such as the name of a field, is one."""

SAID = {"ConflictError", "Problem", "legacy"}
"""Besides the errors of the tree, what takes a sentence."""

BUILT_IN = {"AssertionError", "KeyError", "LineError", "RuntimeError", "TypeError", "ValueError"}
"""Errors that only a developer reads, and those of judge, whose English answers are read by programs."""

EXCEPTIONS = {
    "adapters/memory/meta_ads.py": "says what Meta would, in Meta's English",
    "adapters/memory/unit_of_work.py": "only tests can nest its units of work",
}


def sentences(source: str) -> list[int]:
    """Return the lines on which an error is made with a sentence."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and _takes_sentences(node.func)
        and any(map(_has_words, _arguments(node)))
    ]


def _takes_sentences(func: ast.expr) -> bool:
    name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    return name in SAID or (name.endswith("Error") and name not in BUILT_IN)


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(one.value for one in call.keywords)]


def _has_words(argument: ast.expr) -> bool:
    texts = (node.value for node in ast.walk(argument) if isinstance(node, ast.Constant))
    return any(isinstance(text, str) and WORDS.search(text) for text in texts)


def test_no_error_is_made_with_a_sentence(root: Path) -> None:
    src = root / "src/autopublisher"
    found = {
        path.relative_to(src).as_posix(): sentences(path.read_text("utf-8")) for path in src.rglob("*.py")
    }
    assert {name for name, lines in found.items() if lines} == set(EXCEPTIONS)


def test_a_sentence_is_found() -> None:
    assert sentences('raise ConflictError(f"{name} exists already.")') == [1]
    assert sentences("raise UnavailableError(reason=Fault.GONE(path=path))") == []
