"""The data folder is its owner's alone, whatever it was before."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from autopublisher.bootstrap.private_home import OpenFiles, own_home
from autopublisher.domain.errors import ConfigurationError
from autopublisher.settings import Settings
from support.disks import disk_at


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.rglob("*"))}


def test_what_is_made_from_now_on_is_private(tmp_path: Path) -> None:
    own_home(Settings(auto_publisher_home=tmp_path / "home"))
    (tmp_path / "home" / "storage").mkdir()
    (tmp_path / "home" / "autopublisher.db").touch()
    assert modes(tmp_path / "home") == {"home": "0o700", "storage": "0o700", "autopublisher.db": "0o600"}


def test_what_was_open_is_closed_and_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "storage" / "creatives").mkdir(parents=True)
    files = [home / "autopublisher.db-wal", home / "simulator.lock", home / "storage" / "creatives" / "a"]
    for file in files:
        file.touch()
    told = own_home(Settings(auto_publisher_home=home))
    assert {home, *files} <= set(told.closed)
    assert set(modes(home).values()) == {"0o700", "0o600"}
    assert own_home(Settings(auto_publisher_home=home)) == OpenFiles()


def test_what_cannot_be_closed_is_named(tmp_path: Path) -> None:
    with disk_at(tmp_path / "disk") as disk:
        home = disk.folder / "home"
        home.mkdir()
        (home / "secret_key").touch()
        disk.protect()
        found = own_home(Settings(auto_publisher_home=home))
        if disk.mounted:  # elsewhere the owner may still close it
            assert set(found.left_open) == {home, home / "secret_key"}


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "notes.txt").touch()
    own_home(Settings(auto_publisher_home=home))
    assert modes(home)["notes.txt"] == "0o644"


def test_a_folder_that_everybody_uses_stays_everybodys(tmp_path: Path) -> None:
    home = tmp_path / "tmp"
    home.mkdir()
    home.chmod(0o1777)
    (home / "autopublisher.log").touch()
    own_home(Settings(auto_publisher_home=home))
    assert modes(home) == {"tmp": "0o1777", "autopublisher.log": "0o600"}


def test_a_database_elsewhere_is_closed_without_its_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.db").touch()
    url = SecretStr(f"sqlite:///{elsewhere}/x.db")
    own_home(Settings(auto_publisher_home=tmp_path / "home", database_url=url))
    assert modes(elsewhere) == {"elsewhere": "0o755", "x.db": "0o600"}


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(ConfigurationError, match="AUTO_PUBLISHER_HOME"):
        own_home(Settings(auto_publisher_home=tmp_path / "home"))
