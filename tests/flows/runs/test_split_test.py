"""People divided at random between the arms: by one study that lasts as long as the test, and never in the test's way."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from autopublisher.adapters.memory.meta_ads import StoredObject
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaNotFoundError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.evidence import Verdict
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.request.request import NoWinner, RunRequest
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.split_test import SPARE, seconds
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.writes.lookups import look_for
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.crashing_machine import START, CrashPlan
from support.simulated import ACT, brief_request, make_machine
from support.staging import EQUAL_RATES, PlannedFault, Stage, cut_off, with_test
from support.wording import english

pytestmark = pytest.mark.slow  # whole runs

DIVIDED = EngineConfig(poll=timedelta(hours=2), split_tests=True)
STUDY = "study/1"


def unattended(**test: Any) -> RunRequest:
    return replace(with_test(**test), require_human_approval=False)


def staged(**test: Any) -> Stage:
    return Stage(unattended(**test), DIVIDED)


def studies(stage: Stage) -> list[StoredObject]:
    return stage.meta.of_kind(ObjectKind.STUDY)


def on_the_study(stage: Stage, error: MetaError, *, done: bool = False, times: int = 1) -> None:
    """Have the create of the study fail: it comes after the four objects of each of two arms."""
    stage.meta.troubles = [PlannedFault("create", error, 9, times=times, done=done)]


def caveats(stage: Stage) -> tuple[str, ...]:
    with stage.database.unit_of_work() as unit:
        return Verdict.from_json(unit.decisions.of_run(stage.run_id)[-1].verdict).caveats


def test_a_business_has_people_divided_equally_before_anything_is_on() -> None:
    stage = staged()
    on_when_made: list[int] = []

    def listen(_number: int, method: str) -> None:
        if method == "create" and len(stage.meta.made("create")) == 9:
            on_when_made.append(len(stage.active()))

    stage.meta.on_call = listen
    run = stage.go(RunStatus.AB_TESTING)
    (study,) = studies(stage)
    cells = study.fields["cells"]
    assert [cell["adsets"] for cell in cells] == [[stage.row(f"test/{arm}/adset").meta_id] for arm in "ab"]
    assert {cell["treatment_percentage"] for cell in cells} == {50}
    assert (run.study.is_randomised, run.divides_people, on_when_made) == (True, True, [0])


def test_the_verdict_no_longer_says_that_people_were_not_divided() -> None:
    stage = staged()
    run = stage.go()
    assert (run.status, run.divides_people) == (RunStatus.COMPLETED, True)
    assert not {"not_randomised", "same_people"} & set(caveats(stage))


@pytest.mark.parametrize("pace", [replace(DIVIDED, split_tests=False), DIVIDED], ids=["unwanted", "personal"])
def test_without_a_business_or_the_wish_there_is_no_study(pace: EngineConfig) -> None:
    stage = Stage(unattended(), pace)
    stage.meta.facts = replace(stage.meta.facts, business_id=None if pace.split_tests else "5001")
    assert stage.go().status is RunStatus.COMPLETED
    assert studies(stage) == []
    assert {"not_randomised", "same_people"} <= set(caveats(stage))


def test_the_study_outlasts_its_test() -> None:
    stage = staged()
    stage.meta.rates = EQUAL_RATES
    run = stage.go(RunStatus.ANALYZING_RESULTS)
    assert run.trial.ends_at is not None
    assert studies(stage)[0].fields["end_time"] >= seconds(run.trial.ends_at)


def test_the_study_outlasts_the_longest_test_and_is_made_once_for_it() -> None:
    stage = staged(on_no_winner=NoWinner.EXTEND, max_test_share=Decimal("0.9"))
    stage.meta.rates, stage.meta.days = EQUAL_RATES, 4
    run = stage.go(RunStatus.AB_TESTING)
    made = studies(stage)[0].fields["end_time"]
    run = stage.go(RunStatus.ANALYZING_RESULTS)
    assert run.trial.ends_at is not None
    assert run.trial.starts_at is not None
    assert run.trial.ends_at - run.trial.starts_at == timedelta(days=4)
    assert made >= seconds(run.trial.ends_at)
    assert len(studies(stage)) == 1
    assert run.study.is_randomised


def test_a_study_that_would_not_outlast_the_longest_test_divides_nobody() -> None:
    stage = staged(on_no_winner=NoWinner.EXTEND, max_test_share=Decimal("0.9"))
    stage.meta.review = "PENDING_REVIEW"
    stage.go(RunStatus.AB_TESTING)
    stage.clock.advance_to(stage.clock.now() + SPARE + timedelta(hours=-2))
    stage.step()
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=3))
    stage.meta.review = None
    while (run := stage.now_run).trial.starts_at is None and not run.is_final:
        stage.step()
    assert run.trial.further_days == 3
    assert not run.study.is_randomised


@pytest.mark.parametrize("early", [True, False])
def test_the_study_is_ended_with_its_test(early: bool) -> None:  # noqa: FBT001 - a parameter
    stage = staged()
    stage.go(RunStatus.AB_TESTING)
    stage.step()
    if early:
        stage.overwrite(status=RunStatus.ANALYZING_RESULTS)
    run = stage.go(RunStatus.SELECTING_WINNER)
    assert run.trial.stopped_at is not None
    ends = datetime.fromtimestamp(studies(stage)[0].fields["end_time"], tz=UTC)
    assert run.trial.stopped_at < ends <= run.trial.stopped_at + timedelta(minutes=30)


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("error", [cut_off(), MetaThrottledError("busy"), MetaTransientError("oops")])
def test_a_study_whose_answer_was_lost_exists_once(error: MetaError, done: bool) -> None:  # noqa: FBT001
    stage = staged()
    on_the_study(stage, error, done=done)
    run = stage.go()
    assert (run.status, run.study.is_randomised) == (RunStatus.COMPLETED, True)
    assert len(studies(stage)) == 1
    assert stage.row(STUDY).state is OperationState.CONFIRMED


@pytest.mark.parametrize(
    "error",
    [MetaRefusedError("studies are not available", code=100), MetaAuthorisationError("no right", code=200)],
)
def test_what_meta_does_not_divide_is_tested_all_the_same_with_a_warning(error: MetaError) -> None:
    stage = staged()
    on_the_study(stage, error, times=1000)
    before = stage.now_run.created_at
    run = stage.go(RunStatus.AB_TESTING)
    assert stage.clock.now() - before < timedelta(hours=1)
    stage.meta.troubles = []
    run = stage.go()
    assert (run.status, run.study.is_randomised, studies(stage)) == (RunStatus.COMPLETED, False, [])
    assert "people are not divided at random" in english(run.warnings[-1])
    assert len(stage.events("without_study")) == 1
    assert "not_randomised" in caveats(stage)


def test_a_study_that_was_refused_because_its_start_had_passed_is_asked_for_again() -> None:
    stage = staged()
    on_the_study(stage, MetaThrottledError("busy"), times=1)
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    while not stage.meta.troubles or STUDY not in {row.key for row in stage.rows()}:
        stage.step()
    stage.clock.advance_to(stage.clock.now() + timedelta(minutes=40))
    stage.meta.troubles = [PlannedFault("create", MetaRefusedError("a study cannot start in the past"), 10)]
    run = stage.go()
    assert (run.status, run.study.is_randomised) == (RunStatus.COMPLETED, True)
    assert stage.row(STUDY).state is OperationState.REJECTED
    assert stage.row("study/2").state is OperationState.CONFIRMED
    assert len(studies(stage)) == 1


def test_a_study_that_somebody_cancels_makes_its_test_unhealthy() -> None:
    stage = staged()
    stage.meta.rates = EQUAL_RATES
    stage.go(RunStatus.AB_TESTING)
    for _ in range(3):
        stage.step()
    stage.meta.objects[MetaId(stage.row(STUDY).meta_id or "")].fields["status"] = "DELETED"
    run = stage.go(RunStatus.ANALYZING_RESULTS)
    assert run.trial.edited_at is not None
    assert "study/1: status is DELETED" in english(stage.events("edited")[0].message)


# --- nothing of a study keeps a run from anything ---------------------------------------------------

Listener = Callable[[int, str], None]
ERRORS = {
    "gone": MetaNotFoundError("no such object", code=100),
    "refused": MetaRefusedError("no", code=100),
    "no right": MetaAuthorisationError("no right", code=200),
    "a person": MetaHumanNeededError("see Ads Manager"),
    "transient": MetaTransientError("oops"),
    "throttled": MetaThrottledError("busy"),
    "throttled for long": MetaThrottledError("busy", retry_at=START + timedelta(days=3)),
}


def failing_to_find_studies(stage: Stage) -> Listener:
    """Return a listener under which no study can be looked for."""

    def listen(_number: int, method: str) -> None:
        call = stage.meta.witnessed[-1]
        if method == "find" and call.params["kind"] is ObjectKind.STUDY:
            raise MetaTransientError("oops")

    return listen


def failing_on_studies(stage: Stage, error: MetaError, *methods: str) -> Listener:
    """Return a listener under which calls on studies that are there fail."""

    def listen(_number: int, method: str) -> None:
        ids = {one.fields["id"] for one in studies(stage)}
        if method in methods and stage.meta.witnessed[-1].subject in ids:
            raise error

    return listen


MOMENTS = {
    "made": RunStatus.PENDING,
    "launched": RunStatus.AB_TESTING,
    "closed": RunStatus.ANALYZING_RESULTS,
}


@pytest.mark.parametrize("error", list(ERRORS))
@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_study_that_meta_no_longer_shows_or_changes_keeps_no_run_from_its_end(
    moment: str, error: str
) -> None:
    stage = staged()
    if MOMENTS[moment] is not RunStatus.PENDING:
        stage.go(MOMENTS[moment])
    stage.meta.on_call = failing_on_studies(stage, ERRORS[error], "read", "update", "delete")
    began = stage.clock.now()
    run = stage.go(RunStatus.AB_TESTING) if moment == "made" else stage.now_run
    assert stage.clock.now() - began <= timedelta(hours=2)
    run = stage.go()
    seen_to_the_end = moment == "closed"  # the last poll saw it at the moment at which the test stopped
    assert (run.status, run.divides_people) == (RunStatus.COMPLETED, seen_to_the_end), run.ending.why
    assert len(stage.active()) == 3
    assert ("not_randomised" in caveats(stage)) is not seen_to_the_end
    assert any("split test" in english(warning) for warning in run.warnings) is not seen_to_the_end


@pytest.mark.parametrize("error", list(ERRORS))
@pytest.mark.parametrize("methods", [("read",), ("update", "delete"), ("read", "update", "delete")])
def test_a_study_keeps_no_cancelled_run_from_its_end(error: str, methods: tuple[str, ...]) -> None:
    stage = staged()
    stage.go(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.meta.on_call = failing_on_studies(stage, ERRORS[error], *methods)
    began = stage.clock.now()
    run = stage.go()
    assert (run.status, stage.active()) == (RunStatus.CANCELLED, [])
    assert stage.clock.now() - began <= timedelta(hours=2)


def test_an_end_that_shows_late_is_asked_for_once() -> None:
    """An update that Meta does not show at once is waited for, and never followed by another one with another end."""
    stage = staged()
    stage.go(RunStatus.ANALYZING_RESULTS)
    shown = dict(studies(stage)[0].fields)
    sent: list[datetime] = []

    def listen(_number: int, method: str) -> None:
        ids = {one.fields["id"] for one in studies(stage)}
        if stage.meta.witnessed[-1].subject in ids:
            if method == "update":
                sent.append(stage.clock.now())
            elif sent and stage.clock.now() < sent[0] + timedelta(seconds=90):
                studies(stage)[0].fields |= {"end_time": shown["end_time"]}

    stage.meta.on_call = listen
    run = stage.go()
    assert run.status is RunStatus.COMPLETED
    asked = [row for row in stage.rows() if row.key.startswith(f"close/{STUDY}/")]
    assert len({row.spec.params["end_time"] for row in asked}) == 1


def test_a_study_that_ends_before_a_test_held_up_for_days_does_not_count() -> None:
    stage = staged()
    stage.meta.review = "PENDING_REVIEW"
    stage.go(RunStatus.AB_TESTING)
    stage.step()
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=80))
    stage.meta.review = None
    run = stage.go(RunStatus.SELECTING_WINNER)
    assert (run.status, run.study.is_randomised) == (RunStatus.SELECTING_WINNER, False)
    assert "it ends before the test does" in english(run.warnings[-1])


def test_once_an_arm_is_on_no_study_is_asked_for_any_more() -> None:
    """What was decided while the study could not be had is saved before anything is switched on."""
    stage = staged()
    on_the_study(stage, cut_off())
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    while STUDY not in {row.key for row in stage.rows()}:
        stage.step()
    stage.meta.on_call = failing_to_find_studies(stage)
    busy = PlannedFault("update", MetaThrottledError("busy"), len(stage.meta.made("update")) + 5)
    stage.meta.troubles.append(busy)
    while not stage.active():
        stage.step()
    assert 0 < len(stage.active()) < 6
    stage.meta.on_call = lambda _number, _method: None
    run = stage.go()
    assert (run.status, run.study.is_randomised, studies(stage)) == (RunStatus.COMPLETED, False, [])
    assert "not_randomised" in caveats(stage)


def test_no_arm_delivers_before_its_study_begins() -> None:
    stage = staged()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    while len(stage.meta.of_kind(ObjectKind.AD)) < 2:
        on = stage.now_run
        assert on.trial.arms_start_at is not None
        stage.clock.advance_to(on.trial.arms_start_at + timedelta(minutes=1))
        stage.step()
    begins = datetime.fromtimestamp(studies(stage)[0].fields["start_time"], tz=UTC)
    on_at: list[datetime] = []
    stage.meta.on_call = lambda _number, method: (
        on_at.append(stage.clock.now()) if method == "update" else None
    )
    assert stage.go(RunStatus.AB_TESTING).study.is_randomised
    assert begins > (stage.now_run.trial.arms_start_at or begins)
    assert min(on_at) >= begins


def showing(stage: Stage, change: Callable[[dict[str, Any]], Any], until: timedelta | None = None) -> None:
    """Have Meta show the cells of studies otherwise than asked, for ever or for some time after they were made."""
    read = stage.meta.read

    def shown(kind: ObjectKind, meta_id: MetaId, fields: Sequence[str]) -> ObjectState:
        state = read(kind, meta_id, fields)
        made = datetime.fromisoformat(stage.meta.objects[meta_id].fields["created_time"])
        if kind is not ObjectKind.STUDY or (until is not None and stage.clock.now() >= made + until):
            return state
        cells = [change(cell) for cell in state.raw["cells"]]
        return ObjectState.of(kind, meta_id, {**state.raw, "cells": cells})

    stage.meta.read = shown  # type: ignore[method-assign]  # a Meta with a view of its own


def test_members_that_show_a_little_later_are_waited_for() -> None:
    stage = staged()
    showing(stage, lambda cell: {**cell, "adsets": []}, until=timedelta(seconds=40))
    run = stage.go()
    assert (run.status, run.divides_people) == (RunStatus.COMPLETED, True)


@pytest.mark.parametrize(
    "shape", [None, "?", 7, {"name": "A", "treatment_percentage": "50%"}, {"adsets": [{}]}]
)
def test_a_study_in_a_shape_nobody_knows_keeps_no_run_from_its_end(shape: Any) -> None:
    stage = staged()
    showing(stage, lambda _cell: shape)
    run = stage.go()
    assert (run.status, run.divides_people) == (RunStatus.COMPLETED, False)


def test_waiting_for_the_study_moves_the_test_once() -> None:
    stage = staged()
    on_the_study(stage, MetaAuthorisationError("no right", code=200), times=1000)
    stage.go(RunStatus.AB_TESTING)
    assert len(stage.events("postponed")) <= 1


def test_a_study_that_cannot_be_found_out_about_for_long_is_ended_all_the_same() -> None:
    """The row was left open when the test began; once Meta answers, the study is found and brought to its end."""
    stage = staged()
    on_the_study(stage, cut_off(), done=True)
    stage.meta.on_call = failing_to_find_studies(stage)
    run = stage.go(RunStatus.ANALYZING_RESULTS)
    assert (run.study.is_randomised, stage.row(STUDY).state) == (False, OperationState.UNKNOWN)
    stage.meta.on_call = lambda _number, _method: None
    run = stage.go()
    assert run.trial.stopped_at is not None
    assert (run.status, stage.row(STUDY).state) == (RunStatus.COMPLETED, OperationState.CONFIRMED)
    assert studies(stage)[0].fields["end_time"] <= seconds(run.trial.stopped_at + timedelta(days=1))


def test_a_study_without_its_members_divides_nobody() -> None:
    stage = staged()
    showing(stage, lambda cell: {**cell, "adsets": []})
    run = stage.go()
    assert (run.status, run.study.is_randomised) == (RunStatus.COMPLETED, False)
    assert "cells is" in english(run.warnings[-1])


def cancelled(stage: Stage) -> Run:
    stage.approvals.cancel(stage.run_id, "manager", "changed my mind")
    run = stage.go()
    assert run.status is RunStatus.CANCELLED
    return run


def test_a_cancelled_test_divides_nobody_any_more_and_its_report_says_so() -> None:
    stage = staged()
    stage.go(RunStatus.AB_TESTING)
    run = cancelled(stage)
    assert [study.status for study in studies(stage)] == ["DELETED"]
    lines = {line["key"]: line["done"] for line in (run.report or {})["objects"]}
    assert lines[STUDY] == "cancelled"


def test_a_run_that_is_completed_keeps_its_study_for_the_results() -> None:
    stage = staged()
    run = stage.go()
    lines = {line["key"]: line["done"] for line in (run.report or {})["objects"]}
    assert (lines[STUDY], studies(stage)[0].status) == ("created", "ACTIVE")


def test_the_real_client_makes_moves_and_reads_the_study_of_the_simulator() -> None:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, DIVIDED)
        run_id = machine.submit(brief_request(require_human_approval=False))
        run = machine.drive(run_id, RunStatus.SELECTING_WINNER)
        (study,) = machine.objects("ad_study")
        with machine.database.unit_of_work() as unit:
            rows = {row.key: row for row in unit.journal.of_run(run_id)}
        read = machine.meta.read(ObjectKind.STUDY, MetaId(study["id"]), ["status", "end_time", "cells"])
        machine.meta.close()
        machine.clock.close()
    assert (run.study.is_randomised, rows[STUDY].meta_id, read.status) == (True, study["id"], "ACTIVE")
    assert run.trial.stopped_at is not None
    assert read.ends_at is not None
    late = read.ends_at - run.trial.stopped_at
    assert timedelta(0) <= late <= timedelta(minutes=30)
    assert {cell["treatment_percentage"] for cell in read.raw["cells"]["data"]} == {50}
    arms = {rows[f"test/{letter}/adset"].meta_id for letter in "ab"}
    assert {one["id"] for cell in read.raw["cells"]["data"] for one in cell["adsets"]["data"]} == arms


class Barred(SdkMetaAds):
    """A client whose token may not look into the business."""

    def find(
        self, act_id: ActId, kind: ObjectKind, name_contains: str, fields: Sequence[str]
    ) -> Sequence[ObjectState]:
        if kind is ObjectKind.STUDY:
            raise MetaAuthorisationError("no right in the business", code=200)
        return super().find(act_id, kind, name_contains, fields)


def test_a_study_is_found_by_its_ad_sets_where_the_business_may_not_be_looked_into() -> None:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, DIVIDED)
        run_id = machine.submit(brief_request(require_human_approval=False))
        machine.drive(run_id, RunStatus.AB_TESTING)
        with machine.database.unit_of_work() as unit:
            rows = unit.journal.of_run(run_id)
        made = next(row for row in rows if row.key == STUDY)
        ids = {row.key: row.meta_id for row in rows if row.meta_id is not None}
        with Barred(Credentials("stub-token"), machine.clock, simulator.url) as client:
            found = look_for(client.for_account(ACT), made.spec, ids)
        machine.meta.close()
        machine.clock.close()
    assert [one.id for one in found] == [made.meta_id]


def test_a_look_up_that_fails_does_not_keep_a_cancelled_test_on() -> None:
    stage = staged()
    on_the_study(stage, cut_off())
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    while STUDY not in {row.key for row in stage.rows()}:
        stage.step()
    stage.meta.on_call = failing_to_find_studies(stage)
    stage.clock.advance_to(stage.clock.now() + timedelta(minutes=20))
    run = stage.go(RunStatus.AB_TESTING)
    assert (run.study.is_randomised, stage.row(STUDY).state) == (False, OperationState.UNKNOWN)
    assert len(stage.active()) == 6
    stage.approvals.cancel(stage.run_id, "manager")
    stage.step()
    assert stage.active() == []
    run = stage.go()
    assert (run.status, len(stage.events("study_left"))) == (RunStatus.CANCELLED, 1)


def test_a_death_at_every_moment_in_which_the_study_is_being_made_leaves_exactly_one() -> None:
    """The plain crash tests die everywhere; this one sees to it that the study's own moments are among them."""
    crash_at = 0
    while True:
        crash_at += 1
        stage = staged()
        stage.meta.crash_plan = _StudyReaper(stage, crash_at)
        run = stage.go()
        assert (run.status, run.study.is_randomised) == (RunStatus.COMPLETED, True), crash_at
        assert len(studies(stage)) == 1, crash_at
        if stage.crashes == 0:
            break
    assert crash_at > 10


class _StudyReaper(CrashPlan):
    """Kills at the n-th moment between the last object of the arms and their activation."""

    def __init__(self, stage: Stage, crash_at: int) -> None:
        super().__init__(crash_at)
        self._stage = stage

    def strike(self) -> None:
        built = len(self._stage.meta.of_kind(ObjectKind.AD)) == 2
        if built and not self._stage.meta.made("update"):
            super().strike()
