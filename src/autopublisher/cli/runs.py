"""Commands that change runs: start one, approve it, stop it."""

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from autopublisher.api.services import Services
from autopublisher.bootstrap import Product, Work
from autopublisher.bootstrap.liveness import workers_alive
from autopublisher.cli.exits import code_of_run
from autopublisher.cli.looking import RunArgument
from autopublisher.cli.output import Output, OutputOption, show_rows, tell
from autopublisher.cli.product import product_of
from autopublisher.cli.request_file import read_request, read_value, scheduled_request
from autopublisher.cli.run_text import show_run
from autopublisher.cli.session import local_actor
from autopublisher.cli.signals import end_in_order_on_signals
from autopublisher.cli.watching import Watcher
from autopublisher.domain.access import Permission, Role, require
from autopublisher.domain.ids import RunId
from autopublisher.domain.moments import moment_text
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.reports import FoundObject, RunView
from autopublisher.views.moments import Zones, account_zones, zone_for

FOUND_COLUMNS = ("kind", "meta_id", "name", "status", "spent", "at_worst", "read_at")


def run(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", help="The request as JSON; - reads stdin.")],
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run until it rests.")] = False,
    approve_as: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --watch: approve a proven winner as this user.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key and request give the same run again.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Start a run from a request file."""
    if approve_as is not None and not watch:
        raise typer.BadParameter("--approve-as needs --watch")
    end_in_order_on_signals()
    request = read_request(file)
    with product_of(Work.IF_FREE if watch else Work.NONE) as product:
        services = product.services
        if approve_as is not None:
            require(services.people.user(approve_as).role, Permission.WINNER_PUBLISH)
        started = services.intake.submit(request, local_actor(), idempotency_key)
        tell(f"Run {started.id} was accepted.")
        zones = account_zones(product.outside.open_unit)
        view = (
            _followed(services, started.id, approve_as, zones) if watch else services.reports.view(started.id)
        )
    show_run(view, output, zones)
    raise typer.Exit(code_of_run(view.run))


def approve(
    run_id: RunArgument,
    variant: Annotated[
        str | None, typer.Option(help="The variant's letter; needed where no winner is proven.")
    ] = None,
    comment: Annotated[
        str, typer.Option(help="Why, for the audit trail; needed for a choice against the verdict.")
    ] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Approve a run's winner: it is scaled and published, the others stay paused."""
    with product_of() as product:
        services = product.services
        services.approvals.publish_winner(RunId(run_id), local_actor(), variant, comment, role=Role.ADMIN)
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(
            f"The approval is recorded; the run's next step, by a running worker, publishes it. {_worker_hint(product)}"
        )
    show_run(view, output, zones)


def schedule(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", help="The request as JSON; - reads stdin.")],
    at: Annotated[
        str | None,
        typer.Option(
            help="Such as '2027-01-15 09:00', in the account's zone; without, the file's scheduled_for."
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key and request give the same run again.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Accept a run that begins later."""
    value = read_value(file)
    with product_of() as product:
        request = scheduled_request(value, at, product.outside.open_unit)
        accepted = product.services.intake.submit(request, local_actor(), idempotency_key)
        zones = account_zones(product.outside.open_unit)
        view = product.services.reports.view(accepted.id)
        begins = (request.scheduled_for or accepted.created_at).astimezone(zones.get(accepted.act_id, UTC))
        tell(f"Run {accepted.id} begins at {moment_text(begins)}. {_worker_hint(product)}")
    show_run(view, output, zones)


def reject(
    run_id: RunArgument,
    reason: Annotated[str, typer.Option(help="Why nothing is published, for the audit trail.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Publish none of a run's variants: it ends with everything of it off at Meta."""
    with product_of() as product:
        services = product.services
        services.approvals.reject(RunId(run_id), local_actor(), reason)
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(
            f"Nothing is published; the run's next step, by a running worker, ends it. {_worker_hint(product)}"
        )
    show_run(view, output, zones)


def cancel(
    run_id: RunArgument,
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop a run: what it made at Meta is paused or deleted by its next step."""
    with product_of() as product:
        services = product.services
        services.approvals.cancel(RunId(run_id), local_actor(), reason)
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(
            f"The cancellation is recorded; the run's next step, by a running worker, stops it. {_worker_hint(product)}"
        )
    show_run(view, output, zones)


def adopt(
    run_id: RunArgument,
    digest: Annotated[
        str | None, typer.Option(help="What 'adopt RUN' has shown; without it nothing is adopted.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take over what Meta holds of a run whose database is older; without --digest it is only shown."""
    with product_of() as product:
        services = product.services
        found = services.reports.view(RunId(run_id))
        zone = zone_for(account_zones(product.outside.open_unit), found.run.act_id)
        show_rows([_found_row(one, zone) for one in found.found], FOUND_COLUMNS, output)
        if digest is None:
            tell(_adopt_hint(found))
            return
        services.approvals.adopt(RunId(run_id), local_actor(), digest)
        tell(
            f"The word is recorded; the run's next step, by a running worker, adopts. {_worker_hint(product)}"
        )


def _found_row(one: FoundObject, zone: tzinfo) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "meta_id": one.meta_id or "",
        "name": one.name,
        "status": one.status,
        "spent": "" if one.spent is None else str(one.spent),
        "at_worst": "" if one.possible is None else str(one.possible),
        "read_at": one.read_at.astimezone(zone),
    }


def _adopt_hint(view: RunView) -> str:
    if not view.found:
        return "The run is not held: nothing at Meta is missing from its database."
    run = f"autopublisher adopt {view.run.id} --digest {view.found_digest}"
    return f"To take this over: {run}. To end the run with all of it off: autopublisher cancel {view.run.id}."


def _worker_hint(product: Product) -> str:
    """Say what to start where nobody is working on this database."""
    if workers_alive(product.settings.database):
        return ""
    return "No worker runs now: start 'autopublisher serve' or 'autopublisher worker'."


def _followed(services: Services, run_id: RunId, approve_as: str | None, zones: Zones) -> RunView:
    watcher = Watcher(services.reports, run_id, zones, services.clock)
    view = watcher.until_rest()
    if approve_as is None or view.run.status is not RunStatus.WAITING_APPROVAL or not view.run.proven:
        return view
    services.approvals.publish_winner(run_id, approve_as, comment="approved on the command line")
    return watcher.until_rest()
