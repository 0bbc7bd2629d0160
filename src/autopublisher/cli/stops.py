"""The kill switch from a terminal: stop and wait until Meta shows it, see the stops, resume."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from autopublisher.bootstrap.database import opened_units, prove_database_writable
from autopublisher.bootstrap.emergency import opened_emergency
from autopublisher.cli.exits import ExitCode
from autopublisher.cli.language import language, worded
from autopublisher.cli.named_account import account_named
from autopublisher.cli.output import Output, OutputOption, console, show_json, show_rows, tell
from autopublisher.cli.product import product_of
from autopublisher.cli.session import local_actor, settings_to_stop, settings_with_log
from autopublisher.cli.signals import end_in_order_on_signals
from autopublisher.domain.accounts.stops import ObjectLine, Stop
from autopublisher.domain.errors import (
    AutoPublisherError,
    ConfigurationError,
    ConflictError,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, RunId, StopId
from autopublisher.domain.messages import Message, remedied
from autopublisher.flows.requests.deadline import within
from autopublisher.flows.requests.stops import (
    PATIENCE_SECONDS,
    Stops,
    StopView,
    paused_in_emergency,
    views_of,
)
from autopublisher.messages import error_text, render
from autopublisher.settings import Settings
from autopublisher.views.moments import Zones, account_zones, zone_for

if TYPE_CHECKING:
    from autopublisher.bootstrap import Product

LOOK_SECONDS = 0.3
OBJECT_COLUMNS = ("account", "campaign", "run_id", "kind", "meta_id", "name", "state", "confirmed", "why")
STOP_COLUMNS = ("stop_id", "scope", "holds", "confirmed", "by", "at", "reason", "lifted_by")

AccountOption = Annotated[str | None, typer.Option("--account", help="help.our_id_or_metas")]
AllOption = Annotated[bool, typer.Option("--all", help="help.everything")]
ReasonOption = Annotated[str, typer.Option("--reason", help="help.why_for_the_audit_trail")]


def stop(
    *,
    reason: ReasonOption,
    account: AccountOption = None,
    everything: AllOption = False,
    wait: Annotated[float, typer.Option(min=0, help="help.seconds_to_wait_for")] = 120.0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop an account or everything: switch all of ours off at Meta, and wait until Meta shows it."""
    _need_one_scope(account, everything=everything)
    end_in_order_on_signals()
    settings = settings_to_stop()
    try:
        within(PATIENCE_SECONDS, lambda: prove_database_writable(settings.database))
        view = _recorded(settings, account, reason, wait)
    except (UnavailableError, ConfigurationError, ConflictError) as error:
        tell(worded("pausing_without_database", problem=error_text(error, language())), style="yellow")
        view = _without_database(settings, account, reason, error)
    _show(view, output)
    if not view.confirmed:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _recorded(settings: Settings, account: str | None, reason: str, wait: float) -> StopView:
    """Stop as the product does: the row first, then everything off by a worker, this one if there is no other."""
    # Loaded only here: where the database cannot be written, nothing must take time before the pauses.
    from autopublisher.bootstrap import Product, Work  # noqa: PLC0415 - see above

    with Product(settings, Work.IF_FREE) as product:
        stops = product.services.stops
        view = stops.stop(_account_id(product, account), reason, local_actor())
        if view.unrecorded is not None:
            return view
        tell(worded("stop_recorded"))
        return _followed(stops, view, wait)


def _without_database(
    settings: Settings, account: str | None, reason: str, problem: AutoPublisherError
) -> StopView:
    with opened_emergency(settings) as emergency:
        stop = Stop(StopId(str(uuid4())), emergency.scope(account), reason, local_actor(), emergency.moment())
        return paused_in_emergency(emergency, stop, problem)


def resume(
    *,
    reason: ReasonOption,
    account: AccountOption = None,
    everything: AllOption = False,
    reactivate: Annotated[
        bool, typer.Option("--reactivate", help="help.also_switch_final_campaigns")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Lift a stop: runs under way go on by their next step; final campaigns stay paused unless asked for."""
    _need_one_scope(account, everything=everything)
    with product_of() as product:
        stops = product.services.stops
        account_id = _account_id(product, account)
        if account_id is None:
            held = next((one for one in stops.holding() if one.act_id is None), None)
            if held is None:
                raise ConflictError(*remedied(Message("cli.nothing_stopped")))
            views = stops.resume(local_actor(), reason, stop_id=held.id, reactivate=reactivate)
        else:
            views = stops.resume(local_actor(), reason, account_id=account_id, reactivate=reactivate)
        tell(worded("stop_lifted"))
        zones = account_zones(product.outside.open_unit)
    show_rows([_stop_row(one, zones) for one in views], STOP_COLUMNS, output)


def list_stops(output: OutputOption = Output.TABLE) -> None:
    """List stops, those that hold first."""
    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit:
        views, zones = views_of(open_unit), account_zones(open_unit)
    show_rows([_stop_row(one, zones) for one in views], STOP_COLUMNS, output)


def _need_one_scope(account: str | None, *, everything: bool) -> None:
    if everything == (account is not None):
        raise typer.BadParameter("name --account or --all, and not both")


def _account_id(product: "Product", account: str | None) -> AccountId | None:
    if account is None:
        return None
    return account_named(product.outside.open_unit, product.settings, account).id


def _followed(stops: Stops, view: StopView, seconds: float) -> StopView:
    """Tell how far the stop has come until it is confirmed or the time is up."""
    until = time.monotonic() + seconds
    with console(sys.stderr).status("") as line:
        while not view.confirmed and time.monotonic() < until:
            line.update(_progress(view))
            time.sleep(LOOK_SECONDS)
            view = stops.view(view.stop.id)
    return view


def _progress(view: StopView) -> str:
    lines = [line for one in view.accounts if one.report is not None for line in one.report.objects]
    done = sum(line.confirmed for line in lines)
    return worded("objects_off", done=done, count=len(lines))


def _show(view: StopView, output: Output) -> None:
    if output is Output.JSON:
        # What the API answers with, and the framework behind it, are for programs alone.
        from autopublisher.api.stop_models import present_stop  # noqa: PLC0415 - see above

        show_json(present_stop(view, language()).model_dump(mode="json"))
        return
    show_rows(object_rows(view), OBJECT_COLUMNS, output)
    for account in view.accounts:
        for missing in account.open_lines:
            tell(
                worded("not_confirmed", name=str(account.name), missing=render(missing, language())),
                style="red",
            )
    if view.unrecorded is not None:
        tell(render(view.unrecorded, language()), style="yellow")
    if view.confirmed:
        tell(worded("all_off"), style="green")


def object_rows(view: StopView) -> list[dict[str, Any]]:
    """Return a row for each object that a stop has looked at."""
    return [
        _object_row(one.name, line, view.campaigns)
        for one in view.accounts
        if one.report is not None
        for line in one.report.objects
    ]


def _object_row(account: str, line: ObjectLine, campaigns: Mapping[RunId, str]) -> dict[str, Any]:
    return {
        "account": account,
        "campaign": None if line.run_id is None else campaigns.get(line.run_id),
        "run_id": line.run_id,
        "kind": line.kind.value,
        "meta_id": line.meta_id,
        "name": line.key,
        "state": line.state,
        "confirmed": "yes" if line.confirmed else "no",
        "why": None if line.why is None else render(line.why, language()),
    }


def _stop_row(view: StopView, zones: Zones) -> dict[str, Any]:
    stop = view.stop
    return {
        "stop_id": stop.id,
        "scope": stop.act_id or "everything",
        "holds": "yes" if stop.holds else "no",
        "confirmed": "yes" if view.confirmed else "no",
        "by": stop.by,
        "at": stop.at.astimezone(zone_for(zones, stop.act_id)),
        "reason": stop.reason,
        "lifted_by": stop.lifted_by,
    }
