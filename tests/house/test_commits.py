"""Commits say what and why: an imperative subject of at most 72 characters, an empty line, and a body.

Those from before this file came are left alone, and so is a checkout without its history.
"""

import re
import subprocess
from pathlib import Path

import pytest

LONGEST_SUBJECT = 72
NOT_IMPERATIVE = re.compile(
    r"^(?!(bring|embed|feed|need|seed|speed|ping)\b)\w+(ed|ing)\b|^(fix|feat|chore|docs|test|refactor)(\(.*\))?:",
    re.IGNORECASE,
)


def git(root: Path, *arguments: str) -> str:
    """Return what git says, nothing where there is no git or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def messages(root: Path) -> list[str]:
    """Return the messages of all commits since this file was added, merges left out."""
    here = Path(__file__).relative_to(root).as_posix()
    added = git(root, "log", "--diff-filter=A", "--format=%H", "--", here).split()
    if not added:
        return []
    told = git(root, "log", "--no-merges", "--format=%B%x00", f"{added[-1]}..HEAD")
    return [message.strip() for message in told.split("\0") if message.strip()]


def faults(message: str) -> list[str]:
    """Return what is wrong with a commit's message."""
    subject, _, rest = message.partition("\n")
    gap, _, body = rest.partition("\n")
    found = []
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"the subject has {len(subject)} characters")
    if subject.endswith(".") or not subject[:1].isupper() or NOT_IMPERATIVE.match(subject):
        found.append("the subject is no imperative sentence without a full stop")
    if gap.strip() or not body.strip():
        found.append("there is no body after an empty line")
    return found


def test_commits_say_what_and_why(root: Path) -> None:
    wrong = {message.partition("\n")[0]: faults(message) for message in messages(root)}
    assert {subject: said for subject, said in wrong.items() if said} == {}


def test_a_folder_without_history_has_none(tmp_path: Path) -> None:
    assert git(tmp_path, "log") == ""


@pytest.mark.parametrize(
    ("message", "right"),
    [
        ("Keep it\n\nBecause it was lost.", True),
        ("Bring it\n\nBecause it was lost.", True),
        ("Keep it", False),
        ("Keep it\nBecause it was lost.", False),
        (f"Keep {'x' * 68}\n\nBecause it was lost.", False),
        ("Kept it.\n\nBecause it was lost.", False),
        ("fix: keep it\n\nBecause it was lost.", False),
        ("Added it\n\nBecause it was lost.", False),
    ],
)
def test_what_a_message_needs(message: str, *, right: bool) -> None:
    assert (faults(message) == []) is right
