"""Ad accounts and creatives: registering them, and setting what all ads of an account have in common."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from autopublisher.domain.accounts.accounts import (
    MOST_BET_LOSS,
    Account,
    AccountMessage,
    AdAccountFacts,
    AdDefaults,
    Creative,
    zone_of,
)
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money, offset_of
from autopublisher.domain.creatives.pictures import Picture
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    Problem,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, ActId, CreativeId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, remedied, said_of
from autopublisher.domain.names import fault_of_name
from autopublisher.domain.request.ad_rules import is_link, unfit_link
from autopublisher.flows.requests.pictures import read_picture
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from autopublisher.ports.storage import Storage

LARGEST_IMAGE: Final = 30 * 1024 * 1024
"""Bytes Meta takes for an ad image."""

LONGEST_NAME: Final = 200


_NO_CHANGE: Mapping[str, int | None] = MappingProxyType({})


class Accounts:
    """Keeps the ad accounts we may act on, and their creatives; ``registered`` is called once there is one more."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: ReadingClients,
        storage: Storage,
        clock: Clock,
        *,
        registered: Callable[[], None] | None = None,
    ) -> None:
        self._registered = registered
        self._open_unit = open_unit
        self._clients = clients
        self._storage = storage
        self._clock = clock

    def register(
        self,
        act_id: ActId,
        name: str | None = None,
        defaults: AdDefaults | None = None,
        actor: str = "system",
    ) -> Account:
        """Add an ad account, with what Meta says of it.

        Raises ConflictError where it is registered, InvalidRequestError where Meta does not show it to us or its time zone
        is unknown here, UnavailableError where Meta cannot be asked now, and the other Meta errors.
        """
        _refuse_unfit(name, {} if defaults is None else vars(defaults))
        with self._open_unit().reading() as unit:
            _refuse_taken(unit, act_id)
        facts = self._facts(act_id)
        offset_of(facts.currency)  # money in a currency Meta does not bill in could not be counted
        _refuse_unknown_zone(facts.timezone)
        account = Account(
            id=AccountId(str(uuid4())),
            act_id=act_id,
            name=facts.name if name is None else name,
            currency=facts.currency,
            timezone=facts.timezone,
            defaults=AdDefaults() if defaults is None else defaults,
            created_at=self._clock.now(),
            business_id=facts.business_id,
        )
        with self._open_unit() as unit:
            _refuse_taken(unit, act_id)
            unit.accounts.add(account)
            unit.watches.add(Watch(act_id, 1, account.created_at))
            self._record(unit, "person:account:registered", actor, AccountMessage.REGISTERED(act_id=act_id))
            unit.commit()
        if self._registered is not None:
            self._registered()
        return account

    def update_defaults(self, account_id: AccountId, changes: Mapping[str, Any], actor: str) -> Account:
        """Change the named ad defaults and leave the rest; None clears one. Raises AccountNotFoundError."""
        return self.change(account_id, changes, {}, actor)

    def change(
        self,
        account_id: AccountId,
        defaults: Mapping[str, Any],
        limits: Mapping[str, Decimal | None],
        actor: str,
        *,
        bets: Mapping[str, int | None] = _NO_CHANGE,
    ) -> Account:
        """Change the named ad defaults and the limits ``daily_limit`` and ``monthly_limit`` (major units), all or nothing.

        ``bets`` may name ``bet_loss_percent``. None clears one, what is not named stays. Raises AccountNotFoundError, and
        InvalidRequestError for a limit that is no amount of the account's currency, or a share that is out of range.
        """
        _refuse_unfit(None, defaults)
        _refuse_bets(bets)
        with self._open_unit() as unit:
            own_id = unit.accounts.get(account_id).id
            unit.lock(f"account:{own_id}")
            # A limit holds from here on for every write that is let through after this transaction.
            account = unit.accounts.get(own_id)
            unit.lock(f"money:{account.act_id}")
            own = replace(account.defaults, **defaults)
            changed = replace(account, defaults=own, **_minor_limits(account, limits))
            changed = replace(
                changed, bet_loss_percent=bets.get("bet_loss_percent", account.bet_loss_percent)
            )
            unit.accounts.save(changed)
            if defaults or not (limits or bets):
                said = AccountMessage.DEFAULTS_CHANGED(act_id=account.act_id, names=tuple(sorted(defaults)))
                self._record(unit, "person:account:changed", actor, said)
            if limits:
                said = AccountMessage.LIMITS_CHANGED(act_id=account.act_id, limits=_limits_of(changed))
                self._record(unit, "person:account:limited", actor, said)
            if bets:
                said = AccountMessage.BETS_CHANGED(act_id=account.act_id, bets=_bets_of(changed))
                self._record(unit, "person:account:bets", actor, said)
            unit.commit()
        return changed

    def list_accounts(self) -> Sequence[Account]:
        """Return every account, by name."""
        with self._open_unit().reading() as unit:
            return unit.accounts.all()

    def add_creative(self, account_id: AccountId, name: str, content: bytes, actor: str) -> Creative:
        """Keep an image; the same bytes in the same account are the creative that is there already.

        Raises AccountNotFoundError, or InvalidRequestError for what is no sound PNG or JPEG, too large or without a name.
        """
        picture = _checked(name, content)
        sha256 = hashlib.sha256(content).hexdigest()
        with self._open_unit().reading() as unit:
            account_id = unit.accounts.get(account_id).id  # it may be named by Meta's id
        # The key is the content's, so bytes written for a row that is then not added harm nobody.
        key = f"creatives/{sha256}"
        self._storage.write(key, content)
        with self._open_unit() as unit:
            unit.lock(f"creatives:{account_id}")
            for known in unit.creatives.of_account(account_id):
                if known.sha256 == sha256:
                    return known
            creative = Creative(
                CreativeId(str(uuid4())),
                account_id,
                name,
                key,
                sha256,
                self._clock.now(),
                picture.mime_type,
                picture.width,
                picture.height,
            )
            unit.creatives.add(creative)
            self._record(unit, "person:creative:added", actor, AccountMessage.CREATIVE_ADDED(name=name))
            unit.commit()
        return creative

    def list_creatives(self, account_id: AccountId) -> Sequence[Creative]:
        """Return an account's creatives, oldest first; raises AccountNotFoundError."""
        with self._open_unit().reading() as unit:
            return unit.creatives.of_account(unit.accounts.get(account_id).id)

    def _facts(self, act_id: ActId) -> AdAccountFacts:
        try:
            return self._clients.for_account(act_id).account()
        except MetaNotFoundError as error:
            raise InvalidRequestError(
                [Problem("act_id", *remedied(Refusal.UNKNOWN_TO_META(why=said_of(error))), "unknown_to_meta")]
            ) from error
        except MetaOutcomeUnknownError as error:
            raise UnavailableError(reason=said_of(error)) from error

    def _record(self, unit: UnitOfWork, tag: str, actor: str, message: Message) -> None:
        unit.observations.add_events([Event(self._clock.now(), tag, actor, message)])


def _minor_limits(account: Account, limits: Mapping[str, Decimal | None]) -> dict[str, Any]:
    """Return the limits in minor units; raises InvalidRequestError naming every field that is no amount."""
    found: dict[str, int | None] = {}
    problems: list[Problem] = []
    for field, amount in limits.items():
        try:
            found[field] = None if amount is None else Money.from_major(amount, account.currency).minor
        except (ValueError, ArithmeticError):
            found[field] = 0
        if found[field] is not None and (found[field] or 0) <= 0:
            said = Refusal.NO_AMOUNT(amount=str(amount), currency=account.currency)
            problems.append(Problem(field, *remedied(said)))
    if problems:
        raise InvalidRequestError(problems)
    return found


def _refuse_bets(bets: Mapping[str, int | None]) -> None:
    percent = bets.get("bet_loss_percent")
    if percent is not None and not 1 <= percent <= MOST_BET_LOSS:
        said = Refusal.BET_LOSS(most=MOST_BET_LOSS, asked=percent)
        raise InvalidRequestError([Problem("bet_loss_percent", *remedied(said))])


def _bets_of(account: Account) -> Message:
    percent = account.bet_loss_percent
    return AccountMessage.NO_BETS() if percent is None else AccountMessage.BETS_UP_TO(percent=percent)


def _limits_of(account: Account) -> Message:
    def amount(minor: int | None) -> Money | Message:
        return AccountMessage.NO_LIMIT() if minor is None else Money(minor, account.currency)

    return AccountMessage.LIMITS(daily=amount(account.daily_limit), monthly=amount(account.monthly_limit))


def _refuse_unfit(name: str | None, defaults: Mapping[str, str | None]) -> None:
    """Refuse a name nobody can read, and a link no ad can have."""
    fault = None if name is None else fault_of_name(name)
    if fault is not None:
        raise InvalidRequestError([Problem("name", *remedied(Refusal.UNREADABLE_NAME(fault=fault)))])
    link = defaults.get("link_url")
    if link and not is_link(link):
        raise InvalidRequestError([unfit_link("defaults.link_url")])


def _refuse_taken(unit: UnitOfWork, act_id: ActId) -> None:
    if unit.accounts.by_act_id(act_id) is not None:
        raise ConflictError(*remedied(Refusal.ACCOUNT_TAKEN(act_id=act_id)))


def _refuse_unknown_zone(timezone: str) -> None:
    """Refuse an account whose days could not be told apart: neither limits nor daily budgets could be counted."""
    if zone_of(timezone) is None:
        said = Refusal.UNKNOWN_ZONE(zone=timezone)
        raise InvalidRequestError([Problem("timezone", *remedied(said), "unknown_timezone")])


def _checked(name: str, content: bytes) -> Picture:
    """Return what the image is; raises InvalidRequestError."""
    fault = fault_of_name(name)
    if fault is not None and name.strip():
        raise InvalidRequestError([Problem("name", *remedied(Refusal.UNREADABLE_NAME(fault=fault)))])
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        said = Refusal.CREATIVE_NAME_LENGTH(most=LONGEST_NAME)
        raise InvalidRequestError([Problem("name", *remedied(said))])
    if len(content) > LARGEST_IMAGE:
        raise InvalidRequestError([Problem("file", *remedied(Refusal.IMAGE_TOO_LARGE()), "too_large")])
    return read_picture(content)
