"""What callers send to and receive from the kill switch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from autopublisher.api.fields import Flag, Identifier, Text
from autopublisher.api.schemas import EXAMPLE_REQUEST, Asked, shown
from autopublisher.api.told import Told
from autopublisher.domain.accounts.stops import ObjectLine
from autopublisher.domain.ids import RunId
from autopublisher.flows.requests.stops import AccountStop, StopView
from autopublisher.messages import Language, render

Reason = Annotated[Text, StringConstraints(min_length=1)]


class StopIn(Asked):
    """What to stop, one account or everything, and why."""

    meta_account_id: Annotated[Identifier | None, shown(EXAMPLE_REQUEST["meta_account_id"])] = None
    """The account to stop; either this or `all`."""
    all: Annotated[Flag, shown(example=True)] = False
    """Whether everything is stopped, accounts registered later included."""
    reason: Annotated[Reason, shown("Wrong prices in the shop.")]
    """Why, for the audit trail."""


class ResumeIn(Asked):
    """Which stop to lift, one by its id or those of an account, and why."""

    stop_id: Annotated[Identifier | None, shown("5d2c7b0a-43b5-4c0e-8a53-6f6f0f0c7d21")] = None
    """The stop to lift, by the id `GET /meta/autopilot/stops` shows."""
    meta_account_id: Annotated[Identifier | None, shown(EXAMPLE_REQUEST["meta_account_id"])] = None
    """The account whose stops are lifted."""
    reason: Annotated[Reason, shown("Prices are right again.")]
    """Why, for the audit trail."""
    reactivate: Annotated[Flag, shown(example=True)] = False
    """Whether the final campaigns of completed runs are switched on again, too."""


class StoppedObjectOut(Told):
    """One object at Meta: ``state`` is what Meta showed of it, ``why`` what is missing where it is not confirmed."""

    kind: str
    meta_id: str | None
    name: str
    run_id: str | None
    campaign: str | None = Field(
        description="The name of the run's campaign; null without a run that this database knows."
    )
    state: str
    confirmed: bool
    why: str


class AccountStopOut(Told):
    """How far a stop has come in one account; ``looked_at`` is null before the first look."""

    act_id: str
    name: str
    confirmed: bool
    looked_at: datetime | None
    objects: list[StoppedObjectOut]
    not_confirmed: list[str] = Field(
        description="What is missing until everything is confirmed, a sentence each."
    )


class StopOut(Told):
    """A stop: who pressed it and why, whether it holds, and how far it has come."""

    stop_id: str
    scope: Literal["everything", "account"]
    act_id: str | None
    reason: str
    by: str
    at: datetime
    holds: bool
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str
    reactivate: bool
    confirmed: bool = Field(description="Whether Meta has shown everything it concerns to be off.")
    unrecorded: str = Field(
        description="Why the database has not taken this stop, and where it stands instead; empty where it has."
    )
    accounts: list[AccountStopOut]


class StopsOut(Told):
    """Stops, those that hold first, then the newest."""

    stops: list[StopOut]


def present_stop(view: StopView, reader: Language) -> StopOut:
    """Return a stop with its report."""
    stop = view.stop
    return StopOut(
        stop_id=stop.id,
        scope="everything" if stop.act_id is None else "account",
        act_id=stop.act_id,
        reason=stop.reason,
        by=stop.by,
        at=stop.at,
        holds=stop.holds,
        lifted_at=stop.lifted_at,
        lifted_by=stop.lifted_by,
        lift_reason=stop.lift_reason,
        reactivate=stop.reactivate,
        confirmed=view.confirmed,
        unrecorded="" if view.unrecorded is None else render(view.unrecorded, reader),
        accounts=[_account(one, view.campaigns, reader) for one in view.accounts],
    )


def _account(account: AccountStop, campaigns: Mapping[RunId, str], reader: Language) -> AccountStopOut:
    report = account.report
    return AccountStopOut(
        act_id=account.act_id,
        name=account.name,
        confirmed=account.confirmed,
        looked_at=None if report is None else report.at,
        objects=[] if report is None else [_object(line, campaigns, reader) for line in report.objects],
        not_confirmed=[render(one, reader) for one in account.open_lines],
    )


def _object(line: ObjectLine, campaigns: Mapping[RunId, str], reader: Language) -> StoppedObjectOut:
    return StoppedObjectOut(
        kind=line.kind.value,
        meta_id=line.meta_id,
        name=line.key,
        run_id=line.run_id,
        campaign=None if line.run_id is None else campaigns.get(line.run_id),
        state=line.state,
        confirmed=line.confirmed,
        why="" if line.why is None else render(line.why, reader),
    )
