"""A run's final campaign: as it is planned, which of the run's objects are its, and how old its figures are."""

from collections.abc import Mapping
from datetime import datetime

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.ids import CampaignId, RunId
from autopublisher.domain.journal.keys import Purpose, purpose_of
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.runs.run import Run

FINAL_ARM = ""
"""The letter under which a final campaign's figures are kept: it is no arm of the test."""

LATE_FIGURES = "late_figures"
"""The name under which the watch keeps when it has read the figures of ended runs."""

REVIEWED_SINCE = "reviewed_since"
"""The entry of a run's report that says since when Meta has been reviewing its final ad."""


def planned(run: Run, now: datetime) -> Campaign | None:
    """Return the campaign that a run's final budget plans, before anything of it is made; None without a budget."""
    budget = run.release.final_budget
    if budget is None:
        return None
    return Campaign(
        id=CampaignId(f"{run.id}:final"),
        run_id=run.id,
        act_id=run.act_id,
        state=CampaignState.BUILDING,
        since=now,
        budget=Money(budget["total"], budget["currency"]),
        starts_at=datetime.fromisoformat(budget["starts_at"]),
        ends_at=datetime.fromisoformat(budget["ends_at"]),
    )


def ad_of(models: Mapping[str, MetaObject]) -> MetaObject | None:
    """Return the final campaign's ad, the last one where a refused one was replaced."""
    made = [
        one for key, one in models.items() if purpose_of(key) is Purpose.FINAL and one.kind is ObjectKind.AD
    ]
    return max(made, key=lambda one: (one.status == "ACTIVE", one.created_at), default=None)


def figures_read_at(run_id: RunId, last: datetime | None, watch: Watch | None) -> datetime | None:
    """Return when a run's figures were last read at Meta; what has not changed since the ``last`` is kept only once."""
    read = {} if watch is None else watch.report.get(LATE_FIGURES, {}).get("read", {})
    moments = [] if last is None else [last]
    if run_id in read:
        moments.append(datetime.fromisoformat(read[run_id]))
    return max(moments, default=None)
