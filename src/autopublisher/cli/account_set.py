"""The command that changes what an account's ads have in common, and what is said of an account that lacks some of it."""

from typing import Annotated

import typer

from autopublisher.cli.named_account import account_named
from autopublisher.cli.output import Output, OutputOption, show_record
from autopublisher.cli.product import product_of
from autopublisher.cli.registry import account_app, identities_from, tell_missing
from autopublisher.cli.session import local_actor

_NONE = "none"


@account_app.command("set")
def account_set(
    *,
    account: Annotated[str, typer.Argument(help="help.our_id_or_metas")],
    page_id: Annotated[str | None, typer.Option(help="help.the_facebook_page_the")] = None,
    instagram_user_id: Annotated[str | None, typer.Option(help="help.the_instagram_account")] = None,
    pixel_id: Annotated[str | None, typer.Option(help="help.the_pixel_that_sees")] = None,
    conversion_event: Annotated[str | None, typer.Option(help="help.its_event_such_as")] = None,
    link_url: Annotated[str | None, typer.Option(help="help.where_the_ads_lead")] = None,
    call_to_action: Annotated[str | None, typer.Option(help="help.such_as_shop_now")] = None,
    dsa_beneficiary: Annotated[str | None, typer.Option(help="help.named_in_the_eu")] = None,
    dsa_payor: Annotated[str | None, typer.Option(help="help.named_in_the_eu_as")] = None,
    regional_identity: Annotated[list[str] | None, typer.Option(help="help.name_number_all_of")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set what an account's ads have in common; what is not named stays, none clears it."""
    texts = {
        "page_id": page_id,
        "instagram_user_id": instagram_user_id,
        "pixel_id": pixel_id,
        "conversion_event": conversion_event,
        "link_url": link_url,
        "call_to_action": call_to_action,
        "dsa_beneficiary": dsa_beneficiary,
        "dsa_payor": dsa_payor,
    }
    given = {name: text for name, text in texts.items() if text is not None}
    changes = {name: None if text.lower() == _NONE else text for name, text in given.items()}
    identities = identities_from(regional_identity)
    with product_of() as product:
        owner = account_named(product.outside.open_unit, product.settings, account)
        if changes or identities:
            named = changes if identities is None else {**changes, "regional_identities": identities}
            owner = product.services.accounts.change(owner.id, named, {}, local_actor())
    show_record({"id": owner.id, "act_id": owner.act_id, **vars(owner.defaults)}, output)
    tell_missing(owner)
