"""Money of one run, object by object: what it has spent and what it could still spend at worst.

Nothing is asked of Meta here: the answer comes from the journal and from the objects as they were last read, and each
line says when that was. Where the two disagree the larger figure counts.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.object_state import OFF, ObjectState
from autopublisher.domain.money.duplicates import holds_money, is_duplicate, worst_case
from autopublisher.domain.money.exposure import Reservation, last_day
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.runs.final_campaign import FINAL_ARM, ad_of, figures_read_at
from autopublisher.domain.runs.plan import final_key, total_of
from autopublisher.domain.runs.reservations import Calendars, could_still_spend, end_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.dossiers import RunFacts

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


@dataclass(frozen=True)
class _Outlook:
    """What an object has spent and could still spend, in minor units, and until when."""

    spent: int
    could_still_spend: int
    until: datetime


@dataclass(frozen=True)
class _Known:
    """What is known of a run besides its journal: spend by variant, objects as last read, and how to count."""

    spent: Mapping[str, int]
    models: Mapping[str, MetaObject]
    now: datetime
    how: Calendars


def run_exposure(  # noqa: PLR0917 (the run and what is known of it, then how to count)
    run: Run,
    facts: RunFacts,
    watch: Watch | None,
    now: datetime,
    how: Calendars,
    campaign: Campaign | None = None,
) -> RunExposure:
    """Return one run's exposure; without ``until`` where it has ended and can spend nothing more.

    ``watch`` is that of its account, ``campaign`` its final one where that is wanted.
    """
    rows, models = facts.rows, facts.models
    known = _Known({snapshot.variant: snapshot.figures.spend for snapshot in facts.latest}, models, now, how)
    holders = [
        row for row in rows if not is_duplicate(row) and row.spec.reserves and commitment_of(row, rows)
    ]
    twins = [row for row in rows if holds_money(row) and _can_cost(row, models.get(row.key))]
    objects = (
        *(_object(row, rows, known, run.currency) for row in holders),
        *(_duplicate(row, rows, known, run) for row in twins),
    )
    held = {row.spec.variant or FINAL_ARM for row in holders}
    besides = sum(spend for letter, spend in known.spent.items() if letter not in held)
    ends = [item.until for item in objects if item.could_still_spend.minor]
    goes_on = max(ends, default=None if run.is_final else now)
    exposure = RunExposure(
        run_id=run.id,
        campaign_name=run.request.campaign_name,
        status=run.status,
        committed=Money(sum(commitment_of(row, rows) for row in rows), run.currency),
        spent=sum_of([Money(besides, run.currency), *(item.spent for item in objects)], run.currency),
        could_still_spend=sum_of([item.could_still_spend for item in objects], run.currency),
        until=goes_on,
        as_of=figures_read_at(run, facts.latest, watch),
        objects=objects,
    )
    return exposure if campaign is None else replace(exposure, final=_final(campaign, exposure, models, now))


def _final(
    campaign: Campaign, money: RunExposure, models: Mapping[str, MetaObject], now: datetime
) -> FinalView:
    ad_set, ad = money.of(final_key(ObjectKind.AD_SET)), ad_of(models)
    return FinalView(
        campaign=campaign.by_time(now),
        could_still_spend=Money.zero(campaign.budget.currency)
        if ad_set is None
        else ad_set.could_still_spend,
        review=None if ad is None else ad.effective_status,
        read_at=None if ad is None else ad.read_at,
    )


def _object(row: Operation, rows: Sequence[Operation], known: _Known, currency: str) -> ObjectExposure:
    figure = known.spent.get(row.spec.variant or FINAL_ARM, 0)
    spent = figure if row.spent is None else row.spent
    model, now = known.models.get(row.key), known.now
    on = _is_shown_on(row, known.models)
    could = could_still_spend(row, rows, spent, now, known.how, shown_on=on)
    until = end_of(row, rows)
    if on and model is not None and model.budget is not None:
        until = max(until, model.ends_at or until)
        could = max(could, _as_shown(row, model.budget, spent, until, known))
    return _entry(row, rows, known, currency, _Outlook(_shown_spend(spent, figure), could, until))


def _shown_spend(spent: int, figure: int) -> int:
    """Return what people are told was spent: Meta's figure, without the unit that is counted beside it for its rounding."""
    return figure if spent == figure + 1 else spent


def _entry(
    row: Operation, rows: Sequence[Operation], known: _Known, currency: str, outlook: _Outlook
) -> ObjectExposure:
    model = known.models.get(row.key)
    return ObjectExposure(
        key=row.key,
        meta_id=row.meta_id,
        name=str(row.spec.params.get("name", row.key)),
        status=row.state.value if model is None else model.effective_status,
        read_at=None if model is None else model.read_at,
        read_lately=model is not None and known.now - model.read_at <= LATELY,
        committed=Money(commitment_of(row, rows), currency),
        spent=Money(outlook.spent, currency),
        could_still_spend=Money(outlook.could_still_spend, currency),
        until=outlook.until,
    )


def _can_cost(row: Operation, model: MetaObject | None) -> bool:
    """Tell whether a duplicate has cost something or can: money is set aside for it, or it was not shown off last."""
    return bool(row.spec.reserves or row.spent) or model is None or model.status not in OFF


def _duplicate(row: Operation, rows: Sequence[Operation], known: _Known, run: Run) -> ObjectExposure:
    """Return what a duplicate can still spend: nothing once Meta has shown it off, else the worst that is known of it."""
    model, now = known.models.get(row.key), known.now
    spent, could, until = row.spent or 0, 0, now
    if model is None or model.status not in OFF:
        until = max(end_of(row, rows), now if model is None or model.ends_at is None else model.ends_at)
        could = max(0, max(row.spec.reserves, _worst_shown(row, model, run, known)) - spent)
    entry = _entry(row, rows, known, run.currency, _Outlook(spent, could, until))
    return entry if model is None else replace(entry, name=model.name)


def _worst_shown(row: Operation, model: MetaObject | None, run: Run, known: _Known) -> int:
    """Return the worst case of the budget that was last shown, a lifetime's, or a day's where we ask by the day."""
    whole = total_of(run).minor
    if model is None:
        return whole
    shown = ObjectState(model.meta_id, row.spec.kind, lifetime_budget=model.budget or 0)
    if "daily_budget" in row.spec.params:
        shown = replace(shown, daily_budget=model.budget or 0, lifetime_budget=0, ends_at=model.ends_at)
    return worst_case(shown, row.spent or 0, whole, known.now, known.how.stretch)


def _as_shown(row: Operation, budget: int, spent: int, until: datetime, known: _Known) -> int:
    """Return what the budget and the end that Meta shows allow, whoever set them; nothing is set aside for more."""
    if until <= known.now:
        return 0
    if "daily_budget" not in row.spec.params:
        return max(0, budget - max(0, spent - 1))
    first, last = known.how.local(known.now).date(), last_day(known.how.local(until))
    day = Reservation(row.key, budget * known.how.stretch, first, last, budget, known.how.stretch).worst_day
    return min(day * ((last - first).days + 1), _bound(row, budget, spent))


def _bound(row: Operation, budget: int, spent: int) -> int:
    """Return what is left of the reserve as long as the daily budget is the one we asked for; else there is no bound."""
    requested = int(row.spec.params["daily_budget"])
    return max(0, row.spec.reserves - max(0, spent - 1)) if budget <= requested else sys.maxsize


def _is_shown_on(row: Operation, models: Mapping[str, MetaObject]) -> bool:
    campaign = row.spec.params.get("campaign_id")
    above = str(campaign.get("$id")) if isinstance(campaign, Mapping) else ""
    shown = [models[key].status for key in (row.key, above) if key in models]
    return len(shown) > 1 and set(shown) == {"ACTIVE"}


def sum_of(amounts: Sequence[Money], currency: str) -> Money:
    """Return the sum of amounts in one currency."""
    return Money(sum(amount.minor for amount in amounts), currency)
