"""Commands that change runs: start one, approve it, stop it."""

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from autopublisher.api.services import Services
from autopublisher.bootstrap import Product
from autopublisher.bootstrap.liveness import workers_alive
from autopublisher.cli.exits import code_of_run
from autopublisher.cli.language import worded
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
from autopublisher.domain.runs.run import RunStatus, Way
from autopublisher.flows.requests.found_objects import FoundObject
from autopublisher.flows.requests.reports import RunView
from autopublisher.views.moments import Zones, account_zones, zone_for

FOUND_COLUMNS = ("kind", "meta_id", "name", "status", "spent", "at_worst", "read_at")


def run(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", help="help.the_request_as_json")],
    watch: Annotated[bool, typer.Option("--watch", help="help.follow_the_run_until")] = False,
    approve_as: Annotated[str | None, typer.Option(metavar="NAME", help="help.with_watch_approve_a")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="help.the_same_key_and")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Start a run from a request file."""
    if approve_as is not None and not watch:
        raise typer.BadParameter("--approve-as needs --watch")
    end_in_order_on_signals()
    request = read_request(file)
    with product_of(may_work=watch) as product:
        services = product.services
        if approve_as is not None:
            require(services.people.user(approve_as).role, Permission.WINNER_PUBLISH)
        started = services.intake.submit(request, local_actor(), idempotency_key)
        tell(worded("run_accepted", id=str(started.id)))
        zones = account_zones(product.outside.open_unit)
        view = (
            _followed(services, started.id, approve_as, zones) if watch else services.reports.view(started.id)
        )
    show_run(view, output, zones)
    raise typer.Exit(code_of_run(view.run))


def approve(
    run_id: RunArgument,
    variant: Annotated[str | None, typer.Option(help="help.the_variants_letter_needed")] = None,
    comment: Annotated[str, typer.Option(help="help.why_for_the_audit")] = "",
    way: Annotated[Way, typer.Option(help="help.the_way_of_publishing")] = Way.SCALED,
    output: OutputOption = Output.TABLE,
) -> None:
    """Approve a run's winner: it is scaled and published, the others stay paused."""
    with product_of() as product:
        services = product.services
        services.approvals.publish_winner(
            RunId(run_id), local_actor(), variant, comment, role=Role.ADMIN, way=way
        )
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(worded("approval_recorded", hint=_worker_hint(product)))
    show_run(view, output, zones)


def schedule(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", help="help.the_request_as_json")],
    at: Annotated[
        str | None,
        typer.Option(help="help.such_as_2027_01"),
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="help.the_same_key_and")] = None,
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
        tell(
            worded("run_begins", id=str(accepted.id), begins=moment_text(begins), hint=_worker_hint(product))
        )
    show_run(view, output, zones)


def reject(
    run_id: RunArgument,
    reason: Annotated[str, typer.Option(help="help.why_nothing_is_published")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Publish none of a run's variants: it ends with everything of it off at Meta."""
    with product_of() as product:
        services = product.services
        services.approvals.reject(RunId(run_id), local_actor(), reason)
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(worded("rejection_recorded", hint=_worker_hint(product)))
    show_run(view, output, zones)


def cancel(
    run_id: RunArgument,
    reason: Annotated[str, typer.Option(help="help.why_for_the_audit_trail")] = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop a run: what it made at Meta is paused or deleted by its next step."""
    with product_of() as product:
        services = product.services
        services.approvals.cancel(RunId(run_id), local_actor(), reason)
        view, zones = services.reports.view(RunId(run_id)), account_zones(product.outside.open_unit)
        tell(worded("cancel_recorded", hint=_worker_hint(product)))
    show_run(view, output, zones)


def adopt(
    run_id: RunArgument,
    digest: Annotated[str | None, typer.Option(help="help.what_adopt_run_has")] = None,
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
        tell(worded("adopt_recorded", hint=_worker_hint(product)))


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
        return worded("not_held")
    run = f"autopublisher adopt {view.run.id} --digest {view.found_digest}"
    return worded("adopt_hint", run=str(run), id=str(view.run.id))


def _worker_hint(product: Product) -> str:
    """Say what to start where nobody is working on this database."""
    if workers_alive(product.settings.database):
        return ""
    return worded("no_worker")


def _followed(services: Services, run_id: RunId, approve_as: str | None, zones: Zones) -> RunView:
    watcher = Watcher(services.reports, run_id, zones, services.clock)
    view = watcher.until_rest()
    if (
        approve_as is None
        or view.run.status is not RunStatus.WAITING_APPROVAL
        or not view.run.release.is_proven
    ):
        return view
    services.approvals.publish_winner(run_id, approve_as, comment=worded("approved_here"))
    return watcher.until_rest()
