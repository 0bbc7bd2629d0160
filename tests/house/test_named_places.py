"""Files and folders that the pages name are there."""

import re
from pathlib import Path

import pytest

ROOTS = ("", "src", "src/autopublisher")
ROOMS = "adapters|api|benchmarks|bootstrap|cli|dashboard|docs|domain|flows|messages|metasim|ports|scripts|src|tests|views"
PLACE = re.compile(rf"`((?:{ROOMS})/[\w./*-]+)`")


def pages(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *root.glob("docs/**/*.md")]


def is_there(root: Path, place: str) -> bool:
    """Tell whether a place is a file or folder of the repository, the ending ``.py`` or a part after ``*`` left out."""
    return any(
        next((root / base).glob(place), None) or (root / base / f"{place}.py").is_file() for base in ROOTS
    )


def test_every_named_place_is_there(root: Path) -> None:
    named = {(page, place) for page in pages(root) for place in PLACE.findall(page.read_text("utf-8"))}
    assert len(named) > 100
    assert [
        f"{page.relative_to(root)}: {place}"
        for page, place in sorted(named)
        if not is_there(root, place.rstrip("/"))
    ] == []


@pytest.mark.parametrize(
    ("place", "there"),
    [
        ("domain/amounts.py", True),
        ("domain/amounts", True),
        ("adapters/work_dbos*.py", True),
        ("domain/gold.py", False),
    ],
)
def test_a_place_is_recognised(root: Path, place: str, *, there: bool) -> None:
    assert is_there(root, place) is there


COMPONENT = re.compile(r"^\| (?P<name>.+) \| (?:`(?P<built>[^`]+)`|\*(?P<coming>[^*]+)\*) \|$", re.MULTILINE)


def components(root: Path) -> list[re.Match[str]]:
    text = (root / "ARCHITECTURE.md").read_text("utf-8")
    table = text.partition("\n## Components\n")[2].partition("\n## ")[0]
    assert table.count("\n| ") == len([*COMPONENT.finditer(table)]) + 1  # the head
    return [*COMPONENT.finditer(table)]


def test_every_built_component_is_one_file(root: Path) -> None:
    built = [row["built"] for row in components(root) if row["built"]]
    assert len(built) > 20
    assert [path for path in built if not any((root / base / path).is_file() for base in ROOTS)] == []


def test_what_is_still_to_come_is_not_there_yet(root: Path) -> None:
    coming = [row["coming"] for row in components(root) if row["coming"]]
    assert [place for place in coming if is_there(root, place)] == []
