"""What the end-to-end tests start from."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.e2e.command import CommandLine, Prompt


@pytest.fixture
def autopublisher(tmp_path: Path) -> CommandLine:
    """The command line as processes, in an empty folder."""
    return CommandLine(tmp_path)


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
