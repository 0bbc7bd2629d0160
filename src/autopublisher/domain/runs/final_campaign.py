"""A final campaign: where it stands, by its journal and by what Meta last showed of it, and how old its figures are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.journal.keys import Purpose, purpose_of
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject, Snapshot
from autopublisher.domain.runs.plan import final_key
from autopublisher.domain.runs.reservations import end_of, was_switched_on
from autopublisher.domain.runs.run import Run

FINAL_ARM = ""
"""The letter under which a final campaign's figures are kept: it is no arm of the test."""

LATE_FIGURES = "late_figures"
"""The name under which the watch keeps when it has read the figures of ended runs."""

REVIEWED_SINCE = "reviewed_since"
"""The entry of a run's report that says since when Meta has been reviewing its final ad."""

IN_REVIEW = frozenset({"PENDING_REVIEW", "IN_PROCESS"})
"""Effective statuses of an ad that Meta has not looked at yet."""

BLOCKED = frozenset({"DISAPPROVED", "WITH_ISSUES", "PENDING_BILLING_INFO"})
"""Effective statuses of an ad that Meta does not deliver until somebody acts."""


class FinalState(StrEnum):
    """Where a final campaign stands."""

    BUILDING = "building"
    IN_REVIEW = "in_review"
    REFUSED = "refused"
    DELIVERING = "delivering"
    PAUSED = "paused"
    ENDED = "ended"
    SETTLED = "settled"


def state_of(rows: Sequence[Operation], models: Mapping[str, MetaObject], now: datetime) -> FinalState | None:
    """Return the state of a run's final campaign; None where there is none."""
    ad_set = next((row for row in rows if row.key == final_key(ObjectKind.AD_SET)), None)
    if ad_set is None or ad_set.meta_id is None:
        return None
    if ad_set.spent is not None:
        return FinalState.SETTLED
    if end_of(ad_set, rows) <= now:
        return FinalState.ENDED
    if not was_switched_on(ad_set, rows):
        return FinalState.BUILDING
    return _as_shown(
        [model for key, model in models.items() if purpose_of(key) is Purpose.FINAL], ad_of(models)
    )


def ad_of(models: Mapping[str, MetaObject]) -> MetaObject | None:
    """Return the final campaign's ad, the last one where a refused one was replaced."""
    made = [
        one for key, one in models.items() if purpose_of(key) is Purpose.FINAL and one.kind is ObjectKind.AD
    ]
    return max(made, key=lambda one: (one.status == "ACTIVE", one.created_at), default=None)


def figures_read_at(run: Run, snapshots: Sequence[Snapshot], watch: Watch | None) -> datetime | None:
    """Return when a run's figures were last read at Meta; what has not changed since then is kept only once."""
    read = {} if watch is None else watch.report.get(LATE_FIGURES, {}).get("read", {})
    moments = [one.at for one in snapshots]
    if run.id in read:
        moments.append(datetime.fromisoformat(read[run.id]))
    return max(moments, default=None)


def _as_shown(models: Sequence[MetaObject], ad: MetaObject | None) -> FinalState:
    above = [one for one in models if one.kind in {ObjectKind.CAMPAIGN, ObjectKind.AD_SET}]
    if ad is None or any(one.status != "ACTIVE" for one in (*above, ad)):
        return FinalState.PAUSED
    if ad.effective_status in BLOCKED:
        return FinalState.REFUSED
    return FinalState.IN_REVIEW if ad.effective_status in IN_REVIEW else FinalState.DELIVERING
