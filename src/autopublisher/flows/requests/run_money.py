"""Money of one run, object by object: what it has spent and what it could still spend at worst.

Nothing is asked of Meta here: the answer comes from the journal and from the objects as they were last read, and each
line says when that was. Where the two disagree the larger figure counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.runs.commitments import Commitment, Known, Outlook, open_money
from autopublisher.domain.runs.final_campaign import ads_of, figures_read_at, published_keys
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.reservations import OpenRun

LATELY = timedelta(hours=2)
"""An object read no longer ago than this counts as read back lately."""


@dataclass(frozen=True)
class ObjectExposure:
    """One ad set that holds money; ``status`` is Meta's word when it was last read, at ``read_at``."""

    key: str
    meta_id: MetaId | None
    name: str
    status: str
    read_at: datetime | None
    read_lately: bool
    committed: Money
    spent: Money
    could_still_spend: Money
    until: datetime


@dataclass(frozen=True)
class FinalView:
    """A run's final campaign, and what it could still spend; ``review`` is Meta's word on its ad, read at ``read_at``."""

    campaign: Campaign
    could_still_spend: Money
    review: str | None
    read_at: datetime | None

    @property
    def spent(self) -> Money:
        """What Meta last said that it has spent; nothing before it was asked."""
        return self.campaign.spent or Money.zero(self.campaign.budget.currency)


@dataclass(frozen=True)
class RunExposure:
    """One run that goes on, or whose final campaign does; ``until`` is when the last of its money could be spent.

    ``as_of`` is when its figures were last read at Meta, None where they never were. ``final`` is its final campaign, where
    that was asked for.
    """

    run_id: RunId
    campaign_name: str
    status: RunStatus
    committed: Money
    spent: Money
    could_still_spend: Money
    until: datetime | None
    as_of: datetime | None
    objects: tuple[ObjectExposure, ...]
    final: FinalView | None = None

    def of(self, key: str) -> ObjectExposure | None:
        """Return the line of one object, by its key; None where it holds no money."""
        return next((item for item in self.objects if item.key == key), None)


def run_exposure(  # noqa: PLR0917 (the run and what is known of it, then how to count)
    run: Run,
    counted: OpenRun,
    models: Mapping[str, MetaObject],
    watch: Watch | None,
    now: datetime,
    how: Calendars,
    campaign: Campaign | None = None,
) -> RunExposure:
    """Return one run's exposure; without ``until`` where it has ended and can spend nothing more.

    ``models`` are its objects by key, ``watch`` that of its account, ``campaign`` its final one where that is wanted.
    """
    money = open_money(counted.commitments, Known(counted.spent, models, now, how), is_final=run.is_final)
    exposure = RunExposure(
        run_id=run.id,
        campaign_name=run.request.campaign_name,
        status=run.status,
        committed=Money(money.committed, run.currency),
        spent=Money(money.spent, run.currency),
        could_still_spend=Money(money.could_still_spend, run.currency),
        until=money.until,
        as_of=figures_read_at(run.id, counted.read_at, watch),
        objects=tuple(
            _object(line, outlook, models.get(line.key), run.currency, now) for line, outlook in money.objects
        ),
    )
    return (
        exposure
        if campaign is None
        else replace(exposure, final=_final(run, exposure, models, campaign.by_time(now)))
    )


def _final(run: Run, money: RunExposure, models: Mapping[str, MetaObject], campaign: Campaign) -> FinalView:
    ad_sets = [money.of(key) for key in published_keys(run, ObjectKind.AD_SET)]
    could = [one.could_still_spend for one in ad_sets if one is not None]
    ad = next(iter(ads_of(run, models)), None)
    return FinalView(
        campaign=campaign,
        could_still_spend=sum_of(could, campaign.budget.currency),
        review=None if ad is None else ad.effective_status,
        read_at=None if ad is None else ad.read_at,
    )


def _object(
    line: Commitment, outlook: Outlook, model: MetaObject | None, currency: str, now: datetime
) -> ObjectExposure:
    return ObjectExposure(
        key=line.key,
        meta_id=line.meta_id,
        name=model.name if model is not None and line.is_duplicate else line.name,
        status=line.state if model is None else model.effective_status,
        read_at=None if model is None else model.read_at,
        read_lately=model is not None and now - model.read_at <= LATELY,
        committed=Money(line.committed, currency),
        spent=Money(outlook.spent, currency),
        could_still_spend=Money(outlook.could_still_spend, currency),
        until=outlook.until,
    )


def sum_of(amounts: Sequence[Money], currency: str) -> Money:
    """Return the sum of amounts in one currency."""
    return Money(sum(amount.minor for amount in amounts), currency)
