"""Listings that show several objects of a run in one question to Meta."""

from collections.abc import Mapping, Sequence

from autopublisher.domain.errors import MetaReadError, MetaRefusedError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.naming import run_mark
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.ports.meta.reading import MetaReading

_NAMED = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD})
"""Kinds whose own edge can be asked for a run's; of creatives Meta lists all of the account, but for those of its ads."""

_OF_ADS = _NAMED | {ObjectKind.CREATIVE}

WORTH_LISTING = 2
"""From so many objects a listing costs Meta's limits less than reading them one by one."""


def shown_together(
    meta: MetaReading,
    run_id: RunId,
    wanted: Mapping[MetaId, ObjectKind],
    fields: Mapping[ObjectKind, Sequence[str]],
) -> dict[MetaId, ObjectState]:
    """Return what one listing shows of objects; nothing where Meta does not answer so large a question.

    Raises a MetaError where Meta answers nothing now.
    """
    kinds = set(wanted.values()) & _OF_ADS
    if len(wanted) < WORTH_LISTING or not kinds:
        return {}
    try:
        if len(kinds) == 1 and kinds <= _NAMED:
            (kind,) = kinds
            listed = meta.find(kind, run_mark(run_id), fields[kind])
        else:
            listed = meta.tree(run_mark(run_id), {kind: fields[kind] for kind in kinds})
    except (MetaReadError, MetaRefusedError):
        return {}
    return {one.id: one for one in listed if one.id in wanted}
