"""Reservations of a run: what its ad sets can spend, and when, by the schedules and budgets in its journal.

Whatever may have happened counts. A confirmed change of a schedule's end replaces the earlier ends; one nobody can vouch
for stands beside them. An ad set that is confirmed off, itself or its campaign, spends nothing after that; late charges
get a quarter of an hour. A run that is under way also counts what it was promised and has not created yet, so that two
runs are never let in for the same money.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.accounts.accounts import zone_of
from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.money.duplicates import is_duplicate
from autopublisher.domain.money.exposure import DAY_STRETCH, Reservation, last_day
from autopublisher.domain.money.gate_messages import GateReason
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.request.variants import LETTERS
from autopublisher.domain.runs.final_campaign import (
    continuation,
    continue_key,
    part_of,
    published_keys,
    published_letters,
    spent_before,
)
from autopublisher.domain.runs.longest_test import latest_end, may_go_on, most_per_variant
from autopublisher.domain.runs.plan import final_key, test_key
from autopublisher.domain.runs.run import Run, RunStatus, Way

LINGERS = timedelta(minutes=15)
"""How long after a confirmed pause a charge can still come in."""

OPEN_ENDED = timedelta(days=366)
"""The span counted for a schedule that names no end."""

_SPENDING_PARAMS = frozenset({"start_time", "end_time", "daily_budget", "lifetime_budget", "spend_cap"})


PROMISING = frozenset({RunStatus.CREATING_CAMPAIGNS, RunStatus.PUBLISHING_FINAL})
"""Statuses in which a run can have been promised what it has not created yet."""

_COUNTING = 5
"""Version of what is counted: a change of what ``reservations_of`` or ``commitments_of`` returns raises it."""


def rule_of(stretch: int) -> str:
    """Return what a stored count depends on besides its account's time zone."""
    return f"{stretch}/{_COUNTING}"


@dataclass(frozen=True)
class Calendars:
    """How an account counts: its time zone, and the stretch of its daily budgets in per cent."""

    timezone: str
    stretch: int = DAY_STRETCH

    @property
    def rule(self) -> str:
        """The rule by which reservations are counted, as it is stored with them."""
        return f"{self.timezone} {rule_of(self.stretch)}"

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the account's time zone; raises GateRefusedError where that is unknown here."""
        zone = zone_of(self.timezone)
        if zone is None:
            raise GateRefusedError(key="spend", reason=GateReason.ZONE_UNKNOWN(zone=self.timezone))
        return moment.astimezone(zone)


def may_have_happened(operation: Operation) -> bool:
    """Tell whether a write may show at Meta, now or later; a withdrawn update that was sent was never disproved."""
    if operation.state is OperationState.WITHDRAWN:
        return operation.spec.action is Action.UPDATE and operation.sent_at is not None
    return operation.state is not OperationState.REJECTED


def concerns_spend(operation: Operation) -> bool:
    """Tell whether a write can make more spend possible: a reserve, a schedule, a budget, or switching something on."""
    if operation.spec.reserves:
        return True
    params = operation.spec.params
    moves = operation.spec.action is Action.UPDATE and not _SPENDING_PARAMS.isdisjoint(params)
    return moves or _switches_on(operation)


def counts_alike(was: Run, run: Run) -> bool:
    """Tell whether a run surely reserves what it did before it was saved anew, and is as much alive."""
    return was.status is run.status and run.status not in PROMISING and was.ending.at == run.ending.at


def reservations_of(run: Run, rows: Sequence[Operation], how: Calendars) -> list[Reservation]:
    """Return what a run's journal and its promises can spend, in minor units of the run's currency."""
    ordered = sorted(rows, key=lambda row: row.sequence)
    found = [one for row in ordered if row.spec.reserves for one in _reserved(run, row, ordered, how)]
    if run.is_final or run.ending.turned_to is not None:
        return found
    return found + _promised(run, {row.key for row in ordered}, how)


def off_since(row: Operation, rows: Sequence[Operation]) -> datetime | None:
    """Return since when an ad set is confirmed off, by itself or by its campaign; None while it may deliver."""
    moments = [_switched_off(key, rows) for key in _family(row)]
    return min((moment for moment in moments if moment is not None), default=None)


def was_switched_on(row: Operation, rows: Sequence[Operation]) -> bool:
    """Tell whether an ad set and its campaign may both have been switched on; everything is born paused."""
    return all(
        any(_switches_on(other) and other.spec.target == key for other in rows) for key in _family(row)
    )


def end_of(row: Operation, rows: Sequence[Operation]) -> datetime:
    """Return the last moment at which an ad set's schedule may end."""
    ends = [_moment(row.spec.params.get("end_time")) or row.intended_at + OPEN_ENDED]
    for update in _updates(row, rows, "end_time"):
        asked = _moment(update.spec.params["end_time"]) or row.intended_at + OPEN_ENDED
        ends = [asked] if update.state is OperationState.CONFIRMED else [*ends, asked]
    return max(ends)


def latest_end_of(run: Run, row: Operation, rows: Sequence[Operation]) -> datetime:
    """Return the last moment at which an ad set's schedule may end, an arm's also where its test may still go on.

    That follows from journal and status alone, for nothing else takes a stored count out.
    """
    ends = end_of(row, rows)
    if row.purpose is not Purpose.TEST or not may_go_on(run):
        return ends
    planned = end_of(row, [one for one in rows if one.purpose is not Purpose.PROLONG])
    return max(ends, planned + run.trial.further_days * timedelta(days=1))


def _reserved(run: Run, row: Operation, rows: Sequence[Operation], how: Calendars) -> list[Reservation]:
    """Return what a create reserves; of an arm that goes on its test's spend on its test's days, and from then on the rest.

    Nothing of its new budget can be spent on a day that is over. Until it is published it is held as promised, though off.
    """
    whole = _reservation(run, row, rows, how)
    went_on = continuation(run, rows, row.key)
    if whole is None or went_on is None:
        return [] if whole is None else [whole]
    tested = min(spent_before(run, row.spec.variant), whole.most)
    test = _reservation(run, row, [one for one in rows if one.sequence < went_on.sequence], how)
    since = max(whole.first, how.local(went_on.intended_at).date())
    is_held = run.status is RunStatus.PUBLISHING_FINAL and run.ending.turned_to is None
    last = last_day(how.local(end_of(row, rows))) if is_held else whole.last
    rest = replace(whole, most=whole.most - tested, first=since, last=max(since, last))
    return [rest] if test is None else [replace(test, most=tested), rest]


def _reservation(run: Run, row: Operation, rows: Sequence[Operation], how: Calendars) -> Reservation | None:
    # Money is set aside for a duplicate only where it was on, whoever switched it on.
    never_on = run.is_final and not was_switched_on(row, rows) and not is_duplicate(row)
    most = commitment_of(row, rows)
    if most <= 0 or (never_on and row.spent is None):
        return None
    starts, ends, off = _duplicates_span(row, rows) if is_duplicate(row) else _span(run, row, rows)
    if off is not None:
        ends = min(ends, off + LINGERS)
    last = last_day(how.local(max(ends, starts + timedelta(microseconds=1))))
    return Reservation(row.key, most, how.local(starts).date(), last, daily_of(row, rows), how.stretch)


_Span = tuple[datetime, datetime, datetime | None]
"""When an ad set's schedule begins and ends, and since when it is confirmed off."""


def _span(run: Run, row: Operation, rows: Sequence[Operation]) -> _Span:
    return _start_of(row, rows), latest_end_of(run, row, rows), off_since(row, rows)


def _duplicates_span(row: Operation, rows: Sequence[Operation]) -> _Span:
    """Return a duplicate's span: neither its original's end nor a campaign that is off need be its own."""
    starts = min(_start_of(row, rows), row.intended_at)
    ends = row.look_again_at or row.intended_at + OPEN_ENDED  # a moment to look again: it is gone
    return starts, ends, _duplicate_off_since(row.key, rows)


def _duplicate_off_since(key: str, rows: Sequence[Operation]) -> datetime | None:
    """Return when our last attempt to switch it off was confirmed; each says that it was seen on, by whomever."""
    tries = [row for row in rows if row.spec.target == key and _switches_off(row)]
    last = tries[-1] if tries else None
    return last.settled_at if last is not None and last.state is OperationState.CONFIRMED else None


def _promised(run: Run, known: set[str], how: Calendars) -> list[Reservation]:
    if run.status not in PROMISING:
        return []
    if run.status is RunStatus.CREATING_CAMPAIGNS:
        return _promised_test(run, known, how)
    budget = run.release.final_budget
    if budget is None:
        return []
    if run.release.way is Way.SCALED:
        return _promised_final(final_key(ObjectKind.AD_SET), budget, budget["total"], known, how)
    return [
        promised
        for letter, key in zip(published_letters(run), published_keys(run, ObjectKind.AD_SET), strict=True)
        for promised in _promised_arm(continue_key(key), budget, part_of(run, letter), known, how)
    ]


def _promised_test(run: Run, known: set[str], how: Calendars) -> list[Reservation]:
    if run.trial.arms_start_at is None or run.trial.arms_end_at is None:
        return []
    test = run.request.ab_test_config
    most, ends = (
        most_per_variant(run).minor,
        max(run.trial.arms_end_at, latest_end(run) or run.trial.arms_end_at),
    )
    first, last = how.local(run.trial.arms_start_at).date(), last_day(how.local(ends))
    keys = [test_key(letter, ObjectKind.AD_SET) for letter in LETTERS[: test.variants_count]]
    return [Reservation(key, most, first, last) for key in keys if key not in known]


def _promised_arm(
    key: str, budget: Mapping[str, Any], part: Mapping[str, int], known: set[str], how: Calendars
) -> list[Reservation]:
    most = part["total"] + part["before"] - part["tested"]
    return _promised_final(key, budget, most, known, how)


def _promised_final(
    key: str, budget: Mapping[str, Any], most: int, known: set[str], how: Calendars
) -> list[Reservation]:
    if key in known:
        return []
    first = how.local(datetime.fromisoformat(budget["starts_at"])).date()
    last = last_day(how.local(datetime.fromisoformat(budget["ends_at"])))
    return [Reservation(key, most, first, last, budget["daily"], how.stretch)]


def _start_of(row: Operation, rows: Sequence[Operation]) -> datetime:
    asked = [row, *_updates(row, rows, "start_time")]
    return min(_moment(one.spec.params.get("start_time")) or row.intended_at for one in asked)


def daily_of(row: Operation, rows: Sequence[Operation]) -> int | None:
    """Return the largest daily budget it may ever have had; None where it may have had a lifetime budget.

    A duplicate's budget is not the one its original was given: all that is set aside for it may be spent on one day.
    """
    if (
        is_duplicate(row)
        or "daily_budget" not in row.spec.params
        or any(_updates(row, rows, "lifetime_budget"))
    ):
        return None
    asked = [row, *_updates(row, rows, "daily_budget")]
    return max(int(one.spec.params["daily_budget"]) for one in asked)


def _updates(row: Operation, rows: Sequence[Operation], field: str) -> list[Operation]:
    return [
        one
        for one in rows
        if one.spec.target == row.key
        and one.spec.action is Action.UPDATE
        and field in one.spec.params
        and may_have_happened(one)
    ]


def _family(row: Operation) -> list[str]:
    """Return the keys of an ad set and of the campaign it names: either being off stops it."""
    campaign = row.spec.params.get("campaign_id")
    above = [str(campaign["$id"])] if isinstance(campaign, Mapping) and "$id" in campaign else []
    return [row.key, *above]


def _switched_off(key: str, rows: Sequence[Operation]) -> datetime | None:
    off: datetime | None = None
    for row in rows:
        if row.spec.target != key:
            continue
        if _switches_on(row):
            off = None
        elif _switches_off(row) and row.state is OperationState.CONFIRMED:
            off = off or row.settled_at
    return off


def _switches_on(row: Operation) -> bool:
    return row.spec.params.get("status") == "ACTIVE" and may_have_happened(row)


def _switches_off(row: Operation) -> bool:
    return row.spec.action is Action.DELETE or row.spec.params.get("status") == "PAUSED"


def _moment(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))
