"""What another worker, or the round that takes emergency notes in, does while a tick or a look is under way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import MetaId, StopId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.run import Control, RunStatus
from autopublisher.flows.dispatcher import build_watch
from flows.watch.test_emergency_intake import Emergency, running
from support.crashing_machine import SimulatedCrash
from support.stop_staging import ACT
from support.sweep_staging import AN_AGE, SweepStage, staged

NARROWER = [{"event_type": "CLICK_THROUGH", "window_days": 1}]
"""How a person may change what counts as a purchase."""


def at_call(stage: Any, method: str, nth: int, act: Callable[[], object]) -> None:
    """Do something right before the nth call of a method from now on."""
    seen = 0

    def listen(_number: int, called: str) -> None:
        nonlocal seen
        seen += called == method
        if seen == nth and called == method:
            act()

    stage.meta.on_call = listen


def pressed() -> Emergency:
    """The stop is stored, its pauses are in notes only: the disk filled up in between."""
    emergency = running()
    now = emergency.stage.clock.now()
    with emergency.stage.database.unit_of_work() as unit:
        unit.watches.add(Watch(ACT, 1, now))
        unit.stops.add(Stop(StopId("press"), None, "the price is wrong", "ana", now))
        unit.commit()
    emergency.pause()
    emergency.stage.clock.advance_to(now + AN_AGE)
    return emergency


def switched_on(stage: Any, key: str) -> None:
    """Have somebody switch an object on in Meta's own pages."""
    stage.meta.objects[MetaId(stage.row(key).meta_id or "")].fields["status"] = "ACTIVE"


def test_a_stop_is_not_confirmed_by_a_pause_that_was_entered_meanwhile() -> None:
    emergency = pressed()
    stage = emergency.stage
    switched_on(stage, "test/a/campaign")
    at_call(stage, "read", 1, emergency.intake.take_in)  # its round has a thread of its own
    stage.look()
    (held,) = stage.stops.holding()
    assert stage.stops.view(held.id).confirmed is (stage.on() == [])
    assert stage.on() == []


def test_a_run_winds_down_while_notes_are_taken_in() -> None:
    emergency = pressed()
    stage = emergency.stage
    before = stage.overwrite(control=Control.CANCEL, control_by="ana", next_tick_at=stage.clock.now())
    at_call(stage, "update", 1, emergency.intake.take_in)
    assert stage.step().version > before.version


def test_the_pause_of_an_object_that_was_renamed_is_its_runs() -> None:
    emergency = running()
    stage = emergency.stage
    stage.meta.objects[MetaId(stage.row("test/a/adset").meta_id or "")].fields["name"] = "Sale [ap-old]"
    emergency.pause()
    emergency.intake.take_in()
    assert len(emergency.stop_rows) == 6


def test_a_builder_that_was_frozen_replaces_no_baseline() -> None:
    stage = SweepStage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)
    frozen, run = stage.orchestrator, stage.now_run

    def taken_over(_number: int, called: str) -> None:
        if called == "tree" and len(stage.meta.of_kind(ObjectKind.AD)) == 2:
            stage.meta.on_call = lambda *_: None
            stage.orchestrator = stage.orchestrator_over()
            stage.go(RunStatus.AB_TESTING)
            stage.clock.advance_to(stage.clock.now() + AN_AGE)
            stage.touch("test/a/adset", attribution_spec=NARROWER)

    stage.meta.on_call = taken_over
    frozen.advance(stage.tick_of(run))
    stage.at_look()
    assert {(key, field) for key, field, _ in stage.found} == {("test/a/adset", "attribution_spec")}


def test_a_look_that_was_frozen_takes_no_baseline_away() -> None:
    stage = SweepStage()
    stage.go(RunStatus.CREATING_CAMPAIGNS)

    def die(_number: int, called: str) -> None:
        if called == "tree" and len(stage.meta.of_kind(ObjectKind.AD)) == 2:
            raise SimulatedCrash

    stage.meta.on_call = die  # all is built, nothing verified
    stage.step()
    at_call(stage, "find", 5, lambda: stage.go(RunStatus.AB_TESTING))
    stage.at_look()
    stage.meta.on_call = lambda *_: None
    stage.clock.advance_to(stage.clock.now() + AN_AGE)
    stage.touch("test/a/adset", attribution_spec=NARROWER)
    stage.at_look()
    assert {(key, field) for key, field, _ in stage.found} == {("test/a/adset", "attribution_spec")}


def test_a_look_that_was_frozen_tells_nothing_old_of_a_final_campaign() -> None:
    stage = staged(RunStatus.COMPLETED)
    stage.at_look()
    stage.clock.advance_to(stage.clock.now() + timedelta(days=1))  # creatives and rules are listed again
    before: list[tuple[str, str]] = []

    def shown() -> list[tuple[str, str]]:
        with stage.database.unit_of_work() as unit:
            state = unit.campaigns.of_runs([stage.run_id])[stage.run_id].state
            models = unit.records.objects(stage.run_id)
        return [(model.status, state.value) for model in models if model.key == "final/campaign"]

    def meanwhile() -> None:
        stage.meta.on_call = lambda *_: None
        stage.watch = build_watch(
            stage.open_unit, stage.meta, stage.storage, stage.clock, stage.queue, stage.pace
        )
        stage.touch("final/campaign", status="PAUSED")
        stage.clock.advance_to(stage.clock.now() + timedelta(hours=2))
        stage.at_look()
        before.extend(shown())

    at_call(stage, "find", 5, meanwhile)
    stage.at_look()
    assert before == [("PAUSED", "paused")]
    assert shown() == before


def test_what_we_have_just_written_counts_although_another_machines_clock_is_ahead() -> None:
    stage = SweepStage()
    stage.go(RunStatus.AB_TESTING)
    run, row = stage.now_run, stage.row("test/a/campaign")
    with stage.database.unit_of_work() as unit:
        shown = next(model for model in unit.records.objects(run.id) if model.key == row.key)
        unit.records.put_objects([replace(shown, read_at=stage.clock.now() + timedelta(minutes=2))])
        unit.commit()
    stage.orchestrator.holding.control.update(run, row, {"status": "PAUSED"}, Purpose.PAUSE)
    with stage.database.unit_of_work() as unit:
        (model,) = [model for model in unit.records.objects(run.id) if model.key == row.key]
    assert model.status == "PAUSED"
