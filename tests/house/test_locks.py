"""The lock files pin everything pyproject.toml asks for, by hash, and name no place to download from."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = ("requirements.lock", "requirements-dev.lock")
CLIENTS = "tests/simulator/clients/requirements"
"""Other people's clients, which are no part of the environment."""

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?P<rest>.*(?:\n .*)*)", re.MULTILINE)
# A host, an address, an option that names one, or a path: what a registry's client might have left behind.
PLACE = re.compile(
    r"://|@ |--(?:extra-)?index|--find-links|--trusted-host|\b[\w-]+\.(?:org|com|io|net|dev|local)\b|^/"
)


@pytest.fixture(params=[*LOCKS, f"{CLIENTS}.lock"])
def lock(request: pytest.FixtureRequest, root: Path) -> str:
    return (root / str(request.param)).read_text("utf-8")


def pins(lock: str) -> dict[str, set[Version]]:
    """Return the locked versions of each package; a package can have one per Python version."""
    found: dict[str, set[Version]] = {}
    for match in PIN.finditer(lock):
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


def wanted(root: Path, lock_name: str) -> Iterator[Requirement]:
    """Yield what a lock file has to hold: of the project's own, the build included."""
    if lock_name.startswith(CLIENTS):
        asked = (root / f"{CLIENTS}.in").read_text("utf-8").splitlines()
        yield from (Requirement(line) for line in asked if line and not line.startswith("#"))
        return
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    yield from map(Requirement, project["build-system"]["requires"])
    yield from map(Requirement, project["project"]["dependencies"])
    if lock_name == "requirements-dev.lock":
        yield from map(Requirement, project["project"]["optional-dependencies"]["dev"])


def test_a_lock_file_names_no_place_to_download_from(lock: str) -> None:
    assert [line for line in lock.splitlines() if PLACE.search(line)] == []


def test_every_pin_carries_a_hash(lock: str) -> None:
    assert pins(lock)
    assert [match["name"] for match in PIN.finditer(lock) if "--hash=sha256:" not in match["rest"]] == []


@pytest.mark.parametrize("name", [*LOCKS, f"{CLIENTS}.lock"])
def test_a_lock_file_fits_what_the_project_asks_for(root: Path, name: str) -> None:
    locked = pins((root / name).read_text("utf-8"))
    unfit = [
        str(requirement)
        for requirement in wanted(root, name)
        if not all(
            version in requirement.specifier
            for version in locked.get(canonicalize_name(requirement.name), ())
        )
        or canonicalize_name(requirement.name) not in locked
    ]
    assert unfit == [], "run scripts/lock"


def test_the_development_lock_contains_the_other(root: Path) -> None:
    run, development = (pins((root / name).read_text("utf-8")) for name in LOCKS)
    assert run.items() <= development.items()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url x",
        "name @ file:x",
        "# from https://somewhere",
        "# packages.example.com",
        "--find-links x",
    ],
)
def test_a_place_is_recognised(line: str) -> None:
    assert PLACE.search(line)
