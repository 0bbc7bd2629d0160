"""The request as a record: what was written is read back, to the last decimal place."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.ids import AccountId, CreativeId
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    DecisionMode,
    NoWinner,
    RunRequest,
    Strategy,
    TargetingConfig,
    WinnerCriteria,
    request_digest,
    request_from_record,
    request_to_record,
)
from unit.domain.samples import asked

AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2)
HOURS = st.integers(0, 2000)
TEXTS = st.lists(st.text(max_size=20), max_size=3).map(tuple)
MAYBE_TEXT = st.none() | st.text(max_size=20)

TESTS = st.builds(
    ABTestConfig,
    strategy=st.sampled_from(Strategy),
    variants_count=st.integers(2, 10),
    test_budget_per_variant=AMOUNTS,
    test_duration_hours=HOURS,
    winner_criteria=st.sampled_from(WinnerCriteria),
    embargo_hours=HOURS,
    settle_hours=HOURS,
    statistical_significance_level=st.decimals(min_value=0, max_value=1, places=4),
    min_spend_threshold=st.none() | AMOUNTS,
    decision_mode=st.sampled_from(DecisionMode),
    same_offer=st.booleans(),
    on_no_winner=st.sampled_from(NoWinner),
    adaptive_allocation=st.booleans(),
    max_test_share=st.decimals(min_value=0, max_value=1, places=3),
)
TARGETINGS = st.builds(
    TargetingConfig,
    countries=TEXTS,
    age_min=st.integers(13, 65),
    age_max=st.integers(13, 65),
    genders=TEXTS,
    placements=TEXTS,
)
BUDGETS = st.builds(
    BudgetConfig,
    total_budget=AMOUNTS,
    scaling_factor=st.decimals(min_value=1, max_value=10, places=3),
    daily_budget=st.none() | AMOUNTS,
    max_daily_budget=st.none() | AMOUNTS,
    currency=st.none() | st.sampled_from(["EUR", "JPY"]),
)
REQUESTS = st.builds(
    RunRequest,
    meta_account_id=st.uuids().map(lambda one: AccountId(str(one))),
    campaign_name=st.text(max_size=30),
    objective=st.text(max_size=20),
    ab_test_config=TESTS,
    targeting_config=TARGETINGS,
    budget_config=BUDGETS,
    creative_ids=st.lists(st.uuids().map(lambda one: CreativeId(str(one))), max_size=3).map(tuple),
    headlines=TEXTS,
    primary_texts=TEXTS,
    require_human_approval=st.booleans(),
    call_to_actions=TEXTS,
    ad=st.builds(AdDefaults, **dict.fromkeys(AdDefaults.__dataclass_fields__, MAYBE_TEXT)),
    scheduled_for=st.none() | st.datetimes(timezones=st.just(UTC)),
    tags=TEXTS,
    notes=st.text(max_size=30),
    special_ad_categories=TEXTS,
)


@given(REQUESTS)
def test_a_request_survives_being_written_as_json(request: RunRequest) -> None:
    assert request_from_record(json.loads(json.dumps(request_to_record(request)))) == request


@given(REQUESTS)
def test_a_request_read_back_has_the_same_digest(request: RunRequest) -> None:
    assert request_digest(request_from_record(request_to_record(request))) == request_digest(request)


@given(REQUESTS, REQUESTS)
def test_different_requests_have_different_digests(one: RunRequest, other: RunRequest) -> None:
    assert (request_digest(one) == request_digest(other)) is (
        request_to_record(one) == request_to_record(other)
    )


@given(REQUESTS)
def test_a_request_kept_before_money_could_be_moved_is_still_read(request: RunRequest) -> None:
    fixed = replace(request, ab_test_config=replace(request.ab_test_config, adaptive_allocation=False))
    record = request_to_record(fixed)
    del record["ab_test_config"]["adaptive_allocation"]
    assert request_from_record(record) == fixed


@given(REQUESTS)
def test_a_request_without_later_fields_has_the_digest_it_had_before_they_existed(
    request: RunRequest,
) -> None:
    ab, budget = ABTestConfig, BudgetConfig
    fixed = replace(
        request,
        ab_test_config=replace(
            request.ab_test_config, adaptive_allocation=False, max_test_share=ab.max_test_share
        ),
        budget_config=replace(
            request.budget_config,
            elasticity=budget.elasticity,
            learning_days=budget.learning_days,
            learning_efficiency=budget.learning_efficiency,
            margin=None,
            value_per_conversion=None,
        ),
        ad=replace(request.ad, regional_identities=None),
    )
    record = request_to_record(fixed)
    for name in ("adaptive_allocation", "max_test_share"):
        del record["ab_test_config"][name]
    for name in ("elasticity", "learning_days", "learning_efficiency", "margin", "value_per_conversion"):
        del record["budget_config"][name]
    del record["ad"]["regional_identities"]
    assert request_from_record(record | {"ad": {**record["ad"], "regional_identities": None}}) == fixed
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    assert request_digest(fixed) == hashlib.sha256(text.encode()).hexdigest()


def test_amounts_are_written_as_text_and_never_as_floats() -> None:
    record = request_to_record(asked(budget={"total_budget": Decimal("0.10")}))
    assert record["budget_config"]["total_budget"] == "0.10"


def test_a_moment_keeps_its_zone() -> None:
    moment = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
    request = replace(asked(), scheduled_for=moment)
    assert request_from_record(request_to_record(request)).scheduled_for == moment


def test_the_briefs_defaults_are_the_defaults() -> None:
    request = asked()
    assert request.require_human_approval
    assert request.budget_config.scaling_factor == Decimal("2.0")
    assert request.ab_test_config.winner_criteria is WinnerCriteria.ROAS
    assert request.ab_test_config.statistical_significance_level == Decimal("0.95")
