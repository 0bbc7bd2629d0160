"""Client of one ad account over a client of all: as yet one credential serves them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.ports.meta.writing import LastCheck, Write


class _ClientOfAll(Protocol):
    """A client that is told with each call which account it is about, where an object's id does not say so."""

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState: ...

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]: ...

    def archived(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]: ...

    def tree(
        self, act_id: ActId, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]
    ) -> Sequence[ObjectState]: ...

    def account(self, act_id: ActId) -> AdAccountFacts: ...

    def minimum_budgets(self, act_id: ActId) -> MinimumBudgets: ...

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]: ...

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None: ...

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId: ...

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None: ...

    def room(self, act_id: ActId) -> int: ...

    def write_together(self, act_id: ActId, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]: ...

    def delete(self, meta_id: MetaId) -> None: ...

    def upload_image(self, act_id: ActId, name: str, content: bytes) -> MetaId: ...

    def checked(self, check: LastCheck) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class AccountClient:
    """Implements ``ports.meta.client.MetaAds`` for one account."""

    client: _ClientOfAll
    act_id: ActId

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        """Read fields of one object."""
        return self.client.read(kind, meta_id, fields)

    def find(self, kind: ObjectKind, name_contains: str, fields: Sequence[str]) -> Sequence[ObjectState]:
        """Return every object of the account's edge whose name contains the text."""
        return self.client.find(self.act_id, kind, name_contains, fields)

    def archived(self, kind: ObjectKind, name_contains: str, fields: Sequence[str]) -> Sequence[ObjectState]:
        """Return what ``find`` leaves out as archived."""
        return self.client.archived(self.act_id, kind, name_contains, fields)

    def tree(self, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]) -> Sequence[ObjectState]:
        """Return the account's ads whose name contains the text, and what belongs to them."""
        return self.client.tree(self.act_id, name_contains, fields)

    def account(self) -> AdAccountFacts:
        """Read the account."""
        return self.client.account(self.act_id)

    def minimum_budgets(self) -> MinimumBudgets:
        """Read the smallest daily budgets Meta accepts."""
        return self.client.minimum_budgets(self.act_id)

    def ad_sets(
        self, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        """Return one row per delivering ad set."""
        return self.client.ad_sets(self.act_id, ad_set_ids, since, until)

    def insights_of(self, meta_id: MetaId, since: datetime, until: datetime) -> InsightsRow | None:
        """Return the row of one object, None without delivery."""
        return self.client.insights_of(self.act_id, meta_id, since, until)

    def create(self, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object and return its id."""
        return self.client.create(self.act_id, kind, params)

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set absolute values on an object."""
        self.client.update(meta_id, params)

    def room(self) -> int:
        """Return how many writes may leave in one request now."""
        return self.client.room(self.act_id)

    def write_together(self, writes: Sequence[Write]) -> Sequence[MetaId | MetaError]:
        """Make writes in one request; return of each the id it made or changed, or how it failed."""
        return self.client.write_together(self.act_id, writes)

    def delete(self, meta_id: MetaId) -> None:
        """Delete an object."""
        self.client.delete(meta_id)

    def upload_image(self, name: str, content: bytes) -> MetaId:
        """Upload image bytes and return the image hash."""
        return self.client.upload_image(self.act_id, name, content)

    def checked(self, check: LastCheck) -> AbstractContextManager[None]:
        """Have this thread's writes within the block checked right before their request goes out."""
        return self.client.checked(check)
