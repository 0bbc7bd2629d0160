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
from autopublisher.cli.language import CHOICE, Spoken, language, worded

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "demo:demo",
    "serve": "serving:serve",
    "worker": "serving:worker",
    "simulator": "serving:simulator",
    "plan": "plan:plan",
    "run": "runs:run",
    "schedule": "runs:schedule",
    "status": "looking:status",
    "approve": "runs:approve",
    "reject": "runs:reject",
    "cancel": "runs:cancel",
    "adopt": "runs:adopt",
    "runs": "looking:runs",
    "stop": "stops:stop",
    "resume": "stops:resume",
    "stops": "stops:list_stops",
    "exposure": "exposure:exposure",
    "doctor": "doctor:doctor",
    "judge": "judge:judge",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "openapi": "serving:openapi",
    "example-request": "demo:example_request",
    "account": "account_commands:account_app",
    "creative": "registry:creative_app",
    "user": "registry:user_app",
    "db": "database:db_app",
}
"""Each command's module and function (or group); the catalogue has the sentence by which it is listed."""


class DeferredCommand(TyperCommand):
    """A command, or a group of them, that is listed by its sentence and loaded when it is called."""

    def __init__(self, name: str, place: str) -> None:
        super().__init__(name, help=worded(f"command.{name}"))
        self._place = place

    @property
    def loaded(self) -> Any:
        """The command itself."""
        module, _, name = self._place.partition(":")
        found = getattr(importlib.import_module(f"autopublisher.cli.{module}"), name)
        command = typer.main.get_command(found if isinstance(found, typer.Typer) else _alone(found))
        return _in_language(command, self.name or "")

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
        deferred = {name: DeferredCommand(name, place) for name, place in COMMANDS.items()}
        super().__init__(**{**named, "commands": deferred})

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help in the language that is chosen by then."""
        self.help = worded("program")
        _word_options(self)
        for name, command in self.commands.items():
            command.help = worded(f"command.{name}")
        super().format_help(ctx, formatter)


def _choose(lang: Spoken | None) -> Spoken | None:
    """Keep a chosen language for all that follows, the help among it."""
    if lang is not None:
        os.environ[CHOICE] = lang.value
    return lang


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
        typer.Option("--version", is_eager=True, callback=_tell_version, help="help.say_which_release_this"),
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(envvar="AUTO_PUBLISHER_ENV_FILE", help="help.settings_are_read_from"),
    ] = None,
    lang: Annotated[
        Spoken | None, typer.Option(is_eager=True, callback=_choose, help="help.the_language_of_what")
    ] = None,
) -> None:
    """Autopilot for Meta ad campaigns: tests variants, proves a winner, scales it, and accounts for every cent."""
    del version  # said by its callback
    del lang  # kept by its callback
    if env_file is not None:
        os.environ["AUTO_PUBLISHER_ENV_FILE"] = str(env_file.expanduser().absolute())


def _in_language(command: Any, code: str) -> Any:
    """Put a command's help, and that of its options and of the commands below it, into the language of the terminal.

    In English a command's docstring is its help, which may say more than its first sentence.
    """
    if language() != "en" or not command.help:
        command.help = worded(f"command.{code}")
    _word_options(command)
    for name, below in getattr(command, "commands", {}).items():
        _in_language(below, f"{code}.{name}")
    return command


def _word_options(command: Any) -> None:
    for each in command.params:
        if (getattr(each, "help", None) or "").startswith("help."):
            each.help = worded(each.help)


def _alone(command: Any) -> typer.Typer:
    """Return a program of one command."""
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    program.command()(command)
    return program
