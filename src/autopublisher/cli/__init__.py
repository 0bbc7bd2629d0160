"""The command line: ``autopublisher`` and ``python -m autopublisher``.

The program is loaded when it is asked for, and each of its commands when it is called: `judge` needs neither API nor
database, and `status` neither the API nor the work engine; each starts without what it does not need.
"""

import importlib
import os
from typing import Any


def main() -> None:
    """Run the program."""
    # Looking for plugins of pydantic, of which there are none, reads the metadata of every package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    importlib.import_module("autopublisher.cli.program").app()


def __getattr__(name: str) -> Any:
    """Return `app`, the program, on first use."""
    if name != "app":
        raise AttributeError(name)
    return importlib.import_module("autopublisher.cli.program").app
