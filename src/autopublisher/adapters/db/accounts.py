"""Ad accounts and creatives."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import or_, select, update

from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import accounts, creatives
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.errors import AccountNotFoundError, ConflictError, CreativesNotFoundError
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import AccountId, ActId, CreativeId
from autopublisher.domain.messages import Message


def _account_to_row(account: Account) -> dict[str, Any]:
    return {**vars(account), "defaults": asdict(account.defaults)}


def account_from_row(row: Row) -> Account:
    """Rebuild the account."""
    return Account(**{**row, "defaults": AdDefaults(**row["defaults"])})


def _taken(account: Account) -> Message:
    return Fault.ACCOUNT_EXISTS(act_id=account.act_id)


class SqlAccounts:
    """Implements ``ports.repositories.AccountRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, account: Account) -> None:
        """Insert an account; ConflictError where the act id is taken."""
        if not self._session.insert(accounts, _account_to_row(account)):
            raise ConflictError(_taken(account))

    def get(self, account_id: AccountId) -> Account:
        """Return an account, by our id or by Meta's ``act_`` id; raises AccountNotFoundError."""
        named = or_(accounts.c.id == account_id, accounts.c.act_id == account_id)
        row = self._session.row(select(accounts).where(named))
        if row is None:
            raise AccountNotFoundError(id=account_id)
        return account_from_row(row)

    def by_act_id(self, act_id: ActId) -> Account | None:
        """Return the account with Meta's id, or None."""
        row = self._session.row(select(accounts).where(accounts.c.act_id == act_id))
        return None if row is None else account_from_row(row)

    def save(self, account: Account) -> None:
        """Overwrite an account; raises AccountNotFoundError, and ConflictError where the act id is taken."""
        change = update(accounts).where(accounts.c.id == account.id).values(**_account_to_row(account))
        if self._session.change(change, _taken(account)) == 0:
            raise AccountNotFoundError(id=account.id)

    def all(self) -> Sequence[Account]:
        """Return every account by name."""
        query = select(accounts).order_by(accounts.c.name, accounts.c.id)
        return [account_from_row(row) for row in self._session.rows(query)]


class SqlCreatives:
    """Implements ``ports.repositories.CreativeRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, creative: Creative) -> None:
        """Insert a creative; ConflictError where its id is taken."""
        if not self._session.insert(creatives, vars(creative)):
            raise ConflictError(Fault.CREATIVE_EXISTS(id=creative.id))

    def get_many(self, creative_ids: Sequence[CreativeId]) -> Sequence[Creative]:
        """Return the creatives in the order asked; raises CreativesNotFoundError naming all that are missing."""
        query = select(creatives).where(creatives.c.id.in_(creative_ids))
        found = {row["id"]: Creative(**row) for row in self._session.rows(query)}
        missing = [one for one in dict.fromkeys(creative_ids) if one not in found]
        if missing:
            raise CreativesNotFoundError(ids=", ".join(missing))
        return [found[creative_id] for creative_id in creative_ids]

    def of_account(self, account_id: AccountId) -> Sequence[Creative]:
        """Return an account's creatives, oldest first."""
        query = select(creatives).where(creatives.c.account_id == account_id)
        ordered = query.order_by(creatives.c.created_at, creatives.c.id)
        return [Creative(**row) for row in self._session.rows(ordered)]
