"""What a run could still spend, computed row by row from its journal: what the stored form has to agree with."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain.journal.operations import Operation, OperationState
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.object_state import OFF, ObjectState
from autopublisher.domain.money.duplicates import holds_money, is_duplicate, worst_case
from autopublisher.domain.money.exposure import Reservation, last_day
from autopublisher.domain.money.ledger import commitment_of, reserve_of
from autopublisher.domain.runs.final_campaign import FINAL_ARM
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars, daily_of, end_of, off_since, was_switched_on
from autopublisher.domain.runs.run import Run


@dataclass(frozen=True)
class Known:
    """What is known of a run besides its journal: spend by variant, objects as last read, and how to count."""

    spent: Mapping[str, int]
    models: Mapping[str, MetaObject]
    now: datetime
    how: Calendars


Line = tuple[str, int, int, datetime]
"""An object's key, what it has spent, what it could still spend, and until when."""


def exposure_by_rows(
    run: Run, rows: Sequence[Operation], known: Known
) -> tuple[int, int, int, datetime | None, list[Line]]:
    """Return what a run has committed, spent and could still spend, until when, and each object's line."""
    holders = [
        row for row in rows if not is_duplicate(row) and row.spec.reserves and commitment_of(row, rows)
    ]
    twins = [row for row in rows if holds_money(row) and _can_cost(row, known.models.get(row.key))]
    objects = [
        *(_object(row, rows, known) for row in holders),
        *(_duplicate(row, rows, known, run) for row in twins),
    ]
    held = {row.spec.variant or FINAL_ARM for row in holders}
    besides = sum(spend for letter, spend in known.spent.items() if letter not in held)
    ends = [until for _, _, could, until in objects if could]
    return (
        sum(commitment_of(row, rows) for row in rows),
        besides + sum(spent for _, spent, _, _ in objects),
        sum(could for _, _, could, _ in objects),
        max(ends, default=None if run.is_final else known.now),
        objects,
    )


def _object(row: Operation, rows: Sequence[Operation], known: Known) -> Line:
    figure = known.spent.get(row.spec.variant or FINAL_ARM, 0)
    spent = figure if row.spent is None else row.spent
    model, now = known.models.get(row.key), known.now
    on = _is_shown_on(row, known.models)
    could = _could_still_spend(row, rows, spent, now, known.how, shown_on=on)
    until = end_of(row, rows)
    if on and model is not None and model.budget is not None:
        until = max(until, model.ends_at or until)
        could = max(could, _as_shown(row, model.budget, spent, until, known))
    return row.key, figure if spent == figure + 1 else spent, could, until


def _could_still_spend(
    row: Operation, rows: Sequence[Operation], known: int, now: datetime, how: Calendars, *, shown_on: bool
) -> int:
    on = shown_on or (was_switched_on(row, rows) and off_since(row, rows) is None)
    if not on or row.state in (OperationState.REJECTED, OperationState.WITHDRAWN):
        return 0
    ends = end_of(row, rows)
    if ends <= now:
        return 0
    left = reserve_of(row, rows) - max(0, (known if row.spent is None else row.spent) - 1)
    first, last = how.local(now).date(), last_day(how.local(ends))
    daily = daily_of(row, rows)
    if daily is not None:
        day = Reservation(row.key, left, first, last, daily, how.stretch).worst_day
        left = min(left, day * ((last - first).days + 1))
    return max(0, left)


def _can_cost(row: Operation, model: MetaObject | None) -> bool:
    return bool(row.spec.reserves or row.spent) or model is None or model.status not in OFF


def _duplicate(row: Operation, rows: Sequence[Operation], known: Known, run: Run) -> Line:
    model, now = known.models.get(row.key), known.now
    spent, could, until = row.spent or 0, 0, now
    if model is None or model.status not in OFF:
        until = max(end_of(row, rows), now if model is None or model.ends_at is None else model.ends_at)
        could = max(0, max(row.spec.reserves, _worst_shown(row, model, run, known)) - spent)
    return row.key, spent, could, until


def _worst_shown(row: Operation, model: MetaObject | None, run: Run, known: Known) -> int:
    whole = total_of(run).minor
    if model is None:
        return whole
    shown = ObjectState(model.meta_id, row.spec.kind, lifetime_budget=model.budget or 0)
    if "daily_budget" in row.spec.params:
        shown = replace(shown, daily_budget=model.budget or 0, lifetime_budget=0, ends_at=model.ends_at)
    return worst_case(shown, row.spent or 0, whole, known.now, known.how.stretch)


def _as_shown(row: Operation, budget: int, spent: int, until: datetime, known: Known) -> int:
    if until <= known.now:
        return 0
    if "daily_budget" not in row.spec.params:
        return max(0, budget - max(0, spent - 1))
    first, last = known.how.local(known.now).date(), last_day(known.how.local(until))
    day = Reservation(row.key, budget * known.how.stretch, first, last, budget, known.how.stretch).worst_day
    return min(day * ((last - first).days + 1), _bound(row, budget, spent))


def _bound(row: Operation, budget: int, spent: int) -> int:
    requested = int(row.spec.params["daily_budget"])
    return max(0, row.spec.reserves - max(0, spent - 1)) if budget <= requested else sys.maxsize


def _is_shown_on(row: Operation, models: Mapping[str, MetaObject]) -> bool:
    campaign = row.spec.params.get("campaign_id")
    above = str(campaign.get("$id")) if isinstance(campaign, Mapping) else ""
    shown = [models[key].status for key in (row.key, above) if key in models]
    return len(shown) > 1 and set(shown) == {"ACTIVE"}
