"""Reading half of Meta's Marketing API, of one ad account: its objects, itself and its insights."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState


class MetaObjects(Protocol):
    """Campaigns, ad sets, creatives and ads as Meta shows them."""

    def read(self, kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        """Read fields of one object; raises MetaNotFoundError where Meta does not know it."""
        ...

    def find(self, kind: ObjectKind, name_contains: str, fields: Sequence[str]) -> Sequence[ObjectState]:
        """Return every object of the account's edge whose name contains the text: all pages, or an error."""
        ...

    def archived(self, kind: ObjectKind, name_contains: str, fields: Sequence[str]) -> Sequence[ObjectState]:
        """Return the campaigns, ad sets or ads that ``find`` leaves out because they, or what holds them, are archived."""
        ...

    def tree(self, name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]) -> Sequence[ObjectState]:
        """Return the account's ads whose name contains the text and, each once, their ad sets, campaigns and creatives.

        One question for all of it: of each kind the fields named for it, and no kind that none are named for. Meta's index
        may lack an ad for a while, so what is left out may exist all the same. All pages, or an error.
        """
        ...


class MetaAccounts(Protocol):
    """What Meta says of the ad account."""

    def account(self) -> AdAccountFacts:
        """Read the account."""
        ...

    def minimum_budgets(self) -> MinimumBudgets:
        """Read the smallest daily budgets Meta accepts, in the account's currency."""
        ...


class MetaInsights(Protocol):
    """Performance figures, cumulative, as reported at the moment of asking."""

    def ad_sets(
        self, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        """Return one row per delivering ad set; without ids of all in the account, archived ones too, but for deleted ones.

        ``since`` and ``until`` are moments; the account's days that hold them are asked for. An ad set without delivery
        has no row. All pages or an error.
        """
        ...

    def insights_of(self, meta_id: MetaId, since: datetime, until: datetime) -> InsightsRow | None:
        """Return the row of one campaign, ad set or ad, None without delivery; the days are as in ``ad_sets``.

        It is asked for by its id, so that one that is deleted or archived has its figures too; by its own id the account has
        the sum of all, deleted ones included. Raises MetaNotFoundError where Meta does not know it.
        """
        ...


class MetaReading(MetaObjects, MetaAccounts, MetaInsights, Protocol):
    """The half that reads."""


class ReadingClients(Protocol):
    """What reads, account by account: each may have a credential of its own."""

    def for_account(self, act_id: ActId) -> MetaReading:
        """Return what reads one ad account."""
        ...
