"""A run's final campaign: as it is planned, which of the run's objects are its, and how old its figures are.

Where arms are published in place, one or all of them, their own objects are the final campaign's from the moment at which
their budgets were asked to be raised; what they had spent and sold before then is the test's.
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

_KEPT = "+"
"""Stands before an arm's letter where each of several arms that go on has figures of its own after the test."""

LATE_FIGURES = "late_figures"
"""The name under which the watch keeps when it has read the figures of ended runs."""

REVIEWED_SINCE = "reviewed_since"
"""The entry of a run's report that says since when Meta has been reviewing its final ad."""


_NEVER_HAPPENED = frozenset({OperationState.REJECTED, OperationState.WITHDRAWN})


def published_letters(run: Run) -> tuple[str, ...]:
    """Return the variants that are published; with all kept none before the final budget has divided what is left."""
    if run.release.way is Way.KEEP_ALL:
        return tuple((run.release.final_budget or {}).get("arms", ()))
    return () if run.release.winner is None else (run.release.winner,)


def published_keys(run: Run, kind: ObjectKind) -> tuple[str, ...]:
    """Return the keys of the creates that make this part of the final campaign: one of each arm that goes on."""
    if run.release.way is Way.SCALED:
        return (final_key(kind),)
    return tuple(test_key(letter, kind) for letter in published_letters(run))


def published(run: Run, made: Sequence[Operation]) -> list[Operation]:
    """Return those of a run's creates that make up its final campaign."""
    if run.release.way is Way.SCALED:
        return [row for row in made if row.purpose is Purpose.FINAL and row.spec.action is Action.CREATE]
    keys = {
        key
        for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)
        for key in published_keys(run, kind)
    }
    return [row for row in made if row.key in keys]


def continue_key(ad_set: str) -> str:
    """Return the key of the first write that lets an arm go on, by the key of its ad set."""
    return change_key(Purpose.CONTINUE, ad_set, 1)


def continuation(run: Run, rows: Sequence[Operation], ad_set: str) -> Operation | None:
    """Return the write by which an arm goes on, asked for at least; None of what does not go on in place."""
    if run.release.way is Way.SCALED or ad_set not in published_keys(run, ObjectKind.AD_SET):
        return None
    asked = changes_of(rows, ad_set, Purpose.CONTINUE)
    return next((row for row in reversed(asked) if row.state not in _NEVER_HAPPENED or row.sent_at), None)


def final_arm(run: Run, letter: str | None) -> str:
    """Return the letter under which the final campaign's figures of a part are kept, by its arm's letter."""
    return f"{_KEPT}{letter}" if run.release.way is Way.KEEP_ALL else FINAL_ARM


def is_final_arm(letter: str) -> bool:
    """Tell whether figures under a letter are a final campaign's."""
    return letter == FINAL_ARM or letter.startswith(_KEPT)


def part_of(run: Run, letter: str | None) -> Mapping[str, int]:
    """Return the final budget of one arm that goes on, in minor units, as its record has it; empty where it has none.

    ``total`` is what it may spend from now on, ``before`` what it counts as having spent, and ``tested`` what of that the
    figures of its test show.
    """
    budget = run.release.final_budget or {}
    arms: Mapping[str, Mapping[str, int]] = budget.get("arms") or {}
    if not arms and run.release.way is Way.IN_PLACE:  # as it was stored while only one arm could go on
        return {name: int(budget.get(name) or 0) for name in ("total", "before", "tested")}
    return arms.get(letter or "", {})


def spent_before(run: Run, letter: str | None) -> int:
    """Return what of an arm's spend its test's figures show, in minor units; 0 of a campaign of its own.

    Its own figures begin there, so that nothing it has spent is left out of both.
    """
    return part_of(run, letter).get("tested", 0)


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


def ads_of(run: Run, models: Mapping[str, MetaObject]) -> list[MetaObject]:
    """Return the final campaign's ads: one of each arm that goes on, the last one where a refused one was replaced."""
    if run.release.way is not Way.SCALED:
        return [models[key] for key in published_keys(run, ObjectKind.AD) if key in models]
    made = [
        one for key, one in models.items() if purpose_of(key) is Purpose.FINAL and one.kind is ObjectKind.AD
    ]
    return sorted(made, key=lambda one: (one.status == "ACTIVE", one.created_at))[-1:]


def figures_read_at(run_id: RunId, last: datetime | None, watch: Watch | None) -> datetime | None:
    """Return when a run's figures were last read at Meta; what has not changed since the ``last`` is kept only once."""
    read = {} if watch is None else watch.report.get(LATE_FIGURES, {}).get("read", {})
    moments = [] if last is None else [last]
    if run_id in read:
        moments.append(datetime.fromisoformat(read[run_id]))
    return max(moments, default=None)
