"""The command line: ``autopublisher`` and ``python -m autopublisher``.

The program is loaded when it is asked for: `judge` needs neither API nor database and starts without them.
"""

import importlib
import sys
from typing import Any


def main() -> None:
    """Run the program."""
    if sys.argv[1:2] == ["judge"]:
        importlib.import_module("autopublisher.cli.judge").judge_alone()
    else:
        importlib.import_module("autopublisher.cli.program").app()


def __getattr__(name: str) -> Any:
    """Return `app`, the whole program, on first use."""
    if name != "app":
        raise AttributeError(name)
    return importlib.import_module("autopublisher.cli.program").app
