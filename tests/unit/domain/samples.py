"""Requests, accounts and runs for the unit tests of the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from autopublisher.domain.accounts.accounts import Account, AdAccountFacts, AdDefaults, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import AccountId, ActId, CreativeId, MetaId, RunId
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Run, RunStatus, Trial

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RUN_ID = RunId("0123abcd-4567-4890-abcd-ef0123456789")
ACT = ActId("act_123456789")
ACCOUNT_ID = AccountId("00000000-0000-4000-8000-000000000001")

DEFAULTS = AdDefaults(
    page_id="1001",
    instagram_user_id="17841400000000001",
    pixel_id="2001",
    conversion_event="PURCHASE",
    link_url="https://shop.example.com/offer",
    call_to_action="SHOP_NOW",
    dsa_beneficiary="Shop",
    dsa_payor="Shop",
)
ACCOUNT = Account(ACCOUNT_ID, ACT, "Shop", "EUR", "Europe/Madrid", DEFAULTS, NOW)
FACTS = AdAccountFacts(ACT, "Shop", 1, "EUR", "Europe/Madrid", Money(10_000, "EUR"))
MINIMUMS = MinimumBudgets(Money(50, "EUR"), Money(250, "EUR"), Money(4000, "EUR"), Money(250, "EUR"))


def creative_ids(count: int) -> tuple[CreativeId, ...]:
    return tuple(CreativeId(f"creative-{number}") for number in range(count))


def asked(
    *,
    test: Mapping[str, Any] | None = None,
    targeting: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RunRequest:
    """Return the brief's request with changes to its test, targeting, budget and itself."""
    request = RunRequest(
        meta_account_id=ACCOUNT_ID,
        campaign_name="Test Campaign",
        objective="CONVERSIONS",
        ab_test_config=ABTestConfig(Strategy.CREATIVE_SPLIT, 2, Decimal("50.0"), 24),
        targeting_config=TargetingConfig(countries=("ES", "PE"), placements=("instagram_feed",)),
        budget_config=BudgetConfig(total_budget=Decimal("500.0")),
        creative_ids=creative_ids(2),
        headlines=("Headline A", "Headline B"),
        primary_texts=("Text A", "Text B"),
    )
    return replace(
        request,
        ab_test_config=replace(request.ab_test_config, **(test or {})),
        targeting_config=replace(request.targeting_config, **(targeting or {})),
        budget_config=replace(request.budget_config, **(budget or {})),
        **changes,
    )


def run_of(request: RunRequest | None = None, **changes: Any) -> Run:
    """Return an admitted run: its request carries the account's ad defaults."""
    run = Run(
        id=RUN_ID,
        account_id=ACCOUNT_ID,
        act_id=ACT,
        currency="EUR",
        request=request or asked(ad=DEFAULTS),
        status=RunStatus.CREATING_CAMPAIGNS,
        version=2,
        created_at=NOW,
        created_by="tester",
        updated_at=NOW,
        next_tick_at=NOW,
        trial=Trial(arms_start_at=NOW, arms_end_at=NOW + timedelta(hours=24)),
    )
    return replace(run, **changes)


def spec(key: str = "test/a/adset", reserves: int = 0) -> OperationSpec:
    return OperationSpec(key, Action.CREATE, ObjectKind.AD_SET, reserves=reserves)


def by_key(specs: Sequence[OperationSpec]) -> dict[str, OperationSpec]:
    return {one.key: one for one in specs}


def state(kind: ObjectKind, row: Mapping[str, Any]) -> ObjectState:
    """Return an object as Meta shows it in a row."""
    return ObjectState.of(kind, MetaId(str(row.get("id", "1"))), row)
