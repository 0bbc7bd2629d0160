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
from autopublisher.domain.money.ledger import reserve_of
from autopublisher.domain.runs.final_campaign import (
    ad_of,
    continuation,
    planned,
    published,
    published_key,
    spent_before,
)
from autopublisher.domain.runs.reservations import end_of, may_have_happened, was_switched_on
from autopublisher.domain.runs.run import Run, RunStatus, Way

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
    ad_set, ad = made.get(published_key(run, ObjectKind.AD_SET)), ad_of(run, models)
    above = [models.get(published_key(run, kind)) for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET)]
    asked_until = plan.ends_at if ad_set is None else end_of(ad_set, rows)
    ends_at = asked_until if above[1] is None or above[1].ends_at is None else above[1].ends_at
    was_on = ad_set is not None and was_switched_on(ad_set, rows)
    return Shown(
        campaign_meta_id=_meta_id(made.get(published_key(run, ObjectKind.CAMPAIGN))),
        ad_set_meta_id=_meta_id(ad_set),
        ad_meta_id=None if ad is None else ad.meta_id,
        budget=plan.budget
        if ad_set is None
        else Money(reserve_of(ad_set, rows) - spent_before(run), plan.budget.currency),
        starts_at=plan.starts_at,
        ends_at=ends_at,
        status=_worst(above),
        ad_status=_worst([ad]),
        review="" if ad is None else ad.effective_status,
        why=why or ("" if ad is None else ad.effective_status),
        off_by=_off_by(rows, [*above, ad]),
        was_on=was_on,
        ended_early=ends_at < asked_until - _EARLY,
        run_ended=run.is_final and run.status is not RunStatus.COMPLETED,
        spent_at_most=_spent_at_most(campaign, run, ad_set, was_on=was_on),
    )


def _since_published(run: Run, rows: Sequence[Operation]) -> Sequence[Operation]:
    """Return what the journal says of a final campaign; of an arm that goes on its creates, and all since it did.

    Nothing before that is confirmed: what Meta shows until then is the test's.
    """
    if run.release.way is Way.SCALED:
        return rows
    went_on = continuation(run, rows)
    if went_on is None or went_on.state is not OperationState.CONFIRMED:
        return []
    return [*published(run, rows), *(row for row in rows if row.sequence >= went_on.sequence)]


def _meta_id(row: Operation | None) -> MetaId | None:
    return None if row is None else row.meta_id


def _worst(models: Sequence[MetaObject | None]) -> str:
    """Return the status by which the least is delivered; empty where an object was not made yet."""
    shown = ["" if model is None else model.status for model in models]
    return min(shown, key=lambda status: _WORST_FIRST.index(status) if status in _WORST_FIRST else -1)


def _off_by(rows: Sequence[Operation], models: Sequence[MetaObject | None]) -> Reason:
    """Return whose pause the first of these objects that is off shows: ours, by the last write of its status, or not."""
    off = next((model.key for model in models if model is not None and model.status == "PAUSED"), None)
    changes = [row for row in rows if row.spec.target == off and "status" in row.spec.params]
    last = next((change for change in reversed(changes) if may_have_happened(change)), None)
    if last is None or last.spec.params["status"] != "PAUSED":
        return Reason.PAUSED_AT_META
    return _PAUSES.get(last.purpose, Reason.RUN_ENDING)


def _spent_at_most(campaign: Campaign, run: Run, ad_set: Operation | None, *, was_on: bool) -> int | None:
    """Return the settled spend; nothing where a run ended before its campaign was on and Meta has shown no spend."""
    if ad_set is not None and ad_set.spent is not None:
        return ad_set.spent - spent_before(run)
    never_on = run.is_final and run.status is not RunStatus.COMPLETED and not was_on
    return 0 if never_on and not (campaign.spent and campaign.spent.minor) else None
