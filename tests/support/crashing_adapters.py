"""The real client and the real database with a crash point before and after every call to Meta and every commit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Engine

from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.writing import Write
from support.crashing_machine import CrashPlan

_T = TypeVar("_T")


class CrashingClient(SdkMetaAds):
    """The client, with a crash point before and after every call."""

    def __init__(self, base: str, clock: Clock, crash_plan: Callable[[], CrashPlan]) -> None:
        super().__init__(Credentials("stub-token"), clock, base)
        self._reaper = crash_plan

    def _deadly(self, act: Callable[[], _T]) -> _T:
        self._reaper().strike()
        done = act()
        self._reaper().strike()
        return done

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        return self._deadly(lambda: super(CrashingClient, self).create(act_id, kind, params))

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        self._deadly(lambda: super(CrashingClient, self).update(meta_id, params))

    def write_together(self, act_id: ActId, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]:
        return self._deadly(lambda: super(CrashingClient, self).write_together(act_id, writes))

    def tree(
        self, act_id: ActId, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]
    ) -> Sequence[ObjectState]:
        return self._deadly(lambda: super(CrashingClient, self).tree(act_id, name_contains, fields))

    def delete(self, meta_id: MetaId) -> None:
        self._deadly(lambda: super(CrashingClient, self).delete(meta_id))

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        return self._deadly(lambda: super(CrashingClient, self).read(kind, meta_id, fields))

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        return self._deadly(lambda: super(CrashingClient, self).find(act_id, kind, name_contains, fields))

    def upload_image(self, act_id: ActId, name: str, content: bytes) -> MetaId:
        return self._deadly(lambda: super(CrashingClient, self).upload_image(act_id, name, content))

    def account(self, act_id: ActId) -> AdAccountFacts:
        return self._deadly(lambda: super(CrashingClient, self).account(act_id))

    def minimum_budgets(self, act_id: ActId) -> MinimumBudgets:
        return self._deadly(lambda: super(CrashingClient, self).minimum_budgets(act_id))

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        return self._deadly(lambda: super(CrashingClient, self).ad_sets(act_id, ad_set_ids, since, until))

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        return self._deadly(lambda: super(CrashingClient, self).insights_of(act_id, meta_id, since, until))


class CrashingSqlUnit(SqlUnitOfWork):
    """A unit of work on the real database, with a crash point before and after its commit."""

    def __init__(self, engine: Engine, crash_plan: CrashPlan) -> None:
        super().__init__(engine)
        self._reaper = crash_plan

    def commit(self) -> None:
        self._reaper.strike()
        super().commit()
        self._reaper.strike()
