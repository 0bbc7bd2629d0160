"""Meta's smallest access tier: ten variants are built within 60 points in five minutes without meeting a limit."""

from decimal import Decimal

import pytest

from autopublisher.domain.request import ABTestConfig, BudgetConfig, Strategy
from autopublisher.domain.run import RunStatus
from support.simulated import CREATIVES, Machine, brief_request

VARIANTS = 10


@pytest.fixture
def scenario() -> str:
    return "small"


@pytest.mark.slow
def test_ten_variants_are_built_on_the_limited_tier_without_a_single_throttle(machine: Machine) -> None:
    request = brief_request(
        ab_test_config=ABTestConfig(
            strategy=Strategy.COPY_SPLIT,
            variants_count=VARIANTS,
            test_budget_per_variant=Decimal(50),
            test_duration_hours=24,
        ),
        budget_config=BudgetConfig(total_budget=Decimal(1000)),
        creative_ids=CREATIVES[:1],
        headlines=tuple(f"Headline {number}" for number in range(VARIANTS)),
        primary_texts=tuple(f"Text {number}" for number in range(VARIANTS)),
    )
    run_id = machine.submit(request)
    built = machine.drive(run_id, RunStatus.AB_TESTING, ticks=100)
    assert built.status is RunStatus.AB_TESTING, built.attention
    assert len(machine.objects("ad")) == VARIANTS
    answers = machine.sim("GET", "requests")["data"]
    assert len([one for one in answers if one["method"] == "POST"]) > 7 * VARIANTS
    assert [one for one in answers if one["status"] != 200] == []

    rested = machine.drive(run_id, RunStatus.WAITING_APPROVAL, ticks=200)
    assert rested.status is RunStatus.WAITING_APPROVAL, rested.attention
    assert {one["status"] for one in machine.objects("campaign")} == {"PAUSED"}
