"""What the house tests look at: the project's folder and its parsed sources."""

import ast
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sources(root: Path) -> dict[str, str]:
    """Every module of the product: its path below the package, and its text."""
    package = root / "src" / "autopublisher"
    found = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    assert "__init__.py" in found
    return found


@pytest.fixture(scope="session")
def modules(sources: dict[str, str]) -> dict[str, ast.Module]:
    """Every module of the product, parsed."""
    return {path: ast.parse(text, path) for path, text in sources.items()}
