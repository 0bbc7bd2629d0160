"""Spending limit of an ad account at Meta: what it leaves, and what people are told where that is too little.

Meta ends all delivery of an account once ``amount_spent`` has reached ``spend_cap``. Neither can be changed from here, and
others spend against it as well, so it is read anew before money is counted on.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import Code, Message

BILLING = "billing"
"""The name under which an account's watch keeps what it last saw of the account's money."""

_REACHED_PERCENT = 99
"""From so much of a limit on Meta hardly delivers: the rest is less than one more auction is worth."""


class AccountLimitMessage(Code):
    """What the account's own limit at Meta means for a run."""

    REACHED = "run.account_limit_reached"
    SHORT = "run.account_limit_short"
    HOLDS = "run.account_limit_holds"


def falls_short(facts: AdAccountFacts, needed: Money) -> bool:
    """Tell whether the account's limit at Meta leaves less than ``needed``; never so where there is no limit."""
    left = facts.limit_left
    return left is not None and left < needed


def is_reached(facts: AdAccountFacts) -> bool:
    """Tell whether the account's limit is used up, so that nothing of the account delivers."""
    cap, spent = facts.spend_cap, facts.amount_spent
    return cap is not None and spent is not None and 100 * spent.minor >= _REACHED_PERCENT * cap.minor


def attention_of_test(facts: AdAccountFacts, needed: Money) -> Message | None:
    """Return what a running test that could still spend ``needed`` has to say of the account's limit.

    The words name the limit and not what it leaves, so that they stay the same from one poll to the next.
    """
    if facts.spend_cap is None:
        return None
    if is_reached(facts):
        return AccountLimitMessage.REACHED(limit=facts.spend_cap)
    return AccountLimitMessage.SHORT(limit=facts.spend_cap) if falls_short(facts, needed) else None


def attention_of_publication(facts: AdAccountFacts, needed: Money) -> Message | None:
    """Return why a final campaign of ``needed`` has to wait for the account's limit; None where it need not."""
    if facts.spend_cap is None or facts.limit_left is None or not falls_short(facts, needed):
        return None
    return AccountLimitMessage.HOLDS(limit=facts.spend_cap, left=facts.limit_left, needed=needed)


@dataclass(frozen=True)
class AccountBilling:
    """How an ad account stood with Meta at ``at``; ``spend_cap`` and ``left`` are None where it has no limit of its own."""

    at: datetime
    status: int
    spend_cap: Money | None
    amount_spent: Money | None
    balance: Money | None
    left: Money | None
    reached: bool

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON types, amounts in minor units."""
        amounts = {name: getattr(self, name) for name in _AMOUNTS}
        currency = next((amount.currency for amount in amounts.values() if amount is not None), None)
        minor = {name: None if one is None else one.minor for name, one in amounts.items()}
        shown = {"at": self.at.isoformat(), "status": self.status, "reached": self.reached}
        return {**shown, "currency": currency, **minor}


_AMOUNTS = ("spend_cap", "amount_spent", "balance", "left")


def billing_of(facts: AdAccountFacts, now: datetime) -> AccountBilling:
    """Return what Meta says of an account's money now."""
    return AccountBilling(
        now,
        facts.status,
        facts.spend_cap,
        facts.amount_spent,
        facts.balance,
        facts.limit_left,
        is_reached(facts),
    )


def billing_in(watch: Watch) -> AccountBilling | None:
    """Return what the account's last look saw of its money; None where it has seen nothing."""
    record = watch.report.get(BILLING, {})
    if "at" not in record:
        return None
    amounts = {
        name: None if record[name] is None else Money(record[name], record["currency"]) for name in _AMOUNTS
    }
    at = datetime.fromisoformat(record["at"])
    return AccountBilling(at, record["status"], reached=record["reached"], **amounts)
