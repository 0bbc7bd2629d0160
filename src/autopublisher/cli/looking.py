"""Commands that only look at runs: show one, follow it, list them; the database is all they open."""

from typing import Annotated

import typer

from autopublisher.bootstrap.database import opened_units
from autopublisher.cli.exits import code_of_run
from autopublisher.cli.output import Output, OutputOption, show_rows
from autopublisher.cli.run_text import RUN_COLUMNS, run_row, show_run
from autopublisher.cli.session import settings_with_log
from autopublisher.cli.signals import end_in_order_on_signals
from autopublisher.cli.watching import Watcher
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.reports import Reports
from autopublisher.views.moments import account_zones

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="help.the_runs_id")]


def status(
    *,
    run_id: RunArgument,
    watch: Annotated[bool, typer.Option("--watch", help="help.follow_the_run_until")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a run, or follow it."""
    end_in_order_on_signals()
    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit:
        reports = Reports(open_unit)
        wanted = RunId(run_id)
        zones = account_zones(open_unit)
        view = Watcher(reports, wanted, zones).until_rest() if watch else reports.view(wanted)
    show_run(view, output, zones)
    raise typer.Exit(code_of_run(view.run) if watch else 0)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="help.how_many_at_most")] = 20,
    only: Annotated[list[RunStatus] | None, typer.Option("--status", help="help.only_these_statuses")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List runs, newest first."""
    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit:
        reports, zones = Reports(open_unit), account_zones(open_unit)
        found = reports.lines(None, limit, frozenset(only) if only else None)
        rows = [run_row(one.run, one.money, zones) for one in found.lines]
    show_rows(rows, RUN_COLUMNS, output)
