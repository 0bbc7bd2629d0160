"""Looking for what a create may have made: by its naming token, in every place where Meta could list it.

Meta's name filter works on an index that may lag, and a page may lack rows; so nothing is believed absent on the word of one
list. The client asks the account's edge filtered and whole; here the parent's own edge is asked besides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.operations import ObjectKind, OperationSpec, resolve
from autopublisher.ports.meta_ads import MetaAds

_PARENTS = {
    ObjectKind.AD_SET: (ObjectKind.CAMPAIGN, "campaign_id", "adsets"),
    ObjectKind.AD: (ObjectKind.AD_SET, "adset_id", "ads"),
}
"""The parent's kind, the parameter that names it, and its edge to children of this kind."""

_MOST_CHILDREN = 100
"""A parent of ours has far fewer."""


def look_for(
    meta: MetaAds, act_id: ActId, spec: OperationSpec, ids: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    """Return what bears the token of a create, the first made first; raises a MetaError where a list cannot be read."""
    token = spec.token or ""
    fields = ["id", "name", *(["created_time"] if spec.kind is not ObjectKind.CREATIVE else [])]
    rows = _with_token(meta.find(act_id, spec.kind, token, fields), token)
    rows = rows or _with_token(_children(meta, spec, ids, fields), token)
    return sorted(rows, key=lambda row: (str(row.get("created_time", "")), int(row["id"])))


def _with_token(rows: Sequence[Mapping[str, Any]], token: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if token and token in str(row.get("name", ""))]


def _children(
    meta: MetaAds, spec: OperationSpec, ids: Mapping[str, str], fields: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """Return what the parent itself lists; a parent that is gone has no children."""
    if spec.kind not in _PARENTS:
        return ()
    kind, named_by, edge = _PARENTS[spec.kind]
    parent = MetaId(str(resolve({named_by: spec.params[named_by]}, ids)[named_by]))
    try:
        read = meta.read(kind, parent, [f"{edge}.limit({_MOST_CHILDREN}){{{','.join(fields)}}}"])
    except MetaNotFoundError:
        return ()
    listed = read.get(edge)
    rows = listed.get("data") if isinstance(listed, Mapping) else None
    return rows if isinstance(rows, list) else ()
