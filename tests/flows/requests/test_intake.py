"""The way in: what is refused, with which words, and that one wish with one key is one run."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.errors import (
    AccountNotFoundError,
    ConflictError,
    CreativesNotFoundError,
    DisabledError,
    InvalidRequestError,
    MetaThrottledError,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, CreativeId
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.ports.repositories import RunFilter
from support.crashing_machine import START
from support.simulated import brief_request
from support.staging import PlannedFault, Stage, cut_off, with_total
from support.wording import english


def count_of_runs(stage: Stage) -> int:
    with stage.database.unit_of_work() as unit:
        return unit.runs.count(RunFilter())


def test_a_run_is_stored_pending_with_its_first_tick() -> None:
    stage = Stage()
    run = stage.now_run
    assert (run.status, run.version, run.next_tick_at) == (RunStatus.PENDING, 1, START)
    assert [waiting.tick for waiting in stage.queue.waiting] == [stage.tick_of(run)]


def test_nothing_is_created_at_meta_by_asking() -> None:
    assert Stage().meta.objects == {}


def test_a_disabled_installation_says_so_in_the_briefs_words() -> None:
    stage = Stage()
    intake = Intake(stage.open_unit, stage.meta, stage.clock, stage.queue, IntakeLimits(enabled=False))
    with pytest.raises(DisabledError, match=r"^AutoPublisher is disabled$"):
        intake.submit(brief_request(), "tester")


def test_an_unknown_account_is_refused_in_the_briefs_words() -> None:
    with pytest.raises(AccountNotFoundError, match=r"^Meta account not found$"):
        Stage().intake.submit(brief_request(meta_account_id=AccountId("nobody")), "tester")


def test_unknown_creatives_are_all_named() -> None:
    request = brief_request(creative_ids=(CreativeId("lost"), CreativeId("gone")))
    with pytest.raises(CreativesNotFoundError, match="lost, gone"):
        Stage().intake.submit(request, "tester")


def test_too_small_a_budget_is_refused_in_the_briefs_words() -> None:
    with pytest.raises(InvalidRequestError, match=r"^problem\.insufficient_budget") as refused:
        Stage().intake.submit(with_total("99.99"), "tester")
    assert refused.value.problems[0].field == "budget_config.total_budget"


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        Stage().intake.submit(with_total("99.99", campaign_name=" ", headlines=("",)), "tester")
    assert len(refused.value.problems) >= 3


def test_a_moment_that_has_passed_cannot_be_scheduled() -> None:
    with pytest.raises(InvalidRequestError, match=r"refusal\.moment_passed"):
        Stage().intake.submit(brief_request(scheduled_for=START - timedelta(seconds=1)), "tester")


def test_an_account_that_meta_has_blocked_is_refused() -> None:
    stage = Stage()
    stage.block_account()
    with pytest.raises(InvalidRequestError, match=r"problem\.account_blocked status=2"):
        stage.intake.submit(brief_request(), "tester")


def test_what_cannot_be_verified_now_is_not_taken_in() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("account", cut_off(), nth=2)]
    with pytest.raises(UnavailableError):
        stage.intake.submit(brief_request(), "tester")
    assert count_of_runs(stage) == 1


def test_a_throttled_check_says_when_to_come_back() -> None:
    stage = Stage()
    again = START + timedelta(minutes=5)
    stage.meta.troubles = [PlannedFault("account", MetaThrottledError("too many", retry_at=again), nth=2)]
    with pytest.raises(MetaThrottledError) as throttled:
        stage.intake.submit(brief_request(), "tester")
    assert throttled.value.retry_at == again


def test_the_same_key_with_the_same_request_is_the_same_run() -> None:
    stage = Stage()
    first = stage.intake.submit(brief_request(), "tester", "key")
    assert stage.intake.submit(brief_request(), "tester", "key").id == first.id
    assert count_of_runs(stage) == 2


def test_the_same_key_still_finds_the_run_after_its_admission() -> None:
    stage = Stage()
    run_id = stage.intake.submit(brief_request(), "tester", "key").id
    stage.drive(run_id, RunStatus.AB_TESTING)
    assert stage.intake.submit(brief_request(), "tester", "key").id == run_id


@pytest.mark.parametrize(
    "other",
    [
        with_total("501"),
        brief_request(campaign_name="Another"),
        brief_request(ad=AdDefaults(link_url="https://elsewhere.example.com/")),
    ],
)
@pytest.mark.parametrize("admitted", [True, False])
def test_the_same_key_with_another_request_is_refused(
    other: RunRequest,
    admitted: bool,  # noqa: FBT001 - a parameter
) -> None:
    stage = Stage()
    run_id = stage.intake.submit(brief_request(), "tester", "key").id
    if admitted:
        stage.drive(run_id, RunStatus.CREATING_CAMPAIGNS)
    with pytest.raises(ConflictError, match=r"refusal\.key_used"):
        stage.intake.submit(other, "tester", "key")


def test_without_a_key_the_same_request_is_another_run() -> None:
    stage = Stage()
    assert stage.intake.submit(brief_request(), "tester").id != stage.run_id


def test_a_legacy_objective_is_taken_with_a_warning() -> None:
    assert any("OUTCOME_SALES is used instead" in english(warning) for warning in Stage().now_run.warnings)


@pytest.mark.parametrize("objective", ["OUTCOME_SALES", "outcome_sales"])
def test_an_objective_that_meta_still_creates_needs_no_warning(objective: str) -> None:
    warnings = Stage(brief_request(objective=objective)).now_run.warnings
    assert not any("is used instead" in english(warning) for warning in warnings)


def test_a_picture_that_does_not_fit_its_placements_is_warned_of() -> None:
    stage = Stage()
    request = brief_request()
    with stage.database.unit_of_work() as unit:
        tall = replace(unit.creatives.get_many(request.creative_ids)[0], name="Shoe", width=1080, height=1920)
        tall = replace(tall, id=CreativeId("tall"))
        unit.creatives.add(tall)
        unit.commit()
    run = stage.intake.submit(replace(request, creative_ids=(tall.id, request.creative_ids[1])), "tester")
    assert english(run.warnings[-1]) == (
        "Picture Shoe has 1080 x 1920 pixels; for instagram_feed Meta crops what is taller than 4:5."
    )


def test_a_budget_that_the_tests_may_use_up_is_warned_of() -> None:
    assert any(
        "nothing may be left" in english(warning) for warning in Stage(with_total("100")).now_run.warnings
    )


def test_amounts_without_end_are_refused_and_not_crashed_on() -> None:
    budget = replace(brief_request().budget_config, total_budget=Decimal("Infinity"))
    with pytest.raises(InvalidRequestError, match=r"problem\.amount_not_positive"):
        Stage().intake.submit(brief_request(budget_config=budget), "tester")
