"""The command that says what could still be spent if nobody were there any more."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any

import typer

from autopublisher.bootstrap.exposures import opened_exposures
from autopublisher.cli.language import language, worded
from autopublisher.cli.named_account import AccountOption, account_named
from autopublisher.cli.output import Listing, Output, OutputOption, say, show, show_json, show_rows, tell
from autopublisher.cli.session import settings_with_log
from autopublisher.domain.accounts.account_limit import AccountBilling
from autopublisher.domain.accounts.accounts import zone_of
from autopublisher.domain.amounts import Money
from autopublisher.domain.moments import moment_text
from autopublisher.domain.reconciliation.unknown import UnknownObject
from autopublisher.flows.requests.exposure import AccountExposure
from autopublisher.messages import render

MONEY_COLUMNS = ("committed", "spent", "could_still_spend", "until")
COLUMNS = ("account", "run", "object", "status", "as_of", *MONEY_COLUMNS)
NEVER_READ = "never read"
"""What stands in the place of a moment where Meta has not been asked yet: the figures are the journal's worst case."""

LIMIT_COLUMNS = ("account", "scope", "period", "first", "limit", "taken", "left")


def exposure(
    account: AccountOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="help.runs_of_each_account")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what is committed, spent and could still be spent: by account, run and object, with the limits."""
    settings = settings_with_log()
    with opened_exposures(settings) as access:
        wanted = None if account is None else account_named(access.open_unit, settings, account).id
        found, now = access.exposures.of(wanted, limit=limit), access.clock.now()
    if output is Output.JSON:
        # What the API answers with, and the framework behind it, are for programs alone.
        from autopublisher.api.exposure import present_exposure  # noqa: PLC0415 - see above

        show_json(present_exposure(found, now, language()).model_dump(mode="json"))
        return
    show_rows(exposure_rows(found), COLUMNS, output)
    _show_limits(found, output)


def _show_limits(found: Sequence[AccountExposure], output: Output) -> None:
    for one in found:
        zone = _zone(one)
        if one.warning is not None:
            tell(f"{one.account.name}: {render(one.warning, language())}", style="yellow")
        if one.billing is not None and one.billing.spend_cap is not None:
            tell(
                f"{one.account.name}: {_limit_at_meta(one.billing, zone)}",
                style="yellow" if one.billing.reached else "",
            )
        for unknown in one.unknown:
            tell(f"{one.account.name}: {_unknown_text(unknown, one.account.currency, zone)}", style="red")
        for line in one.uncounted:
            tell(
                worded("not_in_figures", name=str(one.account.name), what=render(line, language(), zone)),
                style="yellow",
            )
    limits = [
        {"account": one.account.act_id, **vars(line), "left": line.left}
        for one in found
        for line in one.limits
    ]
    if limits and output is Output.TABLE:
        say("")
        show(Listing(limits, LIMIT_COLUMNS))


def _zone(one: AccountExposure) -> tzinfo:
    return zone_of(one.account.timezone) or UTC


def _unknown_text(one: UnknownObject, currency: str, zone: tzinfo) -> str:
    worst = worded("amount_not_shown") if one.possible is None else str(Money(one.possible, currency))
    since = moment_text(one.since.astimezone(zone))
    return worded("can_spend", what=render(one.said, language(), zone), worst=str(worst), since=str(since))


def _limit_at_meta(billing: AccountBilling, zone: tzinfo) -> str:
    said = worded("limit_reached") if billing.reached else worded("limit_left", left=billing.left or "")
    return worded(
        "own_limit",
        spend_cap=billing.spend_cap or "",
        amount_spent=billing.amount_spent or "",
        said=str(said),
        at=moment_text(billing.at.astimezone(zone)),
    )


def exposure_rows(found: Sequence[AccountExposure]) -> list[dict[str, Any]]:
    """Return a line for each account, run and object, the wider before the narrower, each with the age of its figures."""
    rows: list[dict[str, Any]] = []
    for one in found:
        zone = _zone(one)
        rows.append(_line(one, zone, account=one.account.act_id, as_of=one.as_of))
        for run in one.runs:
            rows.append(
                _line(
                    run,
                    zone,
                    account=one.account.act_id,
                    run=run.run_id,
                    status=run.status.value,
                    as_of=run.as_of or NEVER_READ,
                )
            )
            rows += [
                _line(
                    each,
                    zone,
                    account=one.account.act_id,
                    run=run.run_id,
                    object=each.key,
                    status=each.status,
                    as_of=each.read_at or NEVER_READ,
                )
                for each in run.objects
            ]
    return rows


def _line(one: Any, zone: tzinfo, **names: Any) -> dict[str, Any]:
    values = dict.fromkeys(COLUMNS) | names | {name: getattr(one, name) for name in MONEY_COLUMNS}
    return {name: _local(value, zone) for name, value in values.items()}


def _local(value: Any, zone: tzinfo) -> Any:
    return value.astimezone(zone) if isinstance(value, datetime) else value
