"""The list of commands costs nothing to show, says what the commands themselves say, and loads what is called."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autopublisher import __version__
from autopublisher.bootstrap.database import opened_tables
from autopublisher.cli.program import COMMANDS, DeferredCommand, app

pytestmark = pytest.mark.slow  # starts processes

NUMBERS = ("scipy", "numpy")
WEB = ("fastapi", "starlette", "jinja2", "uvicorn")
META = ("facebook_business", "requests", "httpx2")
ENGINE = ("dbos", "alembic", "psycopg", "sqlalchemy.dialects.postgresql")
HEAVY = ("babel", "PIL", "argon2", "metasim", *NUMBERS, *WEB, *META, *ENGINE)
UNKNOWN = "00000000-0000-4000-8000-000000000009"


def loaded_by(folder: Path, *words: str) -> list[str]:
    """Return which heavy modules a process has loaded when a command has ended."""
    program = (
        f"import sys; sys.argv = {['autopublisher', *words]!r}\n"
        "from autopublisher.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print('loaded', *[m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder
    )
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("AUTO_PUBLISHER_HOME", str(tmp_path / "home"))


@pytest.fixture
def current_database(tmp_path: Path) -> None:
    with opened_tables(f"sqlite:///{tmp_path}/home/autopublisher.db"):
        pass


def test_help_loads_neither_numbers_nor_the_work_engine_nor_the_api(tmp_path: Path) -> None:
    assert loaded_by(tmp_path, "--help") == []


@pytest.mark.parametrize(
    ("words", "loads"),
    [
        (("status", UNKNOWN), []),
        (("runs",), []),
        (("account", "list"), ["PIL", "argon2"]),
        (("exposure",), ["httpx2"]),  # it asks whether a simulator runs
        (("judge", "--help"), [*NUMBERS]),
        (("doctor", "--help"), ["facebook_business", "requests", "httpx2"]),
    ],
)
@pytest.mark.usefixtures("current_database")
def test_a_command_loads_what_it_needs_alone(
    tmp_path: Path, words: tuple[str, ...], loads: list[str]
) -> None:
    assert sorted(loaded_by(tmp_path, *words)) == sorted(loads)


@pytest.mark.parametrize("words", [("stop", "--help"), ("resume", "--help"), ("stops",)])
def test_the_kill_switch_is_at_hand_without_the_numbers_and_the_work_engine(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert {*NUMBERS, *WEB, "dbos", "psycopg"}.isdisjoint(loaded_by(tmp_path, *words))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_by_the_first_sentence_of_its_own_help(name: str) -> None:
    command = DeferredCommand(name, COMMANDS[name])
    assert command.loaded.help.partition("\n\n")[0].replace("\n", " ") == command.help


def test_a_command_within_a_group_is_reached() -> None:
    done = CliRunner().invoke(app, ["account", "limits", "--help"])
    assert (done.exit_code, "--monthly" in done.stdout) == (0, True)


def test_a_misspelt_command_is_refused_with_the_one_that_was_meant() -> None:
    done = CliRunner().invoke(app, ["statu"])
    assert (done.exit_code, "status" in done.stderr) == (2, True)


def test_a_group_names_its_commands_and_a_command_has_none() -> None:
    assert set(DeferredCommand("db", "database:db_app").commands or ()) == {"upgrade", "current"}
    assert DeferredCommand("status", "looking:status").commands is None


def test_the_program_says_which_release_it_is() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"autopublisher {__version__}\n")


@pytest.mark.parametrize("words", [["--lang", "es", "--help"], ["--lang", "es", "stop", "--help"]])
def test_help_is_given_in_the_chosen_language(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    told = " ".join(CliRunner().invoke(app, words).stdout.split())
    assert "Detener una cuenta o todo" in told
    assert "help." not in told
