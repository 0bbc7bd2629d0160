"""What the end-to-end tests start from."""

from pathlib import Path

import pytest
from tests.e2e.command import CommandLine


@pytest.fixture
def autopublisher(tmp_path: Path) -> CommandLine:
    """The command line in an empty folder."""
    return CommandLine(tmp_path)
