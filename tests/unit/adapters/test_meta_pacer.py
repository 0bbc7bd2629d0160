"""The pacer: calls wait near Meta's limits, per account, and insights apart from everything else."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.meta.pacer import Pacer
from autopublisher.domain.errors import MetaRefusedError, MetaThrottledError, UnavailableError
from autopublisher.domain.meta.pacing import BURST, Pacing
from autopublisher.domain.meta.rules import SCORE_DECAY, MetaHeldBackError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CAMPAIGNS = "/v26.0/act_42/campaigns"
INSIGHTS = "/v26.0/act_42/insights"
OBJECT = "120000000000000001"


class BrokenClock(ManualClock):
    """A clock that cannot be read."""

    def now(self) -> datetime:
        raise UnavailableError(reason="the test's clock")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def pacer(clock: ManualClock) -> Pacer:
    return Pacer(clock)


def used(percent: float, wait_minutes: float = 0, account: str = "42") -> dict[str, str]:
    case = {"type": "ads_management", "call_count": percent, "estimated_time_to_regain_access": wait_minutes}
    return {"X-Business-Use-Case-Usage": json.dumps({account: [case]})}


def test_lets_calls_pass_before_anything_is_known(pacer: Pacer) -> None:
    pacer.admit("act_42")


def test_says_when_the_call_may_be_made(pacer: Pacer) -> None:
    pacer.heard(CAMPAIGNS, used(100, wait_minutes=7), None)

    with pytest.raises(MetaHeldBackError) as caught:
        pacer.admit("act_42")

    assert caught.value.retry_at == NOON + timedelta(minutes=7)


def test_lets_the_call_pass_in_time(pacer: Pacer, clock: ManualClock) -> None:
    pacer.heard(CAMPAIGNS, used(100, wait_minutes=7), None)
    clock.advance_to(NOON + timedelta(minutes=7))

    pacer.admit("act_42")


def test_spaces_calls_out_well_before_the_limit(pacer: Pacer) -> None:
    pacer.heard(CAMPAIGNS, used(85), None)

    with pytest.raises(MetaHeldBackError) as caught:
        pacer.admit("act_42")

    assert caught.value.retry_at == NOON + timedelta(seconds=15 * BURST)


def test_after_the_pause_a_burst_of_calls_goes_together(pacer: Pacer, clock: ManualClock) -> None:
    pacer.heard(CAMPAIGNS, used(85), None)
    clock.advance_to(NOON + timedelta(seconds=15 * BURST))

    for _ in range(BURST):
        pacer.admit("act_42")
        pacer.heard(CAMPAIGNS, used(85), None)

    with pytest.raises(MetaHeldBackError):
        pacer.admit("act_42")


def test_a_burst_ends_where_the_limit_is_reached(pacer: Pacer, clock: ManualClock) -> None:
    pacer.heard(CAMPAIGNS, used(85), None)
    clock.advance_to(NOON + timedelta(seconds=15 * BURST))
    pacer.heard(CAMPAIGNS, used(96), None)

    with pytest.raises(MetaHeldBackError) as caught:
        pacer.admit("act_42")

    assert caught.value.retry_at == clock.now() + timedelta(seconds=SCORE_DECAY)


def test_a_better_answer_ends_the_wait(pacer: Pacer) -> None:
    pacer.heard(CAMPAIGNS, used(100), None)
    pacer.heard(CAMPAIGNS, used(10), None)

    pacer.admit("act_42")


def test_an_answer_without_headers_changes_nothing(pacer: Pacer) -> None:
    pacer.heard(CAMPAIGNS, used(100), None)
    pacer.heard(CAMPAIGNS, {}, None)

    with pytest.raises(MetaHeldBackError):
        pacer.admit("act_42")


def test_insights_wait_for_insights_only(pacer: Pacer) -> None:
    pacer.heard(INSIGHTS, used(100), None)

    pacer.admit("act_42")
    with pytest.raises(MetaHeldBackError):
        pacer.admit("act_42", insights=True)


def test_calls_on_an_object_wait_for_its_account(pacer: Pacer) -> None:
    pacer.owns("act_42", OBJECT)
    pacer.heard(CAMPAIGNS, used(100), None)

    with pytest.raises(MetaHeldBackError):
        pacer.admit(OBJECT)


def test_an_objects_account_is_learnt_from_the_headers(pacer: Pacer) -> None:
    pacer.heard(f"/v26.0/{OBJECT}", used(3), None)

    assert pacer.owner_of(OBJECT) == "act_42"


def test_other_accounts_do_not_wait(pacer: Pacer) -> None:
    pacer.heard(CAMPAIGNS, used(100), None)

    pacer.admit("act_43")


def test_tells_the_fuller_of_the_last_usages(pacer: Pacer) -> None:
    pacer.heard(INSIGHTS, used(90), None)
    pacer.heard(CAMPAIGNS, used(10), None)

    usage = pacer.last_usage("act_42")

    assert usage is not None
    assert usage.highest == 90


def test_dates_a_throttle(pacer: Pacer) -> None:
    error = pacer.heard(CAMPAIGNS, {}, MetaThrottledError("m", code=17, subcode=2446079))

    assert isinstance(error, MetaThrottledError)
    assert (error.retry_at, error.code) == (NOON + timedelta(seconds=SCORE_DECAY), 17)


def test_leaves_other_errors_as_they_are(pacer: Pacer) -> None:
    error = MetaRefusedError("m", code=100)

    assert pacer.heard(CAMPAIGNS, {}, error) is error


class TestWithoutTime:
    @pytest.fixture
    def pacer(self) -> Pacer:
        return Pacer(BrokenClock(NOON))

    def test_a_good_answer_stays_good(self, pacer: Pacer) -> None:
        assert pacer.heard(CAMPAIGNS, used(100), None) is None

    def test_a_throttle_stays_a_throttle(self, pacer: Pacer) -> None:
        error = pacer.heard(CAMPAIGNS, {}, MetaThrottledError("m", code=4))

        assert isinstance(error, MetaThrottledError)
        assert error.retry_at is None


def test_a_business_belongs_to_no_account_whatever_its_answers_name(pacer: Pacer) -> None:
    pacer.shares("5001")
    pacer.heard("/v26.0/5001/ad_studies", used(1), None)
    pacer.heard("/v26.0/5001/ad_studies", used(100, wait_minutes=90, account="43"), None)

    pacer.admit("act_42")
    with pytest.raises(MetaHeldBackError):
        pacer.admit("5001")


class TestBetweenProcesses:
    def test_what_is_known_of_an_account_can_be_told(self, pacer: Pacer) -> None:
        pacer.heard(CAMPAIGNS, used(85), None)
        pacer.heard(INSIGHTS, used(100, wait_minutes=7), None)
        known = pacer.pacing("act_42")
        assert (known.management.burst_left, known.management.usage.highest) == (BURST, 85.0)
        assert known.management.held_until == NOON + timedelta(seconds=15 * BURST)
        assert known.insights.held_until == NOON + timedelta(minutes=7)
        assert pacer.pacing("act_43") == Pacing()

    def test_a_hold_of_another_process_holds_here(self, pacer: Pacer, clock: ManualClock) -> None:
        pacer.heard(CAMPAIGNS, used(100, wait_minutes=7), None)
        other = Pacer(clock)
        other.recall("act_42", pacer.pacing("act_42"))
        other.admit("act_42", insights=True)
        with pytest.raises(MetaHeldBackError, match="100%") as caught:
            other.admit("act_42")
        assert caught.value.retry_at == NOON + timedelta(minutes=7)

    def test_a_hold_on_insights_holds_insights_here(self, pacer: Pacer, clock: ManualClock) -> None:
        pacer.heard(INSIGHTS, used(100), None)
        other = Pacer(clock)
        other.recall("act_42", pacer.pacing("act_42"))
        other.admit("act_42")
        with pytest.raises(MetaHeldBackError):
            other.admit("act_42", insights=True)

    def test_a_burst_begun_elsewhere_is_only_finished_here(self, pacer: Pacer, clock: ManualClock) -> None:
        pacer.heard(CAMPAIGNS, used(85), None)
        clock.advance_to(NOON + timedelta(hours=1))
        for _ in range(BURST - 2):
            pacer.heard(CAMPAIGNS, used(85), None)
        other = Pacer(clock)
        other.recall("act_42", pacer.pacing("act_42"))
        other.heard(CAMPAIGNS, used(85), None)
        other.admit("act_42")
        other.heard(CAMPAIGNS, used(85), None)
        with pytest.raises(MetaHeldBackError):
            other.admit("act_42")

    def test_an_account_that_rests_elsewhere_is_free_here(self, pacer: Pacer) -> None:
        pacer.heard(CAMPAIGNS, used(100), None)
        pacer.recall("act_42", Pacing())
        pacer.admit("act_42")


class TestWorkingForAnAccount:
    def test_an_object_of_unknown_owner_waits_for_the_account(self, pacer: Pacer) -> None:
        pacer.heard(CAMPAIGNS, used(100), None)
        with pacer.working_for("act_42"), pytest.raises(MetaHeldBackError):
            pacer.admit(OBJECT)
        pacer.admit(OBJECT)

    def test_its_answers_count_for_the_account(self, pacer: Pacer) -> None:
        with pacer.working_for("act_42"):
            pacer.heard(f"/v26.0/{OBJECT}", {"X-Ad-Account-Usage": '{"acc_id_util_pct": 97}'}, None)
        with pytest.raises(MetaHeldBackError):
            pacer.admit("act_42")

    def test_an_object_of_known_owner_waits_for_that_one(self, pacer: Pacer) -> None:
        pacer.owns("act_43", OBJECT)
        pacer.heard(CAMPAIGNS, used(100), None)
        with pacer.working_for("act_42"):
            pacer.admit(OBJECT)

    def test_neither_a_business_nor_the_token_waits_for_the_account(self, pacer: Pacer) -> None:
        pacer.shares("5001")
        pacer.heard(CAMPAIGNS, used(100), None)
        with pacer.working_for("act_42"):
            pacer.admit("5001")
            pacer.admit("me")

    def test_other_threads_work_for_nobody(self, pacer: Pacer) -> None:
        pacer.heard(CAMPAIGNS, used(100), None)
        with pacer.working_for("act_42"), ThreadPoolExecutor(1) as threads:
            threads.submit(pacer.admit, OBJECT).result()
