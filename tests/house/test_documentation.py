"""README.md and docs/operations.md say what is true: the configuration table, the commands and their options exist."""

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings

VARIABLE_ROW = re.compile(r"^\|\s*`(?P<name>[A-Z][A-Z0-9_]*)`", re.MULTILINE)
CODE = re.compile(r"^```[a-z]*\n(?P<block>.*?)^```|`(?P<span>[^`\n]+)`", re.MULTILINE | re.DOTALL)
# Variables of the set-up and the tests; the product does not read them.
PAGES_WITH_COMMANDS = ("README.md", "docs/operations.md")
NOT_SETTINGS = {"TEST_DATABASE_URL", "HYPOTHESIS_PROFILE"}


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text("utf-8")


def variables(settings: type[BaseSettings]) -> set[str]:
    """Return the environment variables a settings class reads; of several aliases, the first."""
    prefix = settings.model_config.get("env_prefix", "")
    names = set()
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        names.add(str(first or f"{prefix}{name}").upper())
    return names


def documented_variables(readme: str) -> set[str]:
    """Return the variables in the first column of the README's tables."""
    return {match["name"] for match in VARIABLE_ROW.finditer(readme)} - NOT_SETTINGS


def command_lines(readme: str) -> Iterator[list[str]]:
    """Yield the arguments of each `autopublisher ...` written as code."""
    for match in CODE.finditer(readme):
        for line in (match["block"] or match["span"]).splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True, posix=False)
            words = words[2:] if words[:2] in (["python", "-m"], ["python3", "-m"]) else words
            if Path(words[0] if words else "").name == "autopublisher":
                yield words[1:]


def unknown_word(command: Any, words: list[str]) -> str | None:
    """Return the first word of a command line that the program would not know as a command."""
    for word in words:
        commands = getattr(command, "commands", None)
        if commands is None or word.startswith("-"):
            return None
        if word not in commands:
            return word
        command = commands[word]
    return None


def unknown_options(command: Any, words: list[str]) -> list[str]:
    """Return the long options of a command line that its command does not have."""
    for word in words:
        commands = getattr(command, "commands", None)
        if not commands or word not in commands:
            break
        command = commands[word]
    leaf = getattr(command, "loaded", command)
    known = {option for parameter in leaf.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


def test_the_configuration_table_lists_exactly_the_settings(readme: str) -> None:
    settings = importlib.import_module("autopublisher.settings")
    assert documented_variables(readme) == variables(settings.Settings)


@pytest.fixture
def program() -> Any:
    return typer.main.get_command(importlib.import_module("autopublisher.cli").app)


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_every_command_in_the_pages_exists(root: Path, program: Any, page: str) -> None:
    lines = list(command_lines((root / page).read_text("utf-8")))
    assert lines, f"{page} shows no command"
    assert [line for line in lines if unknown_word(program, line)] == []


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_every_option_in_the_pages_exists(root: Path, program: Any, page: str) -> None:
    lines = command_lines((root / page).read_text("utf-8"))
    assert [line for line in lines if unknown_options(program, line)] == []


def test_the_operations_page_is_linked_from_the_readme(readme: str) -> None:
    assert "(docs/operations.md)" in readme


def test_variables_are_read_from_names_prefixes_and_aliases() -> None:
    class Sample(BaseSettings, env_prefix="SHOP_"):
        colour: str = ""
        size: int = Field(default=1, validation_alias="SIZE")
        price: int = Field(default=1, validation_alias=AliasChoices("PRICE", "COST"))

    assert variables(Sample) == {"SHOP_COLOUR", "SIZE", "PRICE"}


def test_commands_are_found_in_blocks_and_spans() -> None:
    text = "Try `autopublisher demo --once` or\n```sh\n$ python -m autopublisher runs list  # all\nls\n```\n"
    assert list(command_lines(text)) == [["demo", "--once"], ["runs", "list"]]


def test_an_unknown_command_is_recognised() -> None:
    app, runs = typer.Typer(), typer.Typer()
    app.add_typer(runs, name="runs")
    runs.command("list")(lambda: None)
    runs.command("show")(lambda: None)
    program = typer.main.get_command(app)
    assert unknown_word(program, ["runs", "list", "anything"]) is None
    assert unknown_word(program, ["runs", "burn"]) == "burn"


def test_an_unknown_option_is_recognised() -> None:
    app, runs = typer.Typer(), typer.Typer()
    app.add_typer(runs, name="runs")

    @runs.command("list")
    def listed(*, fast: bool = False) -> None:
        del fast

    runs.command("show")(lambda: None)
    program = typer.main.get_command(app)
    assert unknown_options(program, ["runs", "list", "--fast"]) == []
    assert unknown_options(program, ["runs", "list", "--slow"]) == ["--slow"]


def test_the_page_on_requests_explains_every_choice_and_the_default_times(root: Path) -> None:
    page = (root / "docs" / "requests.md").read_text("utf-8")
    request = importlib.import_module("autopublisher.domain.request.request")
    kinds = (request.Strategy, request.WinnerCriteria, request.DecisionMode, request.NoWinner)
    assert [one.value for kind in kinds for one in kind if f"`{one.value}`" not in page] == []
    test = request.ABTestConfig
    assert f"`settle_hours` ({test.settle_hours} unless" in page
    assert f"`embargo_hours` ({test.embargo_hours})" in page
