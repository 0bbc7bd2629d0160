"""Events in the log have one form: snake_case, what it is about first and what happened to it last, `run_moved`."""

import ast
import re
from collections.abc import Iterator

import pytest

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
NAME = re.compile(r"[a-z]+(?:_[a-z]+)*_(?:[a-z]+ed|found|kept|lost|read|sent|taken|written)")


def is_logger(node: ast.expr) -> bool:
    """Tell whether an expression is a module's logger, or one that is fetched on the spot."""
    return ast.unparse(node) == "_log" or ast.unparse(node).startswith("structlog.get_logger(")


def events(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and event of each record that a module logs; an event that is not written out is empty."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        method = call.func
        if isinstance(method, ast.Attribute) and method.attr in LEVELS and is_logger(method.value):
            match call.args:
                case [ast.Constant(value=str(event)), *_]:
                    yield call.lineno, event
                case _:
                    yield call.lineno, ""


def loggers_called_otherwise(tree: ast.AST) -> list[str]:
    """Return the names other than `_log` that a module gives its logger."""
    given = [
        ast.unparse(node.targets[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("structlog.get_logger(")
    ]
    return [name for name in given if name != "_log"]


def test_every_event_has_that_form(modules: dict[str, ast.Module]) -> None:
    logged = [(path, line, event) for path, tree in modules.items() for line, event in events(tree)]
    assert len(logged) > 20
    assert [f"{path}:{line}: {event}" for path, line, event in logged if not NAME.fullmatch(event)] == []


def test_every_logger_is_called_log(modules: dict[str, ast.Module]) -> None:
    assert [path for path, tree in modules.items() if loggers_called_otherwise(tree)] == []


@pytest.mark.parametrize(
    ("code", "good"),
    [
        ('_log.info("run_moved", run_id=1)', True),
        ('structlog.get_logger("requests").info("request_answered")', True),
        ('_log.warning("tick.failed")', False),
        ('_log.warning("home:mark:unwritable")', False),
        ('_log.exception("it broke")', False),
        ("_log.error(name)", False),
    ],
)
def test_the_form_is_recognised(code: str, *, good: bool) -> None:
    ((_, event),) = events(ast.parse(code))
    assert (NAME.fullmatch(event) is not None) is good
