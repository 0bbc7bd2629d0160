"""What could still be spent, under ``/meta/autopilot/exposure``."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from autopublisher.api.access import urgent
from autopublisher.api.exact_json import ExactRoute
from autopublisher.api.fields import MOST_RUNS, Identifier
from autopublisher.api.openapi import problems
from autopublisher.api.reader import Reader
from autopublisher.api.reserved_threads import in_watch_thread
from autopublisher.api.services import Given
from autopublisher.api.told import Told
from autopublisher.domain.access import Permission
from autopublisher.domain.accounts.account_limit import AccountBilling
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import AccountId, RunId
from autopublisher.domain.money.limits import Period, Scope
from autopublisher.domain.reconciliation.unknown import UnknownObject
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.exposure import AccountExposure, LimitStanding
from autopublisher.flows.requests.run_money import ObjectExposure, RunExposure
from autopublisher.messages import Language, render

router = APIRouter(prefix="/meta/autopilot", tags=["autopilot"], route_class=ExactRoute)


class MoneyOut(Told):
    """Open money, in major units."""

    committed: float = Field(description="What is held for it: final spend where known, else the worst case.")
    spent: float = Field(description="What is known to have been spent.")
    could_still_spend: float = Field(
        description="What Meta could still spend at worst if nobody were there any more."
    )


class ObjectExposureOut(MoneyOut):
    """One ad set that holds money, with Meta's word on it when it was last read."""

    key: str
    meta_id: str | None
    name: str
    status: str
    read_at: datetime | None
    read_lately: bool
    until: datetime


class RunExposureOut(MoneyOut):
    """One run that goes on, or whose final campaign does."""

    run_id: str
    campaign_name: str
    status: RunStatus
    until: datetime | None
    as_of: datetime | None = Field(description="When the figures were last read at Meta.")
    objects: list[ObjectExposureOut]


class LimitOut(Told):
    """One limit for the day or month that begins on ``first``, in major units."""

    scope: Scope
    period: Period
    first: date
    limit: float
    taken: float = Field(description="The worst case of everything that was let through.")
    left: float


class BillingOut(Told):
    """How the ad account stood with Meta when it was last looked at, in major units."""

    read_at: datetime
    account_status: int = Field(description="Meta's number; 1, 8 and 9 deliver.")
    spend_cap: float | None = Field(
        description="The account's own spending limit at Meta, null without one; at it Meta stops all delivery."
    )
    amount_spent: float | None = Field(description="What counts against that limit.")
    left: float | None
    balance: float | None = Field(description="What is owed to Meta.")
    limit_reached: bool


class UnknownObjectOut(Told):
    """One object that is on, bears our mark and is of a run this database does not have; money in major units."""

    kind: str
    meta_id: str
    name: str
    status: str
    could_still_spend: float | None = Field(description="At worst; null where Meta does not show it.")
    until: datetime | None
    since: datetime = Field(description="When a look first found it.")
    sentence: str


class AccountExposureOut(MoneyOut):
    """An account's open money; ``warning`` says why nothing more would be let through."""

    meta_account_id: str
    act_id: str
    name: str
    currency: str
    until: datetime | None
    as_of: datetime | None = Field(description="When the oldest figure of its runs was read at Meta.")
    warning: str | None
    uncounted: list[str] = Field(
        description="Objects with our mark that no journal has and that may be on: no figure covers them."
    )
    unknown: list[UnknownObjectOut] = Field(
        description="What is on of runs that this database does not have; it is part of could_still_spend."
    )
    billing: BillingOut | None
    limits: list[LimitOut]
    open_runs: int = Field(
        description="How many runs go on, or their final campaigns do; the sums are of all of them."
    )
    runs: list[RunExposureOut] = Field(description="A page of these, the newest first.")
    next: str | None = Field(
        description="Where the page after it begins, to be given as `before`; null at the end."
    )


class ExposureOut(Told):
    """The open money of every account asked for, by name."""

    now: datetime
    accounts: list[AccountExposureOut]


@router.get(
    "/exposure",
    summary="Say what could still be spent",
    responses=problems(401, 403, 404, 422, 503),
    **urgent(Permission.EXPOSURE_READ),
)
@in_watch_thread
def exposure(
    services: Given,
    reader: Reader,
    meta_account_id: Annotated[Identifier | None, Query(description="Only this account.")] = None,
    before: Annotated[
        Identifier | None, Query(description="The `next` of an account's page before: only that account.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS, description="Runs of each account.")] = 20,
) -> ExposureOut:
    """Return what is committed, spent and could still be spent, by account, run and object, and what the limits leave."""
    wanted = None if meta_account_id is None else AccountId(meta_account_id)
    found = services.exposures.of(wanted, None if before is None else RunId(before), limit)
    return present_exposure(found, services.clock.now(), reader)


def present_exposure(found: Sequence[AccountExposure], now: datetime, reader: Language) -> ExposureOut:
    """Return the exposure as callers and the command line show it."""
    return ExposureOut(now=now, accounts=[_account(one, reader) for one in found])


def _account(one: AccountExposure, reader: Language) -> AccountExposureOut:
    return AccountExposureOut(
        meta_account_id=one.account.id,
        act_id=one.account.act_id,
        name=one.account.name,
        currency=one.account.currency,
        until=one.until,
        as_of=one.as_of,
        warning=None if one.warning is None else render(one.warning, reader),
        uncounted=[render(each, reader) for each in one.uncounted],
        unknown=[_unknown(each, one.account.currency, reader) for each in one.unknown],
        billing=None if one.billing is None else _billing(one.billing),
        limits=[_limit(line) for line in one.limits],
        open_runs=one.open_runs,
        runs=[_run(run) for run in one.runs],
        next=one.next,
        **_money(one),
    )


def _unknown(one: UnknownObject, currency: str, reader: Language) -> UnknownObjectOut:
    possible = None if one.possible is None else _major(Money(one.possible, currency))
    return UnknownObjectOut(
        kind=one.kind.value,
        meta_id=one.meta_id,
        name=one.name,
        status=one.status,
        could_still_spend=possible,
        until=one.until,
        since=one.since,
        sentence=render(one.said, reader),
    )


def _run(one: RunExposure) -> RunExposureOut:
    return RunExposureOut(
        run_id=one.run_id,
        campaign_name=one.campaign_name,
        status=one.status,
        until=one.until,
        as_of=one.as_of,
        objects=[_object(each) for each in one.objects],
        **_money(one),
    )


def _object(one: ObjectExposure) -> ObjectExposureOut:
    return ObjectExposureOut(
        key=one.key,
        meta_id=one.meta_id,
        name=one.name,
        status=one.status,
        read_at=one.read_at,
        read_lately=one.read_lately,
        until=one.until,
        **_money(one),
    )


def _limit(one: LimitStanding) -> LimitOut:
    return LimitOut(
        scope=one.scope,
        period=one.period,
        first=one.first,
        limit=_major(one.limit),
        taken=_major(one.taken),
        left=_major(one.left),
    )


def _billing(one: AccountBilling) -> BillingOut:
    return BillingOut(
        read_at=one.at,
        account_status=one.status,
        spend_cap=_major_if_any(one.spend_cap),
        amount_spent=_major_if_any(one.amount_spent),
        left=_major_if_any(one.left),
        balance=_major_if_any(one.balance),
        limit_reached=one.reached,
    )


def _money(one: AccountExposure | RunExposure | ObjectExposure) -> dict[str, float]:
    return {name: _major(getattr(one, name)) for name in MoneyOut.model_fields}


def _major(amount: Money) -> float:
    return float(amount.major)


def _major_if_any(amount: Money | None) -> float | None:
    return None if amount is None else _major(amount)
