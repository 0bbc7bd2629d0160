"""What the sources use of DBOS that is private is what the decision record lists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

RECORD = "docs/decisions/0036-claims-of-ticks-are-ours.md"
TABLE = re.compile(r"\b(?:workflow|operation)_(?!uuid\b)[a-z]+\b")


def docstrings(tree: ast.AST) -> set[ast.expr]:
    bodies = [node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list)]
    return {first.value for first, *_ in filter(None, bodies) if isinstance(first, ast.Expr)}


def private_uses(tree: ast.AST) -> Iterator[str]:
    """Yield private names of DBOS, and its tables, that a module uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dbos."):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("dbos."))
        elif isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr):
            owner = ast.unparse(node.value)
            if owner.startswith("DBOS") or owner == "dbos" or owner.endswith("_client"):
                yield f"{owner}.{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings(tree):
            yield from TABLE.findall(node.value)


def listed(root: Path) -> set[str]:
    rows = re.findall(r"^\| (`.*?) \|", (root / RECORD).read_text("utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall("`(.*?)`", row)}


@pytest.mark.slow
def test_the_record_lists_what_is_used(root: Path, modules: dict[str, ast.Module]) -> None:
    work = {path: tree for path, tree in modules.items() if "dbos" in imported(tree) or "work_dbos" in path}
    assert len(work) > 2
    assert {name for tree in work.values() for name in private_uses(tree)} == listed(root)


def imported(tree: ast.AST) -> set[str]:
    """Return the first parts of the names of the modules that a module imports from."""
    froms = (node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {name.partition(".")[0] for name in froms}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("from dbos._context import token", "dbos._context.token"),
        ("import dbos._core", "dbos._core"),
        ("DBOS._forget()", "DBOS._forget"),
        ("self._client._sys_db.engine", "self._client._sys_db"),
        ("dbos._sys_db.engine", "dbos._sys_db"),
        ("sql = 'SELECT 1 FROM dbos.workflow_status'", "workflow_status"),
    ],
)
def test_a_private_use_is_recognised(code: str, name: str) -> None:
    assert list(private_uses(ast.parse(code))) == [name]


def test_the_public_interface_is_let_be() -> None:
    code = '"""Rows of workflow_status."""\nfrom dbos import DBOS, error\nDBOS.launch()'
    assert list(private_uses(ast.parse(code))) == []
