"""Writes that leave in one request: each is settled by its own answer, and what is in doubt is found or made, once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.journal.operations import Action, OperationState
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.writes.patience import Patience
from support.staging import TEST_OBJECTS, PlannedFault, Stage, cut_off, with_total
from support.wording import english

CREATES = 8
REQUESTS = 5
"""Campaigns with creatives, ad sets, ads; ads and ad sets switched on, campaigns switched on."""


def sent_together(stage: Stage) -> list[int]:
    """Return of how many writes each request consisted."""
    return [one.params["number"] for one in stage.meta.made("write_together")]


def test_two_arms_are_built_in_three_requests_and_switched_on_in_two() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    assert sent_together(stage) == [4, 2, 2, 4, 2]
    assert stage.kinds() == TEST_OBJECTS
    assert len(stage.active()) == 6


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("nth", range(1, REQUESTS + 1))
def test_a_request_whose_answer_never_comes_makes_nothing_twice(nth: int, *, done: bool) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("write_together", cut_off(), nth, done=done)]
    began = stage.clock.now()
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert stage.kinds() == TEST_OBJECTS
    assert len(stage.active()) == 6
    assert len(stage.meta.made("create")) == CREATES
    assert (
        stage.clock.now() - began < 2 * Patience().absent_after
    )  # what is in doubt is looked up side by side


@pytest.mark.parametrize("done", [False, True])
def test_one_answer_that_is_missing_leaves_one_write_in_doubt(*, done: bool) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), 2, done=done)]
    stage.step()
    stage.meta.blind = 1
    stage.step()
    states = [row.state for row in stage.rows() if row.spec.action is Action.CREATE]
    assert states.count(OperationState.CONFIRMED) == 3
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert stage.kinds() == TEST_OBJECTS


def test_one_refused_among_good_ones_ends_the_run_with_nothing_left() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", MetaRefusedError("Invalid parameter", code=100), 3)]
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "Invalid parameter" in english(run.ending.why)
    assert [row.key for row in stage.rows() if row.state is OperationState.REJECTED] == ["test/b/campaign"]
    assert stage.live() == []


@pytest.mark.parametrize("nth", [1, 4])
def test_a_request_that_is_refused_as_a_whole_is_nobody_s_rejection(nth: int) -> None:
    stage = Stage()
    refused = MetaRefusedError("batches are not for this app", code=100)
    stage.meta.troubles = [PlannedFault("write_together", refused, nth)]
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert stage.kinds() == TEST_OBJECTS
    assert {row.state for row in stage.rows()} == {OperationState.CONFIRMED}


@pytest.mark.parametrize("kind", [MetaThrottledError, MetaAuthorisationError, MetaTransientError])
@pytest.mark.parametrize("method", ["write_together", "create", "update"])
def test_a_passing_hindrance_delays_what_it_met_and_no_more(method: str, kind: type[MetaError]) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault(method, kind("not now"), nth=2)]
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert stage.kinds() == TEST_OBJECTS
    assert {row.attempts for row in stage.rows() if row.spec.action is Action.UPDATE} <= {1, 2}
    assert len(stage.active()) == 6


def test_what_our_own_pacing_holds_back_has_not_been_tried() -> None:
    stage = Stage()
    again = stage.clock.now() + timedelta(minutes=5)
    held = MetaHeldBackError("90 % used", retry_at=again)
    stage.meta.troubles = [PlannedFault("write_together", held)]
    stage.step()
    assert stage.step().next_tick_at == again
    waiting = [row for row in stage.rows() if row.spec.action is Action.CREATE]
    assert {(row.state, row.attempts, row.sent_at) for row in waiting} == {(OperationState.INTENDED, 0, None)}
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert len(stage.meta.made("create")) == CREATES


def test_of_writes_that_the_gate_refuses_one_of_none_is_intended() -> None:
    stage = Stage()
    stage.step()
    less = with_total("80").budget_config  # changed behind the checks' back
    stage.overwrite(request=replace(stage.now_run.request, budget_config=less))
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "The money gate refused test/b/adset" in english(run.ending.why)
    assert not any(row.key.endswith("/adset") for row in stage.rows())
