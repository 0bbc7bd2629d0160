"""Plausibility of settled figures: those that cannot be right are read again before anything final.

Meta's figures are sometimes wrong for hours and corrected later. Nothing is lost by waiting, for everything is off; after a
day Meta's word stands. Of money, the most that Meta has shown counts all the same: what was spent cannot get less.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from autopublisher.domain.amounts import Money
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Snapshot
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.money.ledger import budget_of
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.settlement import is_impossible, settled_spend

DOUBT_LASTS = timedelta(days=1)
"""For so long after the figures should have settled they are read again; then they count as they are."""


class SpendMessage(Code):
    """What is said of a spend that cannot be right."""

    DOUBTED = "spend.doubted"
    TOO_MUCH = "spend.too_much"
    TOO_LITTLE = "spend.too_little"


def doubted_until(run: Run) -> datetime | None:
    """Return until when an impossible figure of the run is rather read again than believed; None before it settles."""
    if run.trial.settles_at is None:
        return None
    approval = run.release.approval
    last = run.trial.settles_at if approval is None else max(run.trial.settles_at, approval.at)
    return last + DOUBT_LASTS


def doubts(
    run: Run, spends: Mapping[str, int], caps: Mapping[str, int], floors: Mapping[str, int]
) -> Message | None:
    """Say which spends cannot be right, all by variant in minor units: above the cap, or well below what was seen before."""
    found = []
    for letter, spent in sorted(spends.items()):
        cap, floor = caps[letter], floors.get(letter, 0)
        amount = Money(spent, run.currency)
        if is_impossible(spent, cap):
            found.append(SpendMessage.TOO_MUCH(letter=letter, spent=amount, cap=Money(cap, run.currency)))
        elif is_impossible(floor, spent):
            before = Money(floor, run.currency)
            found.append(SpendMessage.TOO_LITTLE(letter=letter, spent=amount, before=before))
    return SpendMessage.DOUBTED(what=tuple(found)) if found else None


def caps_of(arms: Sequence[Operation], rows: Sequence[Operation]) -> dict[str, int]:
    """Return what each variant can spend at most by its lifetime budget, in minor units."""
    return {row.spec.variant: budget_of(row, rows) for row in arms if row.spec.variant and row.spec.reserves}


def settled_by_variant(run: Run, snapshots: Sequence[Snapshot], caps: Mapping[str, int]) -> dict[str, int]:
    """Return what each variant has spent by the figures read since they have settled, in minor units."""
    final: dict[str, list[int]] = {}
    for snapshot in snapshots:
        if snapshot.variant in caps and (run.trial.settles_at is None or snapshot.at >= run.trial.settles_at):
            final.setdefault(snapshot.variant, []).append(snapshot.figures.spend)
    return {letter: settled_spend(spends, caps[letter]) for letter, spends in final.items()}


def spent_by_variant(run: Run, snapshots: Sequence[Snapshot], caps: Mapping[str, int]) -> dict[str, int]:
    """Return what each variant counts as having spent: its settled figures, or what was seen before where that is more.

    One whose settled figures show no spend is left out: no figure is no proof that nothing was spent.
    """
    final, floors = settled_by_variant(run, snapshots, caps), seen_before(snapshots, caps)
    return {letter: max(spent, floors.get(letter, 0)) for letter, spent in final.items() if spent}


def seen_before(snapshots: Sequence[Snapshot], caps: Mapping[str, int]) -> dict[str, int]:
    """Return the most that each variant was ever reported to have spent, as far as that was possible."""
    floors: dict[str, int] = {}
    for snapshot in snapshots:
        if snapshot.variant in caps and not is_impossible(snapshot.figures.spend, caps[snapshot.variant]):
            floors[snapshot.variant] = max(floors.get(snapshot.variant, 0), snapshot.figures.spend)
    return floors
