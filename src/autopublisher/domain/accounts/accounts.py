"""Ad accounts and creatives as we know them, and what Meta says of an account at the moment of asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import AccountId, ActId, CreativeId
from autopublisher.domain.messages import Code

MOST_BET_LOSS = 20
"""The most per cent of a total budget that an account may let a bet be expected to lose."""

DELIVERABLE_STATUSES = frozenset({1, 8, 9})
"""Meta account states in which ads still deliver: active, pending settlement, in grace period."""


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone Meta calls so; None where the tz database here does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, not a name at all, or a folder of names
        return None


class AccountMessage(Code):
    """What is said of a change to an ad account here."""

    REGISTERED = "account.registered"
    DEFAULTS_CHANGED = "account.defaults_changed"
    LIMITS_CHANGED = "account.limits_changed"
    CREATIVE_ADDED = "account.creative_added"
    LIMITS = "account.limits"
    NO_LIMIT = "account.no_limit"
    BETS_CHANGED = "account.bets_changed"
    NO_BETS = "account.no_bets"
    BETS_UP_TO = "account.bets_up_to"
    TAKEN_OVER = "account.taken_over"


@dataclass(frozen=True)
class AdDefaults:
    """What every real ad of an account needs besides its creative; a request may override each."""

    page_id: str | None = None
    instagram_user_id: str | None = None
    pixel_id: str | None = None
    conversion_event: str | None = None
    link_url: str | None = None
    call_to_action: str | None = None
    dsa_beneficiary: str | None = None
    dsa_payor: str | None = None
    regional_identities: Mapping[str, str] | None = None
    """Verified identities for countries with rules of their own, by Meta's name for each."""


SALES_PARTS = ("page_id", "link_url", "pixel_id", "conversion_event")
"""What an ad for sales cannot be made without."""


def missing_for_sales(ad: AdDefaults) -> tuple[str, ...]:
    """Return which parts every request for sales would have to bring itself, because they are not set here."""
    return tuple(name for name in SALES_PARTS if not getattr(ad, name))


@dataclass(frozen=True)
class Account:
    """An ad account we may act on (the brief's Meta account); its limits are in minor units, None without one.

    ``bet_loss_percent`` is how much of a run's total budget a bet may be expected to lose that is published without a
    person, None where a person is always asked.
    """

    id: AccountId
    act_id: ActId
    name: str
    currency: str
    timezone: str
    defaults: AdDefaults
    created_at: datetime
    business_id: str | None = None
    daily_limit: int | None = None
    monthly_limit: int | None = None
    bet_loss_percent: int | None = None


@dataclass(frozen=True)
class AdAccountFacts:
    """What Meta says of the account right now.

    ``spend_cap`` is the account's own spending limit at Meta, None without one; ``amount_spent`` is what counts against it
    and ``balance`` what is owed to Meta, None where Meta names none.
    """

    act_id: ActId
    name: str
    status: int
    currency: str
    timezone: str
    minimum_spend_cap: Money
    default_dsa_beneficiary: str | None = None
    default_dsa_payor: str | None = None
    business_id: str | None = None
    spend_cap: Money | None = None
    amount_spent: Money | None = None
    balance: Money | None = None

    @property
    def limit_left(self) -> Money | None:
        """What the account's own spending limit at Meta leaves, never negative; None without a limit."""
        if self.spend_cap is None or self.amount_spent is None:
            return None
        return Money(max(0, self.spend_cap.minor - self.amount_spent.minor), self.currency)

    @property
    def delivers(self) -> bool:
        """Whether ads of this account can deliver at all."""
        return self.status in DELIVERABLE_STATUSES


@dataclass(frozen=True)
class MinimumBudgets:
    """Smallest daily budgets of an account by how often the goal's event happens."""

    impressions: Money
    high_frequency: Money
    low_frequency: Money
    video_views: Money


@dataclass(frozen=True)
class Creative:
    """An image a run can test; the bytes lie in the object storage under ``storage_key``.

    ``width`` and ``height`` are in pixels, None of one that was uploaded before they were kept.
    """

    id: CreativeId
    account_id: AccountId
    name: str
    storage_key: str
    sha256: str
    created_at: datetime
    mime_type: str = "image/png"
    width: int | None = None
    height: int | None = None
