"""Commands on what runs need: ad accounts, creatives, people."""

import secrets
import sys
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from autopublisher.bootstrap.database import opened_units
from autopublisher.bootstrap.people import opened_people
from autopublisher.cli.language import language, worded
from autopublisher.cli.named_account import AccountOption, account_named
from autopublisher.cli.output import Output, OutputOption, say, show_record, show_rows, tell
from autopublisher.cli.product import product_of
from autopublisher.cli.session import local_actor, settings_with_log
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import (
    Account,
    AccountMessage,
    AdDefaults,
    Creative,
    missing_for_sales,
)
from autopublisher.domain.accounts.claims import Claim
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import NotFoundError
from autopublisher.domain.faults import Thing
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.request.regional_rules import IDENTITIES
from autopublisher.flows.requests.pictures import warnings_of
from autopublisher.flows.ticks import look_now
from autopublisher.messages import render
from autopublisher.views.moments import zone_for, zones_of

account_app = typer.Typer(no_args_is_help=True, add_completion=False)
creative_app = typer.Typer(no_args_is_help=True, add_completion=False)
user_app = typer.Typer(no_args_is_help=True, add_completion=False)

ACCOUNT_COLUMNS = ("id", "act_id", "name", "currency", "timezone", "business_id")
USER_COLUMNS = ("name", "role", "active", "since")
CREATIVE_COLUMNS = ("id", "name", "mime_type", "sha256")


@account_app.command("add")
def account_add(
    *,
    act_id: Annotated[str | None, typer.Argument(help="help.without_meta_default_ad")] = None,
    name: Annotated[str | None, typer.Option(help="help.without_metas_own")] = None,
    page_id: Annotated[str | None, typer.Option(help="help.the_facebook_page_the")] = None,
    instagram_user_id: Annotated[str | None, typer.Option(help="help.the_instagram_account")] = None,
    pixel_id: Annotated[str | None, typer.Option(help="help.the_pixel_that_sees")] = None,
    conversion_event: Annotated[str | None, typer.Option(help="help.its_event_such_as")] = None,
    link_url: Annotated[str | None, typer.Option(help="help.where_the_ads_lead")] = None,
    call_to_action: Annotated[str | None, typer.Option(help="help.such_as_shop_now")] = None,
    dsa_beneficiary: Annotated[str | None, typer.Option(help="help.named_in_the_eu")] = None,
    dsa_payor: Annotated[str | None, typer.Option(help="help.named_in_the_eu_as")] = None,
    regional_identity: Annotated[
        list[str] | None,
        typer.Option(help="help.name_number_for_taiwan"),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Register an ad account; its name, currency and time zone are read from Meta."""
    defaults = AdDefaults(
        page_id=page_id,
        instagram_user_id=instagram_user_id,
        pixel_id=pixel_id,
        conversion_event=conversion_event,
        link_url=link_url,
        call_to_action=call_to_action,
        dsa_beneficiary=dsa_beneficiary,
        dsa_payor=dsa_payor,
        regional_identities=identities_from(regional_identity),
    )
    with product_of() as product:
        wanted = act_id or product.settings.meta_default_ad_account_id
        if wanted is None:
            raise typer.BadParameter("name the account, or set META_DEFAULT_AD_ACCOUNT_ID")
        added = product.services.accounts.register(ActId(wanted), name, defaults, local_actor())
    show_record(_account_row(added), output)
    tell_missing(added)


@account_app.command("list")
def account_list(output: OutputOption = Output.TABLE) -> None:
    """List the registered ad accounts."""
    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit, open_unit().reading() as unit:
        found = unit.accounts.all()
    show_rows([_account_row(one) for one in found], ACCOUNT_COLUMNS, output)


@account_app.command("limits")
def account_limits(
    account: Annotated[str, typer.Argument(help="help.our_id_or_metas")],
    daily: Annotated[str | None, typer.Option(help="help.the_most_a_day")] = None,
    monthly: Annotated[str | None, typer.Option(help="help.the_most_a_calendar")] = None,
    bets: Annotated[int | None, typer.Option(help="help.bets_without_a_person")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set what an account may spend at worst, or show it; without an option nothing changes."""
    wanted = {"daily_limit": daily, "monthly_limit": monthly}
    asked = {name: _amount(text) for name, text in wanted.items() if text is not None}
    with product_of() as product:
        owner = account_named(product.outside.open_unit, product.settings, account)
        chosen = {} if bets is None else {"bet_loss_percent": bets or None}
        if asked or chosen:
            owner = product.services.accounts.change(owner.id, {}, asked, local_actor(), bets=chosen)
    limits = {name: _limit(owner, name) for name in wanted}
    shown = {**limits, "bet_loss_percent": owner.bet_loss_percent}
    show_record({"id": owner.id, "act_id": owner.act_id, **shown}, output)


@account_app.command("take-over")
def account_take_over(account: Annotated[str, typer.Argument(help="help.our_id_or_metas")]) -> None:
    """Write to an account that another installation, or another copy of this one, has claimed; that one then stops."""
    with product_of() as product:
        outside = product.outside
        act_id, now = account_named(outside.open_unit, product.settings, account).act_id, outside.clock.now()
        with outside.open_unit() as unit:
            claim = unit.claims.of(act_id) or Claim(act_id)
            unit.claims.put(claim.moved(now, take_over=True))
            said = AccountMessage.TAKEN_OVER(act_id=act_id)
            unit.observations.add_events(
                [Event(now, "installation:account:take-over", local_actor(), said, None, {"act_id": act_id})]
            )
            look_now(outside.ticks, unit, act_id, now)
            unit.commit()
    tell(worded("take_over_recorded", act_id=str(act_id)))


@creative_app.command("add")
def creative_add(
    file: Annotated[Path, typer.Argument(help="help.a_png_or_jpeg")],
    name: Annotated[str | None, typer.Option(help="help.without_the_files_name")] = None,
    account: AccountOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Keep an image for an account; the same bytes again are the same creative."""
    content = _file_content(file)
    with product_of() as product:
        owner = account_named(product.outside.open_unit, product.settings, account)
        added = product.services.accounts.add_creative(owner.id, name or file.name, content, local_actor())
    for warning in warnings_of(content):
        tell(render(warning, language()), style="yellow")
    show_record(_creative_row(added), output)


@creative_app.command("list")
def creative_list(account: AccountOption = None, output: OutputOption = Output.TABLE) -> None:
    """List an account's creatives, oldest first."""
    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit:
        owner = account_named(open_unit, settings, account)
        with open_unit().reading() as unit:
            found = unit.creatives.of_account(owner.id)
    show_rows([_creative_row(one) for one in found], CREATIVE_COLUMNS, output)


@user_app.command("add")
def user_add(
    *,
    name: Annotated[str, typer.Argument()],
    role: Annotated[Role, typer.Option(help="help.what_they_may_do")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="help.read_the_password_from")
    ] = False,
) -> None:
    """Add a person; without --password-stdin a password is made up and printed once."""
    with opened_people(settings_with_log()) as people:
        password = _password(from_stdin=password_stdin)
        people.add_user(name, password, role, local_actor())
    _say_password(name, password, from_stdin=password_stdin)


@user_app.command("list")
def user_list(output: OutputOption = Output.TABLE) -> None:
    """List people by name, with what they may do."""
    with opened_units(settings_with_log().database) as open_unit, open_unit().reading() as unit:
        found, zone = unit.people.all(), zone_for(zones_of(unit.accounts.all()), None)
    rows = [
        {
            "name": one.name,
            "role": one.role.value,
            "active": one.active,
            "since": one.created_at.astimezone(zone),
        }
        for one in found
    ]
    show_rows(rows, USER_COLUMNS, output)


@user_app.command("password")
def user_password(
    *,
    name: Annotated[str, typer.Argument()],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="help.read_the_password_from")
    ] = False,
) -> None:
    """Give a person a new password."""
    with opened_people(settings_with_log()) as people:
        password = _password(from_stdin=password_stdin)
        people.set_password(name, password, local_actor())
    _say_password(name, password, from_stdin=password_stdin)


@user_app.command("token")
def user_token(
    name: Annotated[str, typer.Argument()],
    label: Annotated[str, typer.Option(help="help.what_it_is_for")] = "command line",
    days: Annotated[int, typer.Option(min=1, max=3650, help="help.how_long_it_is")] = 30,
) -> None:
    """Issue an API token for a person and print it; it cannot be shown again."""
    with opened_people(settings_with_log()) as people:
        token = people.issue_token(people.user(name), label, timedelta(days=days), local_actor())
    say(token)


def tell_missing(account: Account) -> None:
    """Say which parts of an ad for sales an account does not have, and how to set them."""
    missing = missing_for_sales(account.defaults)
    if missing:
        options = " ".join(f"--{name.replace('_', '-')} ..." for name in missing)
        tell(
            worded("still_needed", missing=tuple(missing), act_id=str(account.act_id), options=str(options)),
            style="yellow",
        )


def identities_from(given: list[str] | None) -> dict[str, str] | None:
    """Return identities by name from ``NAME=NUMBER``, None without any."""
    pairs = [one.partition("=") for one in given or ()]
    wrong = [name for name, _, number in pairs if name not in IDENTITIES or not number.isdecimal()]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r}: NAME=NUMBER is wanted, NAME one of {', '.join(IDENTITIES)}")
    return {name: number for name, _, number in pairs} or None


def _file_content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise NotFoundError(what=Thing.FILE(), id=file) from None


def _password(*, from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else secrets.token_urlsafe(15)


def _say_password(name: str, password: str, *, from_stdin: bool) -> None:
    if from_stdin:
        tell(worded("can_sign_in", name=str(name)))
        return
    tell(worded("made_up_password", name=str(name)))
    say(password)


def _amount(text: str) -> Decimal | None:
    if text.strip().lower() == "none":
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"{text} is neither an amount such as 500 nor none") from None


def _limit(account: Account, name: str) -> str | None:
    minor = getattr(account, name)
    return None if minor is None else str(Money(minor, account.currency))


def _account_row(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in ACCOUNT_COLUMNS}


def _creative_row(creative: Creative) -> dict[str, Any]:
    return {name: getattr(creative, name) for name in CREATIVE_COLUMNS}
