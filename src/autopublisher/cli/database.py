"""Commands on the database's tables."""

from typing import Annotated

import typer

from autopublisher.bootstrap.database import database_state, opened_database, units_of
from autopublisher.bootstrap.home_mark import HomeMark
from autopublisher.cli.exits import ExitCode
from autopublisher.cli.language import worded
from autopublisher.cli.output import Output, OutputOption, show_record, tell
from autopublisher.cli.session import settings_with_log

NewDatabaseOption = Annotated[bool, typer.Option("--new-database", help="help.begin_anew_although_runs")]

db_app = typer.Typer(no_args_is_help=True, add_completion=False)


@db_app.command("upgrade")
def upgrade(*, new_database: NewDatabaseOption = False) -> None:
    """Bring the tables to this release, and prepare those of the work engine; harmless when repeated."""
    settings = settings_with_log()
    with opened_database(settings.database) as engine:
        HomeMark(settings.home, units_of(engine)).check(new_database=new_database)
        state = database_state(settings.database)
    tell(worded("database_at", revision=str(state.revision)))


@db_app.command("current")
def current(output: OutputOption = Output.TABLE) -> None:
    """Show the tables' revision; exits with 1 where they are not this release's."""
    state = database_state(settings_with_log().database)
    show_record({"revision": state.revision, "current": "yes" if state.is_current else "no"}, output)
    raise typer.Exit(ExitCode.OK if state.is_current else ExitCode.FAILED)
