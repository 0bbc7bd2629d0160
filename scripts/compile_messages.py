#!/usr/bin/env python3
"""Compiles the catalogues: run `.venv/bin/python scripts/compile_messages.py` after changing a .po file, and commit both."""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).resolve().parent.parent / "src/autopublisher/messages/locale"


def compiled(source: Path) -> bytes:
    """Return what a catalogue compiles to."""
    target = BytesIO()
    with source.open("rb") as file:
        write_mo(target, read_po(file, abort_invalid=True))
    return target.getvalue()


def main() -> None:
    """Compile every catalogue that has changed and name it."""
    for source in sorted(LOCALES.glob("*/LC_MESSAGES/*.po")):
        target, fresh = source.with_suffix(".mo"), compiled(source)
        if not target.is_file() or target.read_bytes() != fresh:
            target.write_bytes(fresh)
            sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
