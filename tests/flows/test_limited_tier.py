"""Meta's smallest access tier: ten variants are built within 60 points in five minutes without meeting a limit."""

from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.request import ABTestConfig, BudgetConfig, RunRequest, Strategy
from autopublisher.domain.run import RunStatus
from support.simulated import CREATIVES, Machine, brief_request

VARIANTS = 10


@pytest.fixture
def scenario() -> str:
    return "small"


def ten_variants() -> RunRequest:
    return brief_request(
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


@pytest.mark.slow
def test_ten_variants_are_built_on_the_limited_tier_without_a_single_throttle(machine: Machine) -> None:
    run_id = machine.submit(ten_variants())
    built = machine.drive(run_id, RunStatus.AB_TESTING, ticks=100)
    assert built.status is RunStatus.AB_TESTING, built.attention
    assert len(machine.objects("ad")) == VARIANTS
    answers = machine.sim("GET", "requests")["data"]
    assert len([one for one in answers if one["method"] == "POST"]) > 7 * VARIANTS
    assert [one for one in answers if one["status"] != 200] == []

    rested = machine.drive(run_id, RunStatus.WAITING_APPROVAL, ticks=200)
    assert rested.status is RunStatus.WAITING_APPROVAL, rested.attention
    assert {one["status"] for one in machine.objects("campaign")} == {"PAUSED"}


@pytest.mark.slow
def test_a_cancelled_run_of_ten_variants_is_wound_down_on_the_limited_tier(machine: Machine) -> None:
    run_id = machine.submit(ten_variants())
    machine.drive(run_id, RunStatus.AB_TESTING, ticks=100)
    machine.tick(run_id)
    machine.approvals.cancel(run_id, "manager")
    began = machine.clock.now()
    ended = machine.drive(run_id, ticks=60)
    assert ended.status is RunStatus.CANCELLED, ended.attention
    assert {one["status"] for kind in ("campaign", "adset", "ad") for one in machine.objects(kind)} == {
        "PAUSED"
    }
    assert machine.clock.now() - began < timedelta(hours=2)


@pytest.mark.slow
def test_a_run_cancelled_while_it_is_built_is_deleted_on_the_limited_tier(machine: Machine) -> None:
    run_id = machine.submit(ten_variants())
    while len(machine.objects("ad")) < VARIANTS // 2:
        machine.tick(run_id)
    machine.approvals.cancel(run_id, "manager")
    ended = machine.drive(run_id, ticks=120)
    assert ended.status is RunStatus.CANCELLED, ended.attention
    assert {one["status"] for kind in ("campaign", "adset", "ad") for one in machine.objects(kind)} == {
        "DELETED"
    }
