"""Commitments: what a run's journal says of each object that holds money, and what those could still spend.

The first part changes with the journal alone and is stored (``ports.reservations``); the second needs what Meta shows of the
objects, what they have spent and the moment. Where journal and Meta disagree the larger figure counts.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationState
from autopublisher.domain.meta.object_state import OFF, ObjectState
from autopublisher.domain.money.duplicates import holds_money, is_duplicate, worst_case
from autopublisher.domain.money.exposure import last_day
from autopublisher.domain.money.ledger import commitment_of, reserve_of
from autopublisher.domain.runs.final_campaign import (
    FINAL_ARM,
    continuation,
    final_arm,
    spent_before,
)
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import (
    Calendars,
    daily_of,
    latest_end_of,
    off_since,
    was_switched_on,
)
from autopublisher.domain.runs.run import Run

_NEVER_HAPPENED = frozenset({OperationState.REJECTED, OperationState.WITHDRAWN})


class Commitment(NamedTuple):
    """One object that holds money, as the journal has it; amounts in minor units. A tuple, as thousands are read at a time.

    ``arm`` is whose figures are its own, ``above`` its campaign's key. ``committed`` counts against the total, ``most`` can
    be spent in all, ``reserves`` were set aside for it; ``spent`` is final. ``daily`` is the largest daily budget it may
    have had, ``asked`` the one it was created with. ``on`` says that it may be switched on, ``happened`` that it may exist.
    Of an arm that goes on as the final campaign ``before`` is what it had spent in its test: ``most`` includes it, ``spent``
    does not.
    """

    key: str
    meta_id: MetaId | None
    name: str
    state: str
    kind: str
    arm: str
    above: str
    committed: int
    most: int
    reserves: int
    spent: int | None
    daily: int | None
    asked: int | None
    on: bool
    happened: bool
    is_duplicate: bool
    before: int
    ends: datetime


@dataclass(frozen=True)
class Commitments:
    """What a run has committed against its ``whole`` total budget, in minor units, and which objects hold money."""

    committed: int
    whole: int
    lines: tuple[Commitment, ...]

    def to_record(self) -> list[Any]:
        """Return JSON types."""
        return [self.committed, self.whole, *([*line[:-1], line.ends.isoformat()] for line in self.lines)]

    @classmethod
    def from_record(cls, record: Sequence[Any]) -> "Commitments":
        """Rebuild what ``to_record`` returned."""
        committed, whole, *lines = record
        return cls(committed, whole, tuple(map(_from_record, lines)))


def _from_record(values: Sequence[Any]) -> Commitment:
    return Commitment._make([*values[:-1], datetime.fromisoformat(values[-1])])


class Shown(Protocol):
    """What Meta showed of an object when it was last read."""

    @property
    def status(self) -> str:
        """Its own status."""
        ...

    @property
    def budget(self) -> int | None:
        """Its budget in minor units; None without one."""
        ...

    @property
    def ends_at(self) -> datetime | None:
        """When it ends by itself; None where it does not."""
        ...


@dataclass(frozen=True)
class Known:
    """What is known of a run besides its journal: spend by arm in minor units, objects by key, the moment, how to count."""

    spent: Mapping[str, int]
    shown: Mapping[str, Shown]
    now: datetime
    how: Calendars


class Outlook(NamedTuple):
    """What an object has spent and could still spend, in minor units, and until when."""

    spent: int
    could_still_spend: int
    until: datetime


class OpenMoney(NamedTuple):
    """What a run has committed, spent and could still spend, in minor units.

    ``until`` is when the last of it could be spent; None for a run that has ended and can spend nothing more. ``objects``
    has what of it each object that holds money can spend.
    """

    committed: int
    spent: int
    could_still_spend: int
    until: datetime | None
    objects: Sequence[tuple[Commitment, Outlook]]


def commitments_of(run: Run, rows: Sequence[Operation]) -> Commitments:
    """Return what a run's journal has committed."""
    own = [row for row in rows if not is_duplicate(row) and row.spec.reserves and commitment_of(row, rows)]
    holders = [*own, *(row for row in rows if holds_money(row))]
    committed = sum(commitment_of(row, rows) for row in rows)
    return Commitments(committed, total_of(run).minor, tuple(_commitment(run, row, rows) for row in holders))


def _commitment(run: Run, row: Operation, rows: Sequence[Operation]) -> Commitment:
    goes_on = continuation(run, rows, row.key) is not None
    before = spent_before(run, row.spec.variant) if goes_on else 0
    campaign = row.spec.params.get("campaign_id")
    asked = row.spec.params.get("daily_budget")
    return Commitment(
        key=row.key,
        meta_id=row.meta_id,
        name=str(row.spec.params.get("name", row.key)),
        state=row.state.value,
        kind=row.spec.kind.value,
        arm=final_arm(run, row.spec.variant) if goes_on else row.spec.variant or FINAL_ARM,
        above=str(campaign.get("$id")) if isinstance(campaign, Mapping) else "",
        committed=commitment_of(row, rows),
        most=reserve_of(row, rows),
        reserves=row.spec.reserves,
        spent=None if row.spent is None else row.spent - before,
        daily=daily_of(row, rows),
        asked=None if asked is None else int(asked),
        on=was_switched_on(row, rows) and off_since(row, rows) is None,
        happened=row.state not in _NEVER_HAPPENED,
        is_duplicate=is_duplicate(row),
        before=before,
        ends=latest_end_of(run, row, rows),
    )


def open_money(commitments: Commitments, known: Known, *, is_final: bool) -> OpenMoney:
    """Return what a run could still spend; ``is_final`` says that it has ended."""
    objects = list(_outlooks(commitments, known))
    held = {line.arm for line in commitments.lines if not line.is_duplicate}
    besides = sum(spend for arm, spend in known.spent.items() if arm not in held)
    ends = [outlook.until for _, outlook in objects if outlook.could_still_spend]
    return OpenMoney(
        commitments.committed,
        besides + sum(outlook.spent for _, outlook in objects),
        sum(outlook.could_still_spend for _, outlook in objects),
        max(ends, default=None if is_final else known.now),
        objects,
    )


def _outlooks(commitments: Commitments, known: Known) -> Iterator[tuple[Commitment, Outlook]]:
    for line in commitments.lines:
        if not line.is_duplicate:
            yield line, _own(line, known)
        elif line.reserves or line.spent or not _is_off(line, known):
            yield line, _of_duplicate(line, known, commitments.whole)


def _own(line: Commitment, known: Known) -> Outlook:
    figure = known.spent.get(line.arm, 0)
    spent = figure if line.spent is None else line.spent
    shown, on = known.shown.get(line.key), _is_shown_on(line, known.shown)
    could, until = _by_journal(line, spent, known, shown_on=on), line.ends
    if on and shown is not None and shown.budget is not None:
        until = max(until, shown.ends_at or until)
        could = max(could, _as_shown(line, shown.budget, spent, until, known))
    # People are told Meta's figure, without the unit that is counted beside it for its rounding.
    return Outlook(figure if spent == figure + 1 else spent, could, until)


def _by_journal(line: Commitment, spent: int, known: Known, *, shown_on: bool) -> int:
    """Return what Meta could still spend at worst; nothing where it was never on, is confirmed off, or is over."""
    if not (shown_on or line.on) or not line.happened or line.ends <= known.now:
        return 0
    # Known spend is rounded up to a whole minor unit, so up to one of them may not have been spent.
    left = line.most - line.before - max(0, spent - 1)
    if line.daily is None:
        return max(0, left)
    return max(0, min(left, _worst_day(line.daily, known.how) * _days_until(line.ends, known)))


def _as_shown(line: Commitment, budget: int, spent: int, until: datetime, known: Known) -> int:
    """Return what the budget and the end that Meta shows allow, whoever set them; nothing is set aside for more."""
    if until <= known.now:
        return 0
    if line.asked is None:
        return max(0, budget - line.before - max(0, spent - 1))
    # What is left of the reserve is a bound as long as the daily budget is the one we asked for.
    bound = max(0, line.reserves - max(0, spent - 1)) if budget <= line.asked else sys.maxsize
    return min(_worst_day(budget, known.how) * _days_until(until, known), bound)


def _of_duplicate(line: Commitment, known: Known, whole: int) -> Outlook:
    """Return what a duplicate can still spend: nothing once Meta has shown it off, else the worst that is known of it."""
    spent, shown = line.spent or 0, known.shown.get(line.key)
    if _is_off(line, known):
        return Outlook(spent, 0, known.now)
    until = max(line.ends, known.now if shown is None or shown.ends_at is None else shown.ends_at)
    worst = whole if shown is None else _worst_shown(line, shown, known, whole)
    return Outlook(spent, max(0, max(line.reserves, worst) - spent), until)


def _worst_shown(line: Commitment, shown: Shown, known: Known, whole: int) -> int:
    """Return the worst case of the budget that was last shown, a lifetime's, or a day's where we ask by the day."""
    budget = shown.budget or 0
    by_day = line.asked is not None
    state = ObjectState(
        MetaId(""),
        ObjectKind(line.kind),
        lifetime_budget=0 if by_day else budget,
        daily_budget=budget if by_day else 0,
        ends_at=shown.ends_at if by_day else None,
    )
    return worst_case(state, line.spent or 0, whole, known.now, known.how.stretch)


def _is_off(line: Commitment, known: Known) -> bool:
    shown = known.shown.get(line.key)
    return shown is not None and shown.status in OFF


def _is_shown_on(line: Commitment, shown: Mapping[str, Shown]) -> bool:
    own, above = shown.get(line.key), shown.get(line.above)
    return own is not None and above is not None and own.status == above.status == "ACTIVE"


def _worst_day(daily: int, how: Calendars) -> int:
    return -(-daily * how.stretch // 100)


def _days_until(ends: datetime, known: Known) -> int:
    """Return how many days there are from today to the last one, both included."""
    first, last = known.how.local(known.now).date(), last_day(known.how.local(ends))
    return (last - first).days + 1
