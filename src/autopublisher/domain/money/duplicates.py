"""Duplicates: objects at Meta that bear a token of a run's without being the one its plan made, and what they can cost.

Nobody set money aside for a duplicate. As long as it is off it costs nothing; once it has been on it counts like an arm: at
its worst until Meta has reported what it spent. What Meta does not show of its budget counts as the run's whole total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autopublisher.domain.journal.keys import OperationKey, Purpose, key_from
from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.exposure import last_day

"""How the journal keys of duplicates begin; the key of the create they double follows."""

MONEY_KINDS = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET})
"""Kinds that can hold a budget."""

_FOREVER_DAYS = 366
"""The days counted for a daily budget without an end."""


def is_duplicate(row: Operation) -> bool:
    """Tell whether a row of the journal is a duplicate's."""
    return row.purpose is Purpose.DUPLICATE


def holds_money(row: Operation) -> bool:
    """Tell whether a row is that of a duplicate which can have a budget of its own."""
    return is_duplicate(row) and row.spec.kind in MONEY_KINDS and row.state is OperationState.CONFIRMED


def family_of(key: str) -> str:
    """Return what an object is deleted or kept with, by its key: ``test/a``, ``final``, or all duplicates of one."""
    known = key_from(key)
    arm = _arm_of(known)
    return f"{Purpose.DUPLICATE}/{arm}" if known.purpose is Purpose.DUPLICATE else arm


def kept_with(key: str) -> frozenset[str]:
    """Return the families that are kept because of an object: of a duplicate also its original's, its parents perhaps."""
    return frozenset({family_of(key), _arm_of(key_from(key))})


def _arm_of(key: OperationKey) -> str:
    root = key.root
    return f"{root.purpose}/{root.place}" if root.purpose is Purpose.TEST else root.purpose.value


def had_its_status_changed(rows: Sequence[Operation], key: str) -> bool:
    """Tell whether the journal has ever sought to set the object's status: it was on, or not known to be off."""
    return any(
        row.spec.target == key and row.spec.action is Action.UPDATE and "status" in row.spec.params
        for row in rows
    )


def worst_case(shown: ObjectState, spent: int, whole: int, now: datetime, stretch: int) -> int:
    """Return the most an object can have cost in the end, in minor units, by the budget and end that Meta shows.

    ``spent`` is what it is known to have spent, which a daily budget does not count. A campaign without a budget leaves it
    to its ad sets; of an ad set without one the budget is its campaign's, which nobody here knows: ``whole`` counts.
    ``stretch`` is how much of a daily budget may be spent on one day, in per cent.
    """
    if shown.lifetime_budget is None or shown.daily_budget is None:
        return whole
    if shown.lifetime_budget:
        return max(shown.lifetime_budget, spent)
    if shown.daily_budget:
        return spent + worst_of_days(shown.daily_budget, shown.ends_at, now, stretch)
    return 0 if shown.kind is ObjectKind.CAMPAIGN else max(whole, spent)


def worst_of_days(daily: int, ends: datetime | None, now: datetime, stretch: int) -> int:
    """Return the most that a daily budget can cost from now on until its end, in minor units; ``stretch`` as above."""
    return -(-daily * stretch // 100) * _days_left(ends, now)


def _days_left(ends: datetime | None, now: datetime) -> int:
    """Return the days that are touched until an end, one more for days of another time zone."""
    if ends is None:
        return _FOREVER_DAYS
    return max(1, (last_day(ends.astimezone(now.tzinfo)) - now.date()).days + 2)


def weighed(  # noqa: PLR0917 (a row, what is shown and known of it, and how to count)
    row: Operation,
    rows: Sequence[Operation],
    shown: ObjectState,
    whole: int,
    now: datetime,
    stretch: int,
) -> Operation:
    """Return a duplicate's row with what has to be set aside for it, given what Meta shows of the object now.

    One that is off and that nobody has had to switch off costs nothing. What is set aside never shrinks, until
    ``settled`` replaces it; whatever is switched on again after that counts at its worst again.
    """
    if shown.is_off and (row.spec.reserves or not had_its_status_changed(rows, row.key)):
        return row
    spent = row.spent or 0
    most = max(row.spec.reserves, spent, worst_case(shown, spent, whole, now, stretch))
    return replace(row, spent=None, spec=replace(row.spec, reserves=most))


def dated(row: Operation, shows_at: datetime, *, gone: bool) -> Operation:
    """Return a duplicate's row with when all it has spent shows in Meta's figures, if it is shown deleted or archived now.

    ``look_again_at`` keeps that moment, ``shows_at`` as of the first such look; nothing is kept of one that is still there.
    """
    at = (row.look_again_at or shows_at) if gone else None
    return row if at == row.look_again_at else replace(row, look_again_at=at)


@dataclass(frozen=True)
class Figure:
    """What Meta reports a duplicate to have spent, in minor units.

    ``elsewhere`` is the part of a campaign's that is counted with rows of its ad sets.
    """

    spent: int
    elsewhere: int = 0

    @property
    def own(self) -> int:
        """What is counted with no other row; never negative, though the figures are rounded apart."""
        return max(0, self.spent - self.elsewhere)


def settled(row: Operation, figure: Figure) -> Operation:
    """Return a duplicate's row with what Meta reports it has spent, in minor units; no figure is no proof of nothing.

    Meta rounds to the nearest minor unit, so part of one more may have been spent, though no more than was set aside.
    """
    if not figure.spent or not (figure.own or row.spec.reserves):
        return row
    rounded = figure.own + 1
    most = max(figure.own, min(rounded, row.spec.reserves)) if row.spec.reserves else rounded
    return row if row.spent is not None and row.spent >= most else replace(row, spent=most)


def paused_at(rows: Sequence[Operation], key: str) -> datetime | None:
    """Return when the object was last switched off for sure by a pause of ours; None without one."""
    return max(
        (
            row.settled_at
            for row in rows
            if row.spec.target == key
            and row.spec.params.get("status") == "PAUSED"
            and row.state is OperationState.CONFIRMED
            and row.settled_at is not None
        ),
        default=None,
    )
