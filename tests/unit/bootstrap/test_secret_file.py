"""The stub's own secret is made once and belongs to its owner only."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from autopublisher.bootstrap.secret_file import secret_key, write_private
from autopublisher.domain.errors import ConfigurationError
from autopublisher.settings import MetaMode, Settings


def settings(home: Path, key: str | None = None, mode: MetaMode = MetaMode.STUB) -> Settings:
    return Settings(
        auto_publisher_home=home,
        meta_api_mode=mode,
        meta_access_token=SecretStr("token"),
        secret_key=None if key is None else SecretStr(key),
    )


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_the_same_at_the_next_start(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path)) == secret_key(settings(tmp_path))


def test_two_installations_have_two(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path / "one")) != secret_key(settings(tmp_path / "two"))


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    secret_key(settings(tmp_path))
    assert mode_of(tmp_path / "secret_key") == 0o600


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    assert secret_key(settings(tmp_path, key="given")) == b"given"
    assert not (tmp_path / "secret_key").exists()


def test_live_mode_makes_none_up(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        secret_key(settings(tmp_path, mode=MetaMode.LIVE))


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short", "utf-8")
    with pytest.raises(ConfigurationError, match="damaged"):
        secret_key(settings(tmp_path))


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "credentials.txt"
    write_private(file, "one")
    write_private(file, "two")
    assert file.read_text("utf-8") == "two"
    assert mode_of(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]
