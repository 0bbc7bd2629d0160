"""Figures: one read for all runs of an account, kept for good, and enough to reach every decision again."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from autopublisher.domain import evidence
from autopublisher.domain.errors import MetaTransientError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.runs.evidence_inputs import design_of, history_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.runs.collector import REFRESH, Collector
from support.simulated import brief_request
from support.staging import EQUAL_RATES, PlannedFault, Stage


def two_runs() -> tuple[Stage, RunId]:
    stage = Stage()
    other = stage.intake.submit(brief_request(), "tester").id
    for run_id in (stage.run_id, other):
        stage.drive(run_id, RunStatus.AB_TESTING)
        while stage.run(run_id).trial.starts_at is None:
            stage.tick(run_id)
    return stage, other


def test_one_read_serves_every_run_of_the_account() -> None:
    stage, other = two_runs()
    collector = Collector(stage.open_unit, stage.meta, stage.clock)
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=3))
    first = collector.collect(stage.now_run)
    second = collector.collect(stage.run(other))
    assert len(stage.meta.made("ad_sets")) == 1
    assert {one.at for one in first.snapshots} == {one.at for one in second.snapshots} == {stage.clock.now()}
    assert [one.figures.conversions for one in first.snapshots] == [
        one.figures.conversions for one in second.snapshots
    ]


def test_meta_is_not_asked_again_before_its_figures_can_have_changed() -> None:
    stage, _ = two_runs()
    collector = Collector(stage.open_unit, stage.meta, stage.clock)
    collector.collect(stage.now_run)
    stage.clock.advance_to(stage.clock.now() + REFRESH - timedelta(seconds=1))
    collector.collect(stage.now_run)
    assert len(stage.meta.made("ad_sets")) == 1
    stage.clock.advance_to(stage.clock.now() + timedelta(seconds=1))
    collector.collect(stage.now_run)
    assert len(stage.meta.made("ad_sets")) == 2


def test_two_runs_of_an_account_both_reach_their_verdicts() -> None:
    stage, other = two_runs()
    for run_id in (stage.run_id, other):
        assert stage.drive(run_id, RunStatus.WAITING_APPROVAL).release.winner == "B"


def test_snapshots_are_only_ever_added_to() -> None:
    stage = Stage()
    seen: list[Any] = []
    while stage.now_run.status is not RunStatus.WAITING_APPROVAL:
        stage.step()
        now = stage.snapshots()
        assert now[: len(seen)] == seen
        seen = now
    assert len(seen) > 10


def test_an_unreadable_figure_stores_nothing_and_delays_the_run() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.step()
    stage.meta.troubles = [PlannedFault("ad_sets", MetaTransientError("half a report"), times=3)]
    for _ in range(3):
        assert stage.step().attention is not None
        assert stage.snapshots() == []
    assert stage.step().attention is None
    assert len(stage.snapshots()) == 2


def decided_again(stage: Stage, decision: Decision) -> str:
    with stage.database.unit_of_work() as unit:
        variants = unit.records.variants(stage.run_id)
        last = unit.decisions.of_run(stage.run_id)[-1]
    known = [one for one in stage.snapshots() if one.at <= decision.at]
    run = stage.now_run
    final = decision.sequence == last.sequence
    design = design_of(run, variants, final=final)
    verdict = evidence.replay(design, history_of(run, variants, known), final=final)
    return verdict.to_json()


@pytest.mark.parametrize("study", ["none", "to the end", "lost on the way"])
@pytest.mark.parametrize("rates", [{"A": 1000, "B": 3000}, EQUAL_RATES, {"A": 3, "B": 2}])
def test_every_decision_can_be_reached_again_from_what_was_stored_byte_for_byte(
    rates: dict[str, int], study: str
) -> None:
    stage = Stage(pace=EngineConfig(poll=timedelta(hours=2), split_tests=study != "none"))
    stage.meta.rates = rates
    if study == "lost on the way":
        stage.go(RunStatus.AB_TESTING)
        for one in stage.meta.of_kind(ObjectKind.STUDY):
            del stage.meta.objects[one.fields["id"]]
    stage.go(RunStatus.WAITING_APPROVAL)
    with stage.open_unit() as unit:
        decisions = unit.decisions.of_run(stage.run_id)
    assert len(decisions) >= 2
    assert [decided_again(stage, one) for one in decisions] == [one.verdict for one in decisions]


def test_what_an_arm_really_spent_and_the_cent_that_rounding_hides_replace_its_reserve_once_it_has_settled() -> (
    None
):
    stage = Stage()
    stage.meta.spend_share = 0.5
    stage.go(RunStatus.WAITING_APPROVAL)
    assert [stage.row(f"test/{letter}/adset").spent for letter in "ab"] == [2501, 2501]
    assert stage.reports.view(stage.run_id).committed.minor == 5002


def test_an_arm_counts_its_whole_reserve_until_then() -> None:
    stage = Stage()
    stage.meta.spend_share = 0.5
    stage.go(RunStatus.ANALYZING_RESULTS)
    assert stage.reports.view(stage.run_id).committed.minor == 10_000


def test_a_report_of_more_spend_than_was_reserved_does_not_keep_the_run_from_being_stopped() -> None:
    stage = Stage()
    stage.meta.spend_share = 6.0
    stage.go(RunStatus.WAITING_APPROVAL)
    assert stage.reports.view(stage.run_id).committed.minor == 60_002  # Meta may have rounded each down
    for one in stage.meta.objects.values():
        if one.fields.get("status") == "PAUSED":
            one.fields["status"] = "ACTIVE"
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.everything_off()


def test_how_often_a_test_is_read_is_fixed_when_it_begins() -> None:
    stage = Stage(pace=EngineConfig(poll=timedelta(hours=2)))
    stage.go(RunStatus.AB_TESTING)
    while (run := stage.step()).trial.starts_at is None:
        pass
    assert run.trial.poll_minutes == 120
    stage.pace = replace(stage.pace, poll=timedelta(hours=8))
    stage.start()
    run = stage.step()
    assert run.next_tick_at == stage.clock.now() + timedelta(hours=2)


def test_a_verdict_that_says_the_same_is_kept_again_as_evidence_comes_in() -> None:
    stage = Stage()
    stage.meta.rates = EQUAL_RATES
    stage.go(RunStatus.ANALYZING_RESULTS)
    with stage.database.unit_of_work() as unit:
        kept = [evidence.Verdict.from_json(one.verdict) for one in unit.decisions.of_run(stage.run_id)]
    shares = [one.share for one in kept if one.kind is evidence.Kind.NOT_YET]
    assert len(shares) > 5
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(shares))
