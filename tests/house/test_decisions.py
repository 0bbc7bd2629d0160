"""Every decision record can be read the same way: number, status, context, decision, consequences."""

import re
from pathlib import Path

import pytest

FILE_NAME = re.compile(r"^(?P<number>\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md$")
STATUS = re.compile(r"^Status: (?:Proposed|Accepted|Superseded by \d{4}), \d{4}-\d{2}-\d{2}$", re.MULTILINE)
SECTIONS = ("Context", "Decision", "Consequences")


@pytest.fixture
def records(root: Path) -> dict[str, str]:
    found = {path.name: path.read_text("utf-8") for path in (root / "docs" / "decisions").glob("*.md")}
    assert found
    return found


def section(record: str, title: str) -> str:
    """Return the text below a heading, empty when there is none."""
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", record, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else ""


def test_records_are_numbered_without_gaps(records: dict[str, str]) -> None:
    numbers = [match["number"] if (match := FILE_NAME.match(name)) else name for name in sorted(records)]
    assert numbers == [f"{number:04}" for number in range(1, len(records) + 1)]


def test_the_heading_carries_the_files_number(records: dict[str, str]) -> None:
    assert [name for name, text in records.items() if not text.startswith(f"# {name[:4]}. ")] == []


def test_every_record_has_a_dated_status(records: dict[str, str]) -> None:
    assert [name for name, text in records.items() if not STATUS.search(text)] == []


@pytest.mark.parametrize("title", SECTIONS)
def test_every_record_has_something_to_say_in_each_section(records: dict[str, str], title: str) -> None:
    assert [name for name, text in records.items() if not section(text, title)] == []


def test_a_lasting_change_is_a_record_of_its_own(records: dict[str, str]) -> None:
    assert [name for name, text in records.items() if re.search(r"\bamended\b", text)] == []
