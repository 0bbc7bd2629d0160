"""The command line within this process, for the tests of its commands."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from support.command import Prompt


@pytest.fixture
def prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prompt]:
    """The command line within this process, in an empty folder; what it did to logging is undone."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Prompt(tmp_path)
    for added in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(added)
        added.close()
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
