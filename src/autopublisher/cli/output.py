"""What goes where: data to stdout as a table, JSON or plain text; progress and errors to stderr."""

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from autopublisher.cli.language import label
from autopublisher.domain.moments import moment_text

WIDTH_WITHOUT_TERMINAL = 160
GAP = 2
"""Blanks between columns."""

UNBROKEN = 24
"""Columns of at most so many characters are shown on one line: an amount stays with its currency, a moment with its zone."""

_COMMAND = re.compile(r"'autopublisher (?P<rest>[a-z])")


class Output(StrEnum):
    """How data is written: for people, for programs, or as tab-separated lines without a heading."""

    TABLE = "table"
    JSON = "json"
    PLAIN = "plain"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="help.how_data_is_written")]


def tell(message: str, style: str = "", on: Console | None = None) -> None:
    """Write a line for people to stderr; ``on`` is the console of a status line that is being shown there."""
    screen = on or console(sys.stderr)
    # A terminal breaks lines between words; what is read by programs keeps its lines.
    screen.print(Text(runnable(message), style=style), soft_wrap=not screen.is_terminal)


def runnable(text: str) -> str:
    """Return a hint with its commands as they can be typed here: the program is not on PATH where ./run has set it up."""
    return _COMMAND.sub(lambda found: f"'{program()} {found['rest']}", text)


def program() -> str:
    """Return how the program is called from this folder."""
    beside = Path(sys.executable).with_name("autopublisher")
    on_path = shutil.which("autopublisher")
    if on_path is not None and Path(on_path).resolve() == beside.resolve():
        return "autopublisher"
    if beside.exists():
        here = Path.cwd()
        return quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
    return f"{quote(sys.executable)} -m autopublisher"


def say(text: str) -> None:
    """Write a line of data to stdout, as it is."""
    typer.echo(text)


def show_json(value: Any) -> None:
    """Write a value as JSON to stdout."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def show(renderable: RenderableType) -> None:
    """Write something rich to stdout."""
    console(sys.stdout).print(renderable)


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], output: Output) -> None:
    """Write rows, each with these columns."""
    if output is Output.JSON:
        show_json([{name: _plain(row[name]) for name in columns} for row in rows])
    elif output is Output.PLAIN:
        for row in rows:
            say("\t".join(_text(row[name]) for name in columns))
    else:
        show(Listing(rows, columns))


def show_record(record: Mapping[str, Any], output: Output) -> None:
    """Write one thing: its names and values."""
    if output is Output.JSON:
        show_json({name: _plain(value) for name, value in record.items()})
        return
    pairs = [{"name": name, "value": value} for name, value in record.items()]
    if output is Output.PLAIN:
        show_rows(pairs, ("name", "value"), output)
    else:
        show(facts_table({str(one["name"]): _text(one["value"]) for one in pairs}))


@dataclass(frozen=True)
class Listing:
    """Rows as a table; one below the other where the console is too narrow to show every word and id in full."""

    rows: Sequence[Mapping[str, Any]]
    columns: Sequence[str]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Yield whichever form fits."""
        cells = [[_text(row[name]) for name in self.columns] for row in self.rows]
        widths = _widths([list(map(label, self.columns)), *cells], options.max_width)
        if widths is not None:
            yield self._table(cells, widths)
            return
        for index, row in enumerate(self.rows):
            if index:
                yield Text("")
            shown = {name: row[name] for name in self.columns if row[name] is not None}
            yield facts_table({name: _text(value) for name, value in shown.items()})

    def _table(self, cells: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
        for name, width in zip(self.columns, widths, strict=True):
            table.add_column(label(name), width=width, overflow="fold")
        for row in cells:
            table.add_row(*map(Text, row))
        return table


def _widths(rows: Sequence[Sequence[str]], most: int) -> list[int] | None:
    """Return a width for each column in which no word is cut; None where they do not fit side by side.

    A column of short texts, such as amounts and moments, is never broken over lines. What is left above that goes to the
    columns in proportion to how much more their texts need.
    """
    columns = list(zip(*rows, strict=True))
    whole = [max(map(cell_len, column)) for column in columns]
    longest = [
        max(cell_len(word) for cell in column for word in (cell.split() or [""])) for column in columns
    ]
    least = [high if high <= UNBROKEN else low for low, high in zip(longest, whole, strict=True)]
    left = most - sum(least) - GAP * (len(columns) - 1)
    wanted = sum(whole) - sum(least)
    if left < 0:
        return None
    return [
        low + min(high - low, left * (high - low) // max(1, wanted))
        for low, high in zip(least, whole, strict=True)
    ]


def facts_table(facts: Mapping[str, str]) -> Table:
    """Return facts side by side with what they are called in the reader's language."""
    return pairs_table({label(name): value for name, value in facts.items()})


def pairs_table(pairs: Mapping[str, str]) -> Table:
    """Return names and values side by side."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(Text(name), Text(value))
    return table


def console(stream: TextIO) -> Console:
    """Return a console on a stream as it is now; without a terminal it is wide, so that no table is cut."""
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False)


def _plain(value: Any) -> Any:
    """Return what JSON can say; moments are in UTC there, as the API's are."""
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return moment_text(value) if isinstance(value, datetime) else runnable(str(value))
