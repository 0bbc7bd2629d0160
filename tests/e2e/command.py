"""Runs the command line as a user does: as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("AUTO_PUBLISHER_", "META_", "STUB_", "DATABASE_URL", "SECRET_KEY")
PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class CommandLine:
    """``autopublisher`` in one folder, with nothing set but what a test sets."""

    folder: Path

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the caller's environment without any setting of the product's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "PYTHONPATH": str(ROOT / "src"), "AUTO_PUBLISHER_PORT": "0", **variables}

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a command and return its process."""
        return subprocess.Popen(
            [sys.executable, "-m", "autopublisher", *arguments],
            cwd=self.folder,
            env=self.environment(**variables),
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

    def simulators(self) -> list[Path]:
        """Return the announcements of simulators that have not been ended."""
        return list(self.folder.rglob("simulator.json"))
