"""Runs the command line as a user does: in a folder of its own, with nothing set but what a test sets."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from autopublisher.cli import app

ROOT = Path(__file__).parents[2]
OURS = ("AUTO_PUBLISHER_", "META_", "STUB_", "DATABASE_URL", "SECRET_KEY")
PATIENCE_SECONDS = 240


def simulators_in(folder: Path) -> list[Path]:
    """Return the announcements of simulators that have not been ended."""
    return list(folder.rglob("simulator.json"))


@dataclass(frozen=True)
class Prompt:
    """``autopublisher`` within this process, for what ends soon."""

    folder: Path

    def run(self, *arguments: str, **variables: str) -> Result:
        """Run a command to its end."""
        unset = {name: None for name in os.environ if name.startswith(OURS)}
        done = CliRunner().invoke(app, arguments, env={**unset, **variables})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done


@dataclass(frozen=True)
class CommandLine:
    """``autopublisher`` as a process."""

    folder: Path

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a command and return its process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        ours = {"PYTHONPATH": str(ROOT / "src"), "AUTO_PUBLISHER_PORT": "0"}
        return subprocess.Popen(
            [sys.executable, "-m", "autopublisher", *arguments],
            cwd=self.folder,
            env={**kept, **ours, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)
