"""Commands on the database's tables."""

import typer

from autopublisher.bootstrap.database import database_state, opened_database
from autopublisher.cli.exits import ExitCode
from autopublisher.cli.output import Output, OutputOption, show_record, tell
from autopublisher.cli.session import settings_with_log

db_app = typer.Typer(help="The database's tables.", no_args_is_help=True, add_completion=False)


@db_app.command("upgrade")
def upgrade() -> None:
    """Bring the tables to this release, and prepare those of the work engine; harmless when repeated."""
    url = settings_with_log().database
    with opened_database(url):
        state = database_state(url)
    tell(f"The database is at revision {state.revision}.")


@db_app.command("current")
def current(output: OutputOption = Output.TABLE) -> None:
    """Show the tables' revision; exits with 1 where they are not this release's."""
    state = database_state(settings_with_log().database)
    show_record({"revision": state.revision, "current": "yes" if state.is_current else "no"}, output)
    raise typer.Exit(ExitCode.OK if state.is_current else ExitCode.FAILED)
