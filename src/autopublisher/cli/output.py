"""What goes where: data to stdout as a table, JSON or plain text; progress and errors to stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 160


class Output(StrEnum):
    """How data is written: for people, for programs, or as tab-separated lines without a heading."""

    TABLE = "table"
    JSON = "json"
    PLAIN = "plain"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How data is written to stdout.")]


def tell(message: str, style: str = "") -> None:
    """Write a line for people to stderr."""
    console(sys.stderr).print(Text(message, style=style), soft_wrap=True)


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
        show_json([{name: row[name] for name in columns} for row in rows])
    elif output is Output.PLAIN:
        for row in rows:
            say("\t".join(_text(row[name]) for name in columns))
    else:
        show(table_of(rows, columns))


def show_record(record: Mapping[str, Any], output: Output) -> None:
    """Write one thing: its names and values."""
    if output is Output.JSON:
        show_json(dict(record))
        return
    pairs = [{"name": name, "value": value} for name, value in record.items()]
    if output is Output.PLAIN:
        show_rows(pairs, ("name", "value"), output)
    else:
        show(pairs_table({str(one["name"]): _text(one["value"]) for one in pairs}))


def table_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Return rows as a table with headings."""
    table = Table(
        *(name.replace("_", " ") for name in columns), box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for row in rows:
        table.add_row(*(Text(_text(row[name])) for name in columns))
    return table


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


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return str(value)
