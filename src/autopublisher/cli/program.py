"""The whole program: every command under its name and with its sentence; what it needs is loaded when it is called."""

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from autopublisher import __version__
from autopublisher.cli.exits import SentenceGroup
from autopublisher.cli.language import CHOICE, Spoken

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": (
        "demo:demo",
        "Show the whole product on a simulated Meta: one request, from two variants to a published winner.",
    ),
    "serve": ("serving:serve", "Serve the API and the dashboard, and run ticks, until stopped."),
    "worker": (
        "serving:worker",
        "Run ticks without HTTP until stopped; on PostgreSQL as many of these as wanted.",
    ),
    "simulator": (
        "serving:simulator",
        "Run the simulator of Meta's Marketing API alone; point META_GRAPH_URL at the address it prints.",
    ),
    "run": ("runs:run", "Start a run from a request file."),
    "schedule": ("runs:schedule", "Accept a run that begins later."),
    "status": ("looking:status", "Show a run, or follow it."),
    "approve": (
        "runs:approve",
        "Approve a run's winner: it is scaled and published, the others stay paused.",
    ),
    "reject": (
        "runs:reject",
        "Publish none of a run's variants: it ends with everything of it off at Meta.",
    ),
    "cancel": ("runs:cancel", "Stop a run: what it made at Meta is paused or deleted by its next step."),
    "adopt": (
        "runs:adopt",
        "Take over what Meta holds of a run whose database is older; without --digest it is only shown.",
    ),
    "runs": ("looking:runs", "List runs, newest first."),
    "stop": (
        "stops:stop",
        "Stop an account or everything: switch all of ours off at Meta, and wait until Meta shows it.",
    ),
    "resume": (
        "stops:resume",
        "Lift a stop: runs under way go on by their next step; final campaigns stay paused unless asked for.",
    ),
    "stops": ("stops:list_stops", "List stops, those that hold first."),
    "exposure": (
        "exposure:exposure",
        "Say what is committed, spent and could still be spent: by account, run and object, with the limits.",
    ),
    "doctor": (
        "doctor:doctor",
        "Check settings, database, worker, pictures, Meta, token, accounts and clock; exits with 1 where something fails.",
    ),
    "judge": (
        "judge:judge",
        "Judge recorded tests: reads one test per line as JSON from stdin, writes one verdict per line.",
    ),
    "backup": (
        "backup:backup",
        "Write database, pictures and a manifest into one new file, while everything goes on.",
    ),
    "restore": (
        "backup:restore",
        "Replace everything by what a backup holds; nothing is written to Meta before it has been compared with it.",
    ),
    "openapi": ("serving:openapi", "Print the API's OpenAPI document as JSON."),
    "example-request": (
        "demo:example_request",
        "Print the brief's request with the ids of the demo, ready to be sent.",
    ),
    "account": ("account_set:account_app", "Ad accounts we may act on."),
    "creative": ("registry:creative_app", "Images that runs can test."),
    "user": ("registry:user_app", "People, their passwords and their tokens."),
    "db": ("database:db_app", "The database's tables."),
}
"""Each command's module and function (or group), and the first sentence of its help, which the list of commands shows."""


class DeferredCommand(TyperCommand):
    """A command, or a group of them, that is listed by its sentence and loaded when it is called."""

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._place = place

    @property
    def loaded(self) -> Any:
        """The command itself."""
        module, _, name = self._place.partition(":")
        found = getattr(importlib.import_module(f"autopublisher.cli.{module}"), name)
        return typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(found))

    @property
    def commands(self) -> Mapping[str, Any] | None:
        """The commands of a group; None for a command."""
        return getattr(self.loaded, "commands", None)

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Hand the rest of the command line to the command itself."""
        return self.loaded.make_context(*given, **named)


class Program(SentenceGroup):
    """The program's commands, none of them loaded yet."""

    def __init__(self, **named: Any) -> None:
        deferred = {
            name: DeferredCommand(name, place, sentence) for name, (place, sentence) in COMMANDS.items()
        }
        super().__init__(**{**named, "commands": deferred})


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it
    if asked:
        typer.echo(f"autopublisher {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="autopublisher",
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Say which release this is."),
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(envvar="AUTO_PUBLISHER_ENV_FILE", help="Settings are read from this file, too."),
    ] = None,
    lang: Annotated[
        Spoken | None, typer.Option(help="The language of what is said; without, the terminal's locale.")
    ] = None,
) -> None:
    """Autopilot for Meta ad campaigns: tests variants, proves a winner, scales it, and accounts for every cent."""
    del version  # said by its callback
    if lang is not None:
        os.environ[CHOICE] = lang.value
    if env_file is not None:
        os.environ["AUTO_PUBLISHER_ENV_FILE"] = str(env_file.expanduser().absolute())


def _alone(command: Any) -> typer.Typer:
    """Return a program of one command."""
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(command)
    return program
