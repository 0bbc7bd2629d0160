"""Known facts of a run's final campaign, from the run, its journal and Meta's objects as they were last read."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, Reason
from autopublisher.domain.campaigns.shown import Shown
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationState
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.object_state import GONE
from autopublisher.domain.money.ledger import reserve_of
from autopublisher.domain.runs.final_campaign import (
    ads_of,
    continuation,
    planned,
    published,
    published_keys,
    spent_before,
)
from autopublisher.domain.runs.reservations import end_of, may_have_happened, was_switched_on
from autopublisher.domain.runs.run import Run, RunStatus, Way

_ABOVE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET)

_EARLY = timedelta(minutes=1)
"""An end that is shown so much before the one asked for is somebody's doing: Meta writes moments to the second."""

_WORST_FIRST = ("DELETED", "ARCHIVED", "PAUSED", "ACTIVE")
"""Own statuses, those in which the least is delivered first; one that is not known yet comes before all."""

_PAUSES: Mapping[Purpose, Reason] = {Purpose.STOP: Reason.STOP, Purpose.RECALL: Reason.RECALL}
"""Whose pause it is, by what the write was for."""


def shown_of(
    campaign: Campaign, run: Run, rows: Sequence[Operation], models: Mapping[str, MetaObject], why: str = ""
) -> Shown:
    """Return what is known of a campaign; ``why`` is what Meta says of its ad's review, where it was asked."""
    plan = planned(run, campaign.since) or campaign
    rows = _since_published(run, rows)
    made = {row.key: row for row in rows}
    models = models if made or run.release.way is Way.SCALED else {}
    ad_sets = [made[key] for key in published_keys(run, ObjectKind.AD_SET) if key in made]
    ads = _standing([[one] for one in ads_of(run, models)])
    above = _standing(
        [
            [models.get(key) for key in keys]
            for keys in zip(*(published_keys(run, kind) for kind in _ABOVE), strict=True)
        ]
    )
    ad = min(ads, key=_delivery, default=None)
    asked_until = max((end_of(row, rows) for row in ad_sets), default=plan.ends_at)
    shown_ends = [one.ends_at for one in above if one is not None and one.ends_at is not None]
    ends_at = max(shown_ends, default=asked_until)
    was_on = any(was_switched_on(row, rows) for row in ad_sets)
    campaigns = [made.get(key) for key in published_keys(run, ObjectKind.CAMPAIGN)]
    return Shown(
        campaign_meta_id=_meta_id(campaigns),
        ad_set_meta_id=_meta_id(ad_sets),
        ad_meta_id=None if ad is None else ad.meta_id,
        budget=plan.budget
        if not ad_sets
        else Money(
            sum(reserve_of(row, rows) - spent_before(run, row.spec.variant) for row in ad_sets),
            plan.budget.currency,
        ),
        starts_at=plan.starts_at,
        ends_at=ends_at,
        status=_worst(above),
        ad_status=_worst(ads or [None]),
        review="" if ad is None else ad.effective_status,
        why=why or ("" if ad is None else ad.effective_status),
        off_by=_off_by(rows, [*above, *ads]),
        was_on=was_on,
        ended_early=ends_at < asked_until - _EARLY,
        run_ended=run.is_final and run.status is not RunStatus.COMPLETED,
        spent_at_most=_spent_at_most(campaign, run, ad_sets, was_on=was_on),
        parts=max(1, len(ad_sets)),
    )


def _since_published(run: Run, rows: Sequence[Operation]) -> Sequence[Operation]:
    """Return what the journal says of a final campaign; of an arm that goes on its creates, and all since it did.

    Nothing before that is confirmed: what Meta shows until then is the test's.
    """
    if run.release.way is Way.SCALED:
        return rows
    asked = [continuation(run, rows, key) for key in published_keys(run, ObjectKind.AD_SET)]
    went_on = [row for row in asked if row is not None and row.state is OperationState.CONFIRMED]
    if not went_on or len(went_on) < len(asked):
        return []
    first = min(row.sequence for row in went_on)
    return [*published(run, rows), *(row for row in rows if row.sequence >= first)]


def _meta_id(rows: Sequence[Operation | None]) -> MetaId | None:
    """Return the id of the one object that a part of a campaign is; None of several, which the run's objects list."""
    only = rows[0] if len(rows) == 1 else None
    return None if only is None else only.meta_id


def _standing(families: Sequence[Sequence[MetaObject | None]]) -> list[MetaObject | None]:
    """Return the objects of those arms that are not gone, for the others go on delivering; of all where all are."""
    there = [one for one in families if not any(model is not None and model.status in GONE for model in one)]
    return [model for family in there or families for model in family]


def _delivery(model: MetaObject | None) -> int:
    """Return how far an object is from delivering nothing; one that is not known yet comes before all."""
    status = "" if model is None else model.status
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else -1


def _worst(models: Sequence[MetaObject | None]) -> str:
    """Return the status by which the least is delivered; empty where an object was not made yet."""
    worst = min(models, key=_delivery, default=None)
    return "" if worst is None else worst.status


def _off_by(rows: Sequence[Operation], models: Sequence[MetaObject | None]) -> Reason:
    """Return whose pause the first of these objects that is off shows: ours, by the last write of its status, or not."""
    off = next((model.key for model in models if model is not None and model.status == "PAUSED"), None)
    changes = [row for row in rows if row.spec.target == off and "status" in row.spec.params]
    last = next((change for change in reversed(changes) if may_have_happened(change)), None)
    if last is None or last.spec.params["status"] != "PAUSED":
        return Reason.PAUSED_AT_META
    return _PAUSES.get(last.purpose, Reason.RUN_ENDING)


def _spent_at_most(campaign: Campaign, run: Run, ad_sets: Sequence[Operation], *, was_on: bool) -> int | None:
    """Return the settled spend; nothing where a run ended before its campaign was on and Meta has shown no spend."""
    spends = [row.spent - spent_before(run, row.spec.variant) for row in ad_sets if row.spent is not None]
    if ad_sets and len(spends) == len(ad_sets):
        return sum(spends)
    never_on = run.is_final and run.status is not RunStatus.COMPLETED and not was_on
    return 0 if never_on and not (campaign.spent and campaign.spent.minor) else None
