"""The file store, the same in a folder and in memory."""

from pathlib import Path

import pytest

from autopublisher.adapters.memory.storage import MemoryStorage
from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from autopublisher.ports.storage import Storage

CROOKED = [
    "",
    "/etc/passwd",
    "..",
    "../secret",
    "a/../../secret",
    "a/./b",
    "a//b",
    "a/",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "%2e%2e/secret",
    ".hidden",
    "a" * 600,
]


@pytest.fixture(params=["memory", "obstore memory", "obstore folder"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "obstore memory":
        return ObstoreStorage.in_memory()
    return ObstoreStorage.in_folder(tmp_path / "files")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\0", bytes(range(256)) * 5000])
def test_what_is_written_is_read(storage: Storage, content: bytes) -> None:
    storage.write("creatives/2026/red-1.png", content)
    assert storage.read("creatives/2026/red-1.png") == content


def test_writing_again_replaces(storage: Storage) -> None:
    storage.write("red.png", b"first and longer")
    storage.write("red.png", b"second")
    assert storage.read("red.png") == b"second"


def test_what_was_never_written_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFoundError, match=r"red\.png was not found"):
        storage.read("red.png")


@pytest.mark.parametrize("key", CROOKED)
def test_nothing_is_written_under_a_key_that_could_lead_elsewhere(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a key of the file store"):
        storage.write(key, b"content")


@pytest.mark.parametrize("key", CROOKED)
def test_nothing_is_read_under_a_key_that_could_lead_elsewhere(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a key of the file store"):
        storage.read(key)


def test_files_outlive_the_store_that_wrote_them(tmp_path: Path) -> None:
    ObstoreStorage.in_folder(tmp_path).write("a/red.png", b"content")
    assert ObstoreStorage.in_folder(tmp_path).read("a/red.png") == b"content"


def test_a_folder_that_cannot_hold_the_file_is_unavailable(tmp_path: Path) -> None:
    storage = ObstoreStorage.in_folder(tmp_path)
    storage.write("red", b"a file where a folder would have to be")
    with pytest.raises(UnavailableError, match="cannot write red/one"):
        storage.write("red/one", b"content")
