"""The account that a command is about, as it is named on the command line."""

from typing import Annotated

import typer

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.errors import AccountNotFoundError, ConfigurationError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from autopublisher.settings import Settings

AccountOption = Annotated[
    str | None,
    typer.Option(help="help.our_id_or_metas_act"),
]


def account_named(open_unit: OpenUnitOfWork, settings: Settings, text: str | None) -> Account:
    """Return the account meant: by our id or Meta's, else the default one, else the only one."""
    wanted = settings.meta_default_ad_account_id if text is None else text
    with open_unit().reading() as unit:
        return _only_account(unit) if wanted is None else _account(unit, wanted)


def _account(unit: UnitOfWork, text: str) -> Account:
    if not text.startswith("act_"):
        return unit.accounts.get(AccountId(text))
    found = unit.accounts.by_act_id(ActId(text))
    if found is None:
        raise AccountNotFoundError(id=text)
    return found


def _only_account(unit: UnitOfWork) -> Account:
    found = unit.accounts.all()
    if len(found) == 1:
        return found[0]
    raise ConfigurationError(
        name="META_DEFAULT_AD_ACCOUNT_ID", reason=Fault.SEVERAL_ACCOUNTS(number=len(found))
    )
