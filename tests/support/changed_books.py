"""A client over the simulator to which Meta tells something else than before: of the account, or of what was spent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.domain.accounts.accounts import AdAccountFacts
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.meta.insights import InsightsRow

AMOUNTS = ("actions", "action_values")


class ChangedBooks(SdkMetaAds):
    """``reports`` replaces facts of the account; figures are multiplied by ``factor``."""

    reports: Mapping[str, Any] = {}
    factor: Decimal = Decimal(1)

    def account(self, act_id: ActId) -> AdAccountFacts:
        facts = replace(super().account(act_id), **self.reports)
        self._accounts[act_id] = facts
        return facts

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        return [self._distorted(row) for row in super().ad_sets(act_id, ad_set_ids, since, until)]

    def insights_of(
        self, act_id: ActId, meta_id: MetaId, since: datetime, until: datetime
    ) -> InsightsRow | None:
        row = super().insights_of(act_id, meta_id, since, until)
        return None if row is None else self._distorted(row)

    def _distorted(self, row: InsightsRow) -> InsightsRow:
        return replace(row, metrics={name: self._times(name, value) for name, value in row.metrics.items()})

    def _times(self, name: str, value: Any) -> Any:
        if name in AMOUNTS:
            return [{**one, "value": self._times("value", one["value"])} for one in value]
        if name.endswith("_id") or name.startswith("date_") or self.factor == 1:
            return value
        return str(Decimal(str(value)) * self.factor)
