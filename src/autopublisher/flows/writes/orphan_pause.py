"""Pause of orphaned objects: the only write but an emergency pause that is in no journal.

It is in the events before and after, and only ever pauses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import ObjectLine
from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.object_state import OFF, ObjectState
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.ports.meta.client import MetaAds
from autopublisher.ports.repositories import OpenUnitOfWork

_FIELDS = ("id", "name", "status")


@dataclass(frozen=True)
class OrphanedObject:
    """One object that is on, or found to be off."""

    kind: ObjectKind
    meta_id: MetaId
    name: str
    on: bool = True

    @classmethod
    def of(cls, shown: ObjectState) -> "OrphanedObject":
        """Return an object as its account shows it."""
        return cls(shown.kind, shown.id, shown.name, on=not shown.is_off)


class OrphanPause:
    """Pauses one object and reads it back."""

    def __init__(self, open_unit: OpenUnitOfWork, meta: MetaAds) -> None:
        self._open_unit = open_unit
        self._meta = meta

    def __call__(self, act_id: ActId, orphan: OrphanedObject, now: datetime) -> ObjectLine:
        """Switch off an object that no journal has; the events say so before and after."""
        self._write_down(act_id, orphan, now, "pausing", WatchMessage.ORPHAN_PAUSING)
        state = "unknown"
        why: Message | None = None
        try:
            self._meta.update(orphan.meta_id, {"status": "PAUSED"})
            state = str(self._meta.read(orphan.kind, orphan.meta_id, _FIELDS).status)
        except MetaError as error:
            why = said_of(error)
        if why is None and state not in OFF:
            why = WatchMessage.STILL_ON(state=state)
        if why is None:
            self._write_down(act_id, orphan, now, "paused", WatchMessage.ORPHAN_PAUSED)
        return ObjectLine(orphan.kind, orphan.meta_id, orphan.name, None, state, not why, why)

    def _write_down(
        self, act_id: ActId, orphan: OrphanedObject, now: datetime, action: str, code: WatchMessage
    ) -> None:
        facts: Mapping[str, Any] = {"act_id": act_id, "kind": orphan.kind.value, "meta_id": orphan.meta_id}
        message = code(kind=orphan.kind.value, id=orphan.meta_id, name=orphan.name)
        with self._open_unit() as unit:
            unit.observations.add_events([Event(now, f"watch:stray:{action}", SYSTEM, message, None, facts)])
            unit.commit()
