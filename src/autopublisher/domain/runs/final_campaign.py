"""A run's final campaign: as it is planned, which of the run's objects are its, and how old its figures are.

Where an arm is published in place, the arm's own objects are the final campaign's from the moment at which its budget was
asked to be raised; what it had spent and sold before then is the test's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.ids import CampaignId, RunId
from autopublisher.domain.journal.keys import Purpose, change_key, purpose_of
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState, changes_of
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.runs.plan import final_key, test_key
from autopublisher.domain.runs.run import Run, Way

FINAL_ARM = ""
"""The letter under which a final campaign's figures are kept: it is no arm of the test."""

LATE_FIGURES = "late_figures"
"""The name under which the watch keeps when it has read the figures of ended runs."""

REVIEWED_SINCE = "reviewed_since"
"""The entry of a run's report that says since when Meta has been reviewing its final ad."""


_NEVER_HAPPENED = frozenset({OperationState.REJECTED, OperationState.WITHDRAWN})


def published_key(run: Run, kind: ObjectKind) -> str:
    """Return the key of the create that makes a part of the final campaign."""
    if run.release.way is Way.IN_PLACE and run.release.winner is not None:
        return test_key(run.release.winner, kind)
    return final_key(kind)


def published(run: Run, made: Sequence[Operation]) -> list[Operation]:
    """Return those of a run's creates that make up its final campaign."""
    if run.release.way is Way.SCALED:
        return [row for row in made if row.purpose is Purpose.FINAL and row.spec.action is Action.CREATE]
    keys = {published_key(run, kind) for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)}
    return [row for row in made if row.key in keys]


def continue_key(run: Run) -> str:
    """Return the key of the write that lets the published arm go on."""
    return change_key(Purpose.CONTINUE, published_key(run, ObjectKind.AD_SET), 1)


def continuation(run: Run, rows: Sequence[Operation]) -> Operation | None:
    """Return the write by which the published arm goes on, asked for at least; None of a campaign of its own."""
    if run.release.way is Way.SCALED:
        return None
    asked = changes_of(rows, published_key(run, ObjectKind.AD_SET), Purpose.CONTINUE)
    return next((row for row in reversed(asked) if row.state not in _NEVER_HAPPENED or row.sent_at), None)


def spent_before(run: Run) -> int:
    """Return what of the published arm's spend its test's figures show, in minor units; 0 of a campaign of its own.

    Its own figures begin there, so that nothing it has spent is left out of both.
    """
    budget = run.release.final_budget or {}
    tested = budget.get("tested")
    return int(budget.get("before") or 0) if tested is None else int(tested)


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


def ad_of(run: Run, models: Mapping[str, MetaObject]) -> MetaObject | None:
    """Return the final campaign's ad, the last one where a refused one was replaced."""
    if run.release.way is Way.IN_PLACE:
        return models.get(published_key(run, ObjectKind.AD))
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
