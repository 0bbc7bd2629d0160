"""What the exposure adds up of an account's runs: commitments, objects as last read and last figures, in one statement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import TIMESTAMP, Text, and_, bindparam, cast, not_, or_, select

from autopublisher.adapters.db.embedded import Conditions, Found, WideQuery, among
from autopublisher.adapters.db.session import Session, Values
from autopublisher.adapters.db.snapshot_arms import latest
from autopublisher.adapters.db.tables import META_TABLES, commitments, insight_snapshots, runs
from autopublisher.adapters.json_text import to_json
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.money.duplicates import MONEY_KINDS
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.ports.reservations import OpenRun

_ACT: Final = bindparam("act_id", type_=Text)
_SINCE: Final = bindparam("since", type_=Text)
_WITHOUT: Final = bindparam("without", type_=Text)

_HOLDERS: Final = tuple(META_TABLES[kind] for kind in sorted(MONEY_KINDS))
_READ: Final = {
    runs: ("id", "status", "created_at"),
    commitments: ("run_id", "record"),
    insight_snapshots: ("run_id", "variant", "at", "spend"),
    **dict.fromkeys(_HOLDERS, ("run_id", "key", "status", "budget", "ends_at")),
}
"""What is read of each table, in this order."""


class _State(NamedTuple):
    """What Meta showed of an object."""

    status: str
    budget: int | None
    ends_at: datetime | None


def _of_account(postgres: bool) -> Conditions:  # noqa: FBT001 - as a wide query is built
    since = cast(_SINCE, TIMESTAMP(timezone=True)) if postgres else _SINCE
    is_alive = or_(runs.c.ended_at.is_(None), runs.c.ended_at >= since)
    theirs = and_(runs.c.act_id == _ACT, is_alive, not_(among(runs.c.id, _WITHOUT, postgres=postgres)))
    ids = select(runs.c.id).where(theirs)
    return {
        runs: theirs,
        commitments: commitments.c.run_id.in_(ids),
        insight_snapshots: latest(lambda run_id: run_id.in_(ids)),
        **{table: table.c.run_id.in_(ids) for table in _HOLDERS},
    }


_OPEN: Final = WideQuery(_of_account, only=_READ)


def open_runs(
    session: Session, act_id: ActId, alive_since: datetime, without: Sequence[RunId]
) -> Sequence[OpenRun]:
    """Return by id what was last counted of an account's runs, with what Meta showed of them."""
    since = alive_since.astimezone(UTC).isoformat(timespec="microseconds")
    found = _OPEN.ask(session, act_id=act_id, since=since, without=to_json(list(without)))
    counted = dict(found.all(commitments, _commitments))
    shown, spent, read_at = _shown(found), *_figures(found)
    return [
        OpenRun(
            run_id,
            status,
            created_at,
            counted[run_id],
            shown.get(run_id, {}),
            spent.get(run_id, {}),
            read_at.get(run_id),
        )
        for run_id, status, created_at in sorted(found.all(runs, tuple))
        if run_id in counted
    ]


def _commitments(values: Values) -> tuple[RunId, Commitments]:
    run_id, record = values
    return run_id, Commitments.from_record(record)


def _shown(found: Found) -> Mapping[RunId, Mapping[str, _State]]:
    shown: defaultdict[RunId, dict[str, _State]] = defaultdict(dict)
    for table in _HOLDERS:
        for run_id, key, *state in found.all(table, tuple):
            shown[run_id][key] = _State._make(state)
    return shown


def _figures(found: Found) -> tuple[Mapping[RunId, Mapping[str, int]], Mapping[RunId, Any]]:
    """Return by run what each variant has spent by its last figure, and when the last of these was read."""
    spent: defaultdict[RunId, dict[str, int]] = defaultdict(dict)
    read_at: dict[RunId, datetime] = {}
    for run_id, variant, at, spend in found.all(insight_snapshots, tuple):
        spent[run_id][variant] = spend
        read_at[run_id] = max(at, read_at.get(run_id, at))
    return spent, read_at
