"""Wanted state of an object: what it should show by all that was asked of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.journal.operations import Action, ObjectKind, Operation, OperationState, resolve

_SHOWN_ONCE_MADE: Mapping[ObjectKind, Mapping[str, Any]] = {ObjectKind.STUDY: {"status": "ACTIVE"}}
"""What an object of a kind shows without having been asked for it, until somebody changes that."""


def wanted_of(row: Operation, journal: Sequence[Operation]) -> Mapping[str, Any]:
    """Return what an object should show by its create and the updates since; what is on its way is left out."""
    ids = {each.key: each.meta_id for each in journal if each.meta_id is not None}
    made = _SHOWN_ONCE_MADE.get(row.spec.kind, {})
    wanted: dict[str, Any] = {**made, **resolve(row.spec.params, ids)}
    for update in journal:
        if update.spec.target != row.key or update.spec.action is not Action.UPDATE:
            continue
        for name, value in update.spec.params.items():
            if update.state is OperationState.CONFIRMED:
                wanted[name] = value
            elif not update.is_settled:
                wanted.pop(name, None)  # on its way: either value is right
    return wanted
