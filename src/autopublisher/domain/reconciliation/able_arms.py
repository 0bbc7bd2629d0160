"""Arms of a test that can go on where they are once it is over."""

from collections.abc import Sequence

from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.object_state import GONE
from autopublisher.domain.meta.review import BLOCKED
from autopublisher.domain.reconciliation.findings import was_recalled
from autopublisher.domain.runs.arm_reserves import arms_of
from autopublisher.domain.runs.plan import test_key
from autopublisher.domain.runs.run import Run

_TREE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)


def was_freed(rows: Sequence[Operation], letter: str) -> bool:
    """Tell whether an arm was switched off because somebody had it spend more than was set aside: it stays off."""
    return any(was_recalled(rows, test_key(letter, kind)) for kind in _TREE)


def able_arms(run: Run, rows: Sequence[Operation], models: Sequence[MetaObject]) -> list[str]:
    """Return the letters of arms that can go on: not proven worse, not freed, all there and not refused by Meta."""
    unable = {one.key for one in models if one.status in GONE or one.effective_status in GONE | BLOCKED}
    return [
        letter
        for letter in sorted(arms_of(rows))
        if letter not in run.trial.eliminated
        and not was_freed(rows, letter)
        and unable.isdisjoint(test_key(letter, kind) for kind in _TREE)
    ]
