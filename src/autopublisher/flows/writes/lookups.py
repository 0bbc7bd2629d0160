"""Look-ups of unanswered creates: by naming token, in every place where Meta could list the object.

Meta's name filter works on an index that may lag, and a page may lack rows; so nothing is believed absent on the word of one
list. The client asks the account's edge filtered and whole; here the parent's own edge is asked besides.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from autopublisher.domain.errors import MetaAuthorisationError, MetaNotFoundError, MetaRefusedError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import EDGES, ObjectKind, OperationSpec, resolve
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS
from autopublisher.domain.money.duplicates import MONEY_KINDS
from autopublisher.ports.meta.reading import MetaReading

_PARENTS = {
    ObjectKind.AD_SET: (ObjectKind.CAMPAIGN, "campaign_id", "adsets"),
    ObjectKind.AD: (ObjectKind.AD_SET, "adset_id", "ads"),
}
"""The parent's kind, the parameter that names it, and its edge to children of this kind."""

_MOST_CHILDREN = 100
"""A parent of ours has far fewer."""

_UNDATED = datetime.min.replace(tzinfo=UTC)
"""What shows no moment of its making counts as made before all else."""

NO_RIGHT = (MetaAuthorisationError, MetaNotFoundError, MetaRefusedError)
"""How Meta answers somebody who may not look into a business."""


def look_for(meta: MetaReading, spec: OperationSpec, ids: Mapping[str, str]) -> Sequence[ObjectState]:
    """Return what bears the token of a create, the first made first; raises a MetaError where a list cannot be read."""
    token = spec.token or ""
    created = ["created_time"] if spec.kind is not ObjectKind.CREATIVE else []
    money = READ_FIELDS[spec.kind] if spec.kind in MONEY_KINDS else ()
    fields = list(dict.fromkeys(["id", "name", *created, *money]))
    found = _with_token(_listed(meta, spec.kind, token, fields), token)
    found = found or _with_token(_children(meta, spec, ids, fields), token)
    return sorted(found, key=lambda one: (one.created_at or _UNDATED, int(one.id)))


def _listed(meta: MetaReading, kind: ObjectKind, token: str, fields: Sequence[str]) -> Sequence[ObjectState]:
    """Return what the kind's own edge lists; a study is also listed by its ad sets, which takes no right in the business."""
    try:
        return meta.find(kind, token, fields)
    except NO_RIGHT:
        if kind is not ObjectKind.STUDY:
            raise
        return ()


def _with_token(listed: Sequence[ObjectState], token: str) -> list[ObjectState]:
    return [one for one in listed if token and token in one.name]


def _children(
    meta: MetaReading, spec: OperationSpec, ids: Mapping[str, str], fields: Sequence[str]
) -> Sequence[ObjectState]:
    """Return what the parent itself lists; a parent that is gone has no children."""
    found = _parent_of(spec, ids)
    if found is None:
        return ()
    kind, parent, edge = found
    try:
        shown = meta.read(kind, parent, [f"{edge}.limit({_MOST_CHILDREN}){{{','.join(fields)}}}"])
    except MetaNotFoundError:
        return ()
    return shown.children(spec.kind, edge)


def _parent_of(spec: OperationSpec, ids: Mapping[str, str]) -> tuple[ObjectKind, MetaId, str] | None:
    """Return the kind and id of the object under which ``spec``'s is listed, and its edge; of a study, its first ad set."""
    params = resolve(spec.params, ids)
    if spec.kind is ObjectKind.STUDY:
        return ObjectKind.AD_SET, MetaId(str(params["cells"][0]["adsets"][0])), EDGES[ObjectKind.STUDY]
    if spec.kind not in _PARENTS:
        return None
    kind, named_by, edge = _PARENTS[spec.kind]
    return kind, MetaId(str(params[named_by])), edge
