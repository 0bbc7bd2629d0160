"""Recovered rows: journal rows for what Meta holds of a run and an older database has no write for.

Theory of operation. A database that was put back to an earlier moment lacks writes that happened. What Meta shows of them is
journaled as CONFIRMED rows that were never sent: an object under the key its naming token names, an activation under a key
of its own. From then on the object counts, is switched off with the rest, and is never made again. As long as such rows
are unanswered the run is held. A person's word, or the proof that the plan would have sent the same, answers them: they
are given the moment at which they count as sent, and the run goes on as if it had sent them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.keys import Purpose, change_key, key_from
from autopublisher.domain.journal.naming import naming_token, run_mark, token_in
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
    changes_of,
    resolve,
)
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.money.duplicates import worst_of_days
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.reconciliation.edits import edits
from autopublisher.domain.runs.plan import ref
from autopublisher.domain.runs.settlement import spent_at_most

OLDER = "this database is older than what Meta shows"
"""What people read wherever a run is held for it."""

_PLACE = re.compile(
    r"(?:test\.[a-z]+|final(?:\.[a-z]+)?)\.(campaign|adset|ad)|rule\.(campaign)|study\.([0-9]+)"
)
_PARENTS = {"campaign_id": ObjectKind.CAMPAIGN, "adset_id": ObjectKind.AD_SET}
_NOT_ASKED = frozenset({"id", "effective_status", "cells", "created_time"})


def is_found(row: Operation) -> bool:
    """Tell whether a row stands for what was found at Meta and nobody has answered for yet: confirmed, but never sent."""
    return row.state is OperationState.CONFIRMED and row.sent_at is None


def found_in(rows: Sequence[Operation]) -> list[Operation]:
    """Return the rows for which a run is held."""
    return [row for row in rows if is_found(row)]


def found_names(rows: Sequence[Operation]) -> list[str]:
    """Return what was found as people read it: each object once, and of one that was known what it has become."""
    found = found_in(rows)
    made = {row.key for row in found if row.spec.action is Action.CREATE}
    on = {row.spec.target for row in found if row.spec.params.get("status") == "ACTIVE"}
    return [
        *(f"{row.key} ({row.meta_id}{', on' if row.key in on else ''})" for row in found if row.key in made),
        *(
            f"{row.spec.target} ({row.meta_id}) is on"
            for row in found
            if row.spec.target and row.spec.target not in made
        ),
    ]


def found_digest(rows: Sequence[Operation]) -> str:
    """Return what a person's word to adopt is bound to: everything that was found, as a short SHA-256."""
    marks = sorted(f"{row.key} {row.meta_id}" for row in found_in(rows))
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16] if marks else ""


def answered(row: Operation, at: datetime) -> Operation:
    """Return a found row as one that counts as sent."""
    return replace(row, sent_at=at)


def key_of(name: str, kind: ObjectKind, run_id: RunId) -> str | None:
    """Return the key under which a run's plan makes the object of this name; None where no plan has such a place."""
    token = token_in(name)
    mark = run_mark(run_id)
    if token is None or not token.startswith(mark):
        return None
    place = token.removeprefix(mark).removesuffix("]")
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    part, rule, _ = match.groups()
    meant = ObjectKind(part) if part else ObjectKind.RULE if rule else ObjectKind.STUDY
    return place.replace(".", "/") if meant is kind else None


def is_ahead(rows: Sequence[Operation], listing: Iterable[ObjectState], run_id: RunId) -> bool:
    """Tell whether a listing has an object in a place of the run's plan that the journal has never sent a create for."""
    known, sent = {row.meta_id for row in rows}, {row.key for row in rows if row.sent_at is not None}
    keys = (key_of(one.name, one.kind, run_id) for one in listing if one.id not in known)
    return any(key is not None and key not in sent for key in keys)


def found_spec(key: str, shown: ObjectState, rows: Sequence[Operation], reserves: int) -> OperationSpec:
    """Return the create of a found object, as far as what Meta shows of it tells; parents that are known go by their keys.

    It is written down as made PAUSED: that it is on is a row of its own. What cannot be read is left out, for the journal's
    amounts and moments are read again and again.
    """
    keys = {row.meta_id: row.key for row in rows if row.spec.action is Action.CREATE and row.meta_id}
    left_out = _NOT_ASKED | shown.unreadable
    params = {name: value for name, value in shown.raw.items() if name not in left_out and value is not None}
    for name in _PARENTS:
        if params.get(name) in keys:
            params[name] = ref(keys[params[name]])
    if shown.creative_id is not None and shown.creative_id in keys:
        params["creative"] = {"creative_id": ref(keys[shown.creative_id])}
    if shown.status is not None and not shown.is_off and shown.kind is not ObjectKind.RULE:
        params["status"] = "PAUSED"
    return OperationSpec(
        key,
        Action.CREATE,
        shown.kind,
        params,
        token=token_in(shown.name),
        variant=key_from(key).letter,
        reserves=reserves,
    )


def creative_spec(run_id: RunId, ad_key: str) -> OperationSpec:
    """Return the create of the creative of a found arm's ad: all that is known of it is its place and its id."""
    place = replace(key_from(ad_key), kind=ObjectKind.CREATIVE.value)
    key = place.text
    token = naming_token(run_id, key.replace("/", "."))
    return OperationSpec(key, Action.CREATE, ObjectKind.CREATIVE, {}, token=token, variant=place.letter)


def activation_spec(row: Operation, rows: Sequence[Operation]) -> OperationSpec:
    """Return the activation of an object that is on and that the journal has never switched on."""
    number = len(changes_of(rows, row.key, Purpose.ACTIVATE)) + 1
    return OperationSpec(
        change_key(Purpose.ACTIVATE, row.key, number),
        Action.UPDATE,
        row.spec.kind,
        {"status": "ACTIVE"},
        target=row.key,
        variant=row.spec.variant,
    )


def lacks_activation(row: Operation, rows: Sequence[Operation]) -> bool:
    """Tell whether the journal has never sought to switch an object of the plan on."""
    return not changes_of(rows, row.key, Purpose.ACTIVATE)


def is_same_plan(spec: OperationSpec, shown: ObjectState, rows: Sequence[Operation]) -> bool:
    """Tell whether an object is what the plan would have made: every parameter, whatever its status.

    One that hangs on something this journal has no id for cannot be proved the same.
    """
    ids = {row.key: row.meta_id for row in rows if row.meta_id is not None}
    try:
        wanted = resolve(spec.params, ids)
    except KeyError:
        return False
    return all(edit.field == "status" for edit in edits(wanted, shown))


def possible_spend(  # noqa: PLR0917 (a row, what is known of it, and when)
    row: Operation,
    rows: Sequence[Operation],
    model: MetaObject | None,
    figure: int | None,
    now: datetime,
    shows_after: timedelta,
    stretch: int,
) -> int:
    """Return the most a write can have cost in the end, in minor units: its figure once it is final, else what it reserves.

    ``figure`` is what Meta reports; it is final when the object is off and its schedule has been over for ``shows_after``.
    A daily budget that nothing caps may have been higher before: what was spent and what it still allows count together,
    with ``stretch`` per cent of it on each day.
    """
    committed = commitment_of(row, rows)
    if row.spent is not None or figure is None or model is None:
        return committed if figure is None else max(committed, figure)
    is_over = model.ends_at is not None and model.ends_at + shows_after <= now
    if is_over:
        return spent_at_most(figure, committed)
    left = _left_of_days(row, rows, model, now, stretch)
    return max(committed, figure + 1 + left if left else figure)


def with_possible(row: Operation, possible: int) -> Operation:
    """Return a found ad set's row with all that it can have cost set aside, in minor units; never less than before."""
    is_ad_set = row.spec.action is Action.CREATE and row.spec.kind is ObjectKind.AD_SET
    if not is_ad_set or not is_found(row) or row.spent is not None or possible <= row.spec.reserves:
        return row
    return replace(row, spec=replace(row.spec, reserves=possible))


def _left_of_days(
    row: Operation, rows: Sequence[Operation], model: MetaObject, now: datetime, stretch: int
) -> int:
    """Return what a daily budget without a cap still allows, in minor units; 0 for every other budget."""
    is_daily = bool(int(row.spec.params.get("daily_budget") or 0))
    if not is_daily or not is_found(row) or _is_capped(row, rows):
        return 0
    if model.ends_at is not None and model.ends_at <= now:
        return 0
    return worst_of_days(model.budget or 0, model.ends_at, now, stretch)


def _is_capped(row: Operation, rows: Sequence[Operation]) -> bool:
    """Tell whether the ad set's campaign has a spending limit, which counts what was spent before as well."""
    above = row.spec.params.get("campaign_id")
    key = above.get("$id") if isinstance(above, Mapping) else None
    return any(one.key == key and int(one.spec.params.get("spend_cap") or 0) for one in rows)
