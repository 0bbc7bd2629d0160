"""Meta in memory that spends lifetime budgets evenly until their end, for tests in which budgets are moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from autopublisher.domain.errors import MetaRefusedError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.request.request import RunRequest
from support.crashing_machine import CrashingMachine, CrashingMeta
from support.simulated import CREATIVES, brief_request

BUDGET = 70_000
"""Minor units for each arm of ``adaptive_request``."""

_PRICE = 30
_LEAST_OVER_SPENT = 1.1


@dataclass(frozen=True)
class BudgetChange:
    """One change of an arm's budget as Meta saw it; amounts in minor units, ``total`` over all arms after it."""

    at: datetime
    letter: str
    before: int
    after: int
    spent: float
    total: int


@dataclass
class _Arm:
    spent: float = 0.0
    sales: int = 0
    seen: datetime | None = None


@dataclass
class _Ledger:
    arms: dict[MetaId, _Arm] = field(default_factory=dict)
    changes: list[BudgetChange] = field(default_factory=list)


class PacedMeta(CrashingMeta):
    """Spends what is left evenly over the time that is left, and refuses budgets below the spend and a tenth."""

    sales_per_euro: Mapping[str, float]

    def __init__(self, like: CrashingMeta, sales_per_euro: Mapping[str, float]) -> None:
        super().__init__(like._clock, like.facts, like.minimums)  # type: ignore[arg-type]  # a ManualClock
        self.sales_per_euro = sales_per_euro
        self.ledger = _Ledger()
        self.refused_budgets: list[MetaRefusedError] = []
        self._dice = Random(7)  # noqa: S311 (chance for a test, and the same every time)

    def update(self, meta_id: MetaId, params: Mapping[str, Any]) -> None:
        before = dict(self.objects[meta_id].fields)
        if "lifetime_budget" in params:
            if self.refused_budgets:
                raise self.refused_budgets.pop()
            self._deliver(meta_id)
            spent = self.ledger.arms[meta_id].spent
            if int(params["lifetime_budget"]) < spent * _LEAST_OVER_SPENT:
                raise MetaRefusedError("the budget is below what has been spent", code=100)
            self.ledger.changes.append(self._change(before, params, spent))
        super().update(meta_id, params)

    def _change(self, before: Mapping[str, Any], params: Mapping[str, Any], spent: float) -> BudgetChange:
        was, will = int(before["lifetime_budget"]), int(params["lifetime_budget"])
        total = sum(self.budgets().values()) - was + will
        letter = before["name"].split("Variant ")[1][0]
        return BudgetChange(self._clock.now(), letter, was, will, spent, total)

    def budgets(self) -> dict[str, int]:
        """Return the test arms' lifetime budgets by letter."""
        return {
            one.fields["name"].split("Variant ")[1][0]: int(one.fields["lifetime_budget"])
            for one in self.objects.values()
            if one.kind is ObjectKind.AD_SET and "Variant " in one.fields["name"]
        }

    def ad_sets(
        self, act_id: ActId, ad_set_ids: Sequence[MetaId] | None, since: datetime, until: datetime
    ) -> Sequence[InsightsRow]:
        self._begin("ad_sets", act_id, {"since": since, "until": until})
        tests = [one for one in ad_set_ids or () if "Variant " in self.objects[one].fields["name"]]
        for one in tests:
            self._deliver(one)
        return [self._figures(one) for one in tests]

    def _deliver(self, meta_id: MetaId) -> None:
        arm, fields = self.ledger.arms.setdefault(meta_id, _Arm()), self.objects[meta_id].fields
        now, ends = self._clock.now(), datetime.fromisoformat(fields["end_time"])
        since, arm.seen = max(arm.seen or now, datetime.fromisoformat(fields["start_time"])), now
        if fields["status"] != "ACTIVE" or since >= min(now, ends):
            return
        left = int(fields["lifetime_budget"]) - arm.spent
        spent = max(0.0, left * ((min(now, ends) - since) / (ends - since)))
        rate = self.sales_per_euro[fields["name"].split("Variant ")[1][0]]
        arm.spent += spent
        arm.sales += sum(self._dice.random() < rate * spent / 100 / 50 for _ in range(50))

    def _figures(self, meta_id: MetaId) -> InsightsRow:
        arm = self.ledger.arms[meta_id]
        metrics = {
            "spend": str(Decimal(int(arm.spent)) / 100),
            "impressions": str(int(arm.spent)),
            "inline_link_clicks": str(int(arm.spent / 20)),
            "actions": [{"action_type": "omni_purchase", "value": str(arm.sales)}],
            "action_values": [{"action_type": "omni_purchase", "value": str(arm.sales * _PRICE)}],
        }
        return InsightsRow(meta_id, metrics)


def adaptive_request(**test: Any) -> RunRequest:
    """Return a request for four arms, a week, 700 each of 5,000 in all, with money moved."""
    plain = brief_request()
    changes: dict[str, Any] = {
        "variants_count": 4,
        "test_budget_per_variant": Decimal(BUDGET) / 100,
        "test_duration_hours": 7 * 24,
        "adaptive_allocation": True,
    } | test
    return replace(
        plain,
        ab_test_config=replace(plain.ab_test_config, **changes),
        budget_config=replace(plain.budget_config, total_budget=Decimal(5000)),
        creative_ids=CREATIVES,
        headlines=("Headline",),
        primary_texts=("Text",),
    )


def paced(machine: CrashingMachine, sales_per_euro: Mapping[str, float]) -> PacedMeta:
    """Give a machine that has not begun a Meta that spends budgets."""
    meta = PacedMeta(machine.meta, sales_per_euro)
    machine.meta = meta
    machine.start()
    return meta
