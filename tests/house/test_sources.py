"""Rules for the product's sources that no linter knows."""

import ast
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

LONGEST_FILE = 500

# The only places that may ask the system what time it is; everything else asks the Clock port.
CLOCKS = ("adapters/clock*.py",)
CLOCK_READS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "datetime.date.today",
}

# The domain decides from what it is given: no clock, no chance, no log, no secret of the system's.
IMPURE_MODULES = {"time", "random", "logging", "secrets"}

# Where a broad `except` may stand, each with its reason. They are the edges of a process: beyond them nobody
# is left to handle the error. Keep it short; elsewhere a narrow error is caught where something can be done.
PROCESS_EDGES = {
    "flows/requests/deadline.py": "a thread hands its error to the caller that waits for it",
    "adapters/work_dbos_rounds.py": "a failed round is logged and the next one tries again",
    "adapters/work_dbos.py": "a failed tick is logged with its run before the engine takes the error",
    "api/errors.py": "an unforeseen error becomes a problem document without its inner details",
}


def absolute_names(tree: ast.AST) -> dict[str, str]:
    """Map each imported name of a module to what it stands for, e.g. {"dt": "datetime"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr) -> str | None:
    """Return "a.b.c" for an expression of that form."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def clock_reads(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that name a function which reads the system's clock, called or handed on."""
    names = absolute_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node)) is not None:
            first, _, rest = name.partition(".")
            absolute = ".".join(filter(None, (names.get(first, first), rest)))
            if absolute in CLOCK_READS and first in names:
                yield node.lineno


def imported_modules(tree: ast.AST) -> set[str]:
    """Return the top-level names of the modules a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def broad_excepts(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that catch, or suppress, every exception."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type]
        elif isinstance(node, ast.Call) and (dotted(node.func) or "").split(".")[-1] == "suppress":
            caught = [*node.args]
        else:
            continue
        flat = [part for kind in caught for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
        if any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in flat):
            yield node.lineno


def test_every_module_says_what_it_is_for(modules: dict[str, ast.Module]) -> None:
    assert [path for path, tree in modules.items() if not ast.get_docstring(tree)] == []


def test_no_file_is_longer_than_a_reader_can_hold(sources: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources.items()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_two_files_of_tests_have_one_name(root: Path) -> None:
    """Pytest knows a file of tests by its name alone, and refuses the second of two that it meets in one process."""
    names = Counter(path.name for path in (root / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_only_clocks_read_the_systems_clock(modules: dict[str, ast.Module]) -> None:
    reads = [
        f"{path}:{line}"
        for path, tree in modules.items()
        for line in clock_reads(tree)
        if not any(fnmatch(path, pattern) for pattern in CLOCKS)
    ]
    assert reads == []


def test_the_domain_imports_nothing_impure(modules: dict[str, ast.Module]) -> None:
    domain = {path: tree for path, tree in modules.items() if path.startswith("domain/")}
    assert domain
    impure = {path: imported_modules(tree) & IMPURE_MODULES for path, tree in domain.items()}
    assert {path: found for path, found in impure.items() if found} == {}


def test_broad_excepts_stand_only_at_process_edges(modules: dict[str, ast.Module]) -> None:
    broad = [
        f"{path}:{line}"
        for path, tree in modules.items()
        for line in broad_excepts(tree)
        if path not in PROCESS_EDGES
    ]
    assert broad == []


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.time()",
        "from time import time as seconds\nseconds()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "from datetime import datetime\nfield(default_factory=datetime.utcnow)",
        "from datetime import date\ndate.today()",
    ],
)
def test_a_clock_read_is_recognised(code: str) -> None:
    assert list(clock_reads(ast.parse(code))) == [2]


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.monotonic()",
        "clock.now()",
        "from datetime import datetime\ndatetime.fromisoformat(text)",
    ],
)
def test_other_uses_of_time_are_let_be(code: str) -> None:
    assert list(clock_reads(ast.parse(code))) == []


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept: pass",
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept (ValueError, BaseException) as error: pass",
        "import contextlib\nwith contextlib.suppress(Exception): f()",
    ],
)
def test_a_broad_except_is_recognised(code: str) -> None:
    assert list(broad_excepts(ast.parse(code))) == [2]


def test_a_narrow_except_is_let_be() -> None:
    assert list(broad_excepts(ast.parse("try: f()\nexcept (ValueError, KeyError): pass"))) == []
