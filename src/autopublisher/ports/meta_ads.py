"""Meta's Marketing API as the flows need it; every failure is one of the Meta errors of ``domain.errors``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from autopublisher.domain.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.operations import ObjectKind
from autopublisher.domain.pacing import Pacing

LastCheck = Callable[[], None]
"""Called when a write is about to leave; what it raises keeps the write from leaving."""


class MetaObjects(Protocol):
    """Campaigns, ad sets, creatives and ads. A call is made once: no method here repeats a write."""

    def create(self, act_id: ActId, kind: ObjectKind, params: Mapping[str, Any]) -> MetaId:
        """Create an object and return its id; raises MetaOutcomeUnknownError where nobody can tell."""
        ...

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        """Set absolute values on an object."""
        ...

    def delete(self, meta_id: MetaId) -> None:
        """Delete an object."""
        ...

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> Mapping[str, Any]:
        """Read fields of one object; raises MetaNotFoundError where Meta does not know it."""
        ...

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[Mapping[str, Any]]:
        """Return every object of the account's edge whose name contains the text: all pages, or an error."""
        ...

    def upload_image(self, act_id: ActId, name: str, content: bytes) -> MetaId:
        """Upload image bytes and return the image hash; repeating it is harmless (the hash is the content's)."""
        ...


class MetaWriting(Protocol):
    """How a write is kept from leaving at the last moment."""

    def checked(self, check: LastCheck) -> AbstractContextManager[None]:
        """Have this thread's writes within the block checked right before their request goes out; reads are not."""
        ...


class MetaAccounts(Protocol):
    """What Meta says of an ad account and of our right to it."""

    def account(self, act_id: ActId) -> AdAccountFacts:
        """Read the account."""
        ...

    def minimum_budgets(self, act_id: ActId) -> MinimumBudgets:
        """Read the smallest daily budgets Meta accepts, in the account's currency."""
        ...

    def permissions(self) -> frozenset[str]:
        """Return the permissions the token was granted."""
        ...

    def visible_accounts(self) -> Sequence[ActId]:
        """Return every ad account that Meta lists for the token: all pages, or an error."""
        ...


class MetaInsights(Protocol):
    """Performance figures, cumulative, as reported at the moment of asking."""

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId], since: datetime, until: datetime
    ) -> Sequence[Mapping[str, Any]]:
        """Return one raw insights row per delivering ad set (``adset_id`` and metrics as Meta's strings).

        ``since`` and ``until`` are moments; the account's days that hold them are asked for. An ad set without delivery
        has no row. All pages or an error.
        """
        ...

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> Mapping[str, Any]:
        """Return the raw insights row of one campaign, ad set or ad, empty without delivery; the days are as in ``ad_sets``.

        It is asked for by its id, so that one that is deleted or archived has its figures too. Raises MetaNotFoundError
        where Meta does not know it.
        """
        ...


class MetaAds(MetaObjects, MetaWriting, MetaAccounts, MetaInsights, Protocol):
    """The whole client, as one adapter provides it."""


class MetaPacing(Protocol):
    """How fast the client lets calls go, so that one process can go on where another stood."""

    def working_for(self, act_id: ActId) -> AbstractContextManager[None]:
        """Have this thread's calls on objects of unknown owner count as the account's while the context lasts."""
        ...

    def pacing(self, act_id: ActId) -> Pacing:
        """Return how fast the account's calls may go, as far as this client knows."""
        ...

    def recall(self, act_id: ActId, pacing: Pacing) -> None:
        """Go on from what another process has learnt of the account, forgetting what this client knew."""
        ...
