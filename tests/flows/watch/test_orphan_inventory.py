"""Rules, studies and creatives of no journal: found once a day, said once, and left as they are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.ids import ActId, MetaId, RunId
from autopublisher.domain.journal.naming import naming_token
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.journal.records import Event
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.reconciliation.findings import look_of
from autopublisher.domain.runs.run import RunStatus
from support.staging import PlannedFault, cut_off
from support.stop_staging import ACT, unattended
from support.sweep_staging import SweepStage, staged
from support.wording import english

_R = RunStatus
KINDS = [ObjectKind.RULE, ObjectKind.STUDY, ObjectKind.CREATIVE]
FOREIGN = "Somebody's [ap-ffffffffffffffff-dead-man]"
A_DAY = timedelta(days=1)
TREE_LISTINGS = 3
"""Campaigns, ad sets and ads."""


def made(stage: SweepStage, kind: ObjectKind, name: str) -> MetaId:
    """Have somebody make an object whose name bears our mark."""
    cells: dict[str, Any] = {"cells": [], "type": "SPLIT_TEST"} if kind is ObjectKind.STUDY else {}
    return stage.meta.create(ACT, kind, {"name": name, **cells})


def unclaimed(stage: SweepStage) -> list[str]:
    return [one["meta_id"] for one in stage.record["unclaimed"]]


def said(stage: SweepStage) -> list[Event]:
    return [one for one in stage.database.tables.events if one.tag == "watch:unclaimed:found"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whose", ["a run's", "nobody's"])
def test_what_no_journal_has_is_said_once_and_left_as_it_is(kind: ObjectKind, whose: str) -> None:
    stage = staged(_R.COMPLETED)
    is_known = whose == "a run's"
    name = f"Ours {naming_token(stage.run_id, 'odd')}" if is_known else FOREIGN
    found = made(stage, kind, name)
    before = dict(stage.meta.objects[found].fields)
    for _ in range(3):
        stage.at_look()
        stage.clock.advance_to(stage.clock.now() + A_DAY)
    assert unclaimed(stage) == [found]
    (event,) = said(stage)
    assert (event.run_id, event.data["kind"]) == (stage.run_id if is_known else None, kind.value)
    assert stage.meta.objects[found].fields == before
    assert [line for line in look_of(stage.stored_watch()).open if found in english(line)] != []


def test_each_kind_is_listed_once_a_day() -> None:
    stage = staged(_R.COMPLETED)
    stage.at_look()
    later = made(stage, ObjectKind.RULE, FOREIGN)
    stage.at_look()
    assert unclaimed(stage) == []
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    stage.at_look()
    assert unclaimed(stage) == [later]


@pytest.mark.parametrize("status", ["DELETED", "ARCHIVED"])
def test_what_is_gone_is_shown_no_more(status: str) -> None:
    stage = staged(_R.COMPLETED)
    found = made(stage, ObjectKind.RULE, FOREIGN)
    stage.at_look()
    stage.meta.update(found, {"status": status})
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    stage.at_look()
    assert (unclaimed(stage), len(said(stage))) == ([], 1)


def test_a_look_that_died_after_it_spoke_does_not_speak_twice() -> None:
    stage = staged(_R.COMPLETED)
    made(stage, ObjectKind.STUDY, f"Ours {naming_token(stage.run_id, 'odd')}")
    stage.at_look()
    after = stage.stored_watch()
    with stage.database.unit_of_work() as unit:
        unit.watches.save(replace(after.nudged(stage.clock.now()), report={}), was=after.version)
        unit.commit()
    stage.look()
    assert len(said(stage)) == 1


def test_a_creative_whose_create_is_still_being_settled_is_no_orphan() -> None:
    twin = staged(_R.AB_TESTING)
    nth = 1 + ["object_story_spec" in one.params for one in twin.meta.made("create")].index(True)
    stage = SweepStage()
    stage.go(_R.CREATING_CAMPAIGNS)
    stage.meta.blind = 99
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=nth, done=True)]
    stage.step()
    stage.meta.blind = 0
    waiting = [row for row in stage.rows() if not row.is_settled and row.attempts]
    assert [row.spec.kind for row in waiting] == [ObjectKind.CREATIVE]
    assert any(one.kind is ObjectKind.CREATIVE for one in stage.meta.objects.values())
    stage.at_look()
    assert (unclaimed(stage), said(stage)) == ([], [])


def test_a_run_whose_creatives_can_never_be_listed_is_cancelled_within_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = SweepStage()
    stage.go(_R.CREATING_CAMPAIGNS)
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth=2, done=True)]
    listed = stage.meta.find

    def find(act_id: ActId, kind: ObjectKind, name: str, fields: Sequence[str]) -> Sequence[ObjectState]:
        if kind is ObjectKind.CREATIVE:
            raise MetaThrottledError("86 % used")
        return listed(act_id, kind, name, fields)

    monkeypatch.setattr(stage.meta, "find", find)
    stage.step()
    (waiting,) = [row for row in stage.rows() if row.state in {OperationState.SENT, OperationState.UNKNOWN}]
    assert waiting.spec.kind is ObjectKind.CREATIVE
    cancelled_at = stage.clock.now()
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go_on(_R.CANCELLED, ticks=500).status is _R.CANCELLED
    assert stage.clock.now() - cancelled_at < A_DAY + timedelta(hours=1)
    assert stage.row(waiting.key).state is OperationState.WITHDRAWN
    monkeypatch.undo()
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    stage.at_look()
    assert len(unclaimed(stage)) == 1


def at_study_listing(stage: SweepStage, error: MetaError) -> None:
    """Let the study's listing of the next look fail: it is the fifth, after the tree's three and the rules'."""
    stage.meta.troubles = [PlannedFault("find", error, nth=len(stage.meta.made("find")) + 5)]


def test_what_may_not_be_listed_is_left_out_for_a_day() -> None:
    stage = staged(_R.COMPLETED)
    study, rule = made(stage, ObjectKind.STUDY, FOREIGN), made(stage, ObjectKind.RULE, FOREIGN)
    at_study_listing(stage, MetaAuthorisationError("no right in the business"))
    stage.at_look()
    stage.at_look()
    assert (unclaimed(stage), stage.record["problems"]) == ([rule], [])
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    at_study_listing(stage, MetaAuthorisationError("no right in the business"))
    stage.at_look()
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    stage.at_look()
    assert unclaimed(stage) == [rule, study]


def test_what_was_found_stays_while_it_may_not_be_listed() -> None:
    stage = staged(_R.COMPLETED)
    study = made(stage, ObjectKind.STUDY, FOREIGN)
    stage.at_look()
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    at_study_listing(stage, MetaAuthorisationError("no right in the business"))
    stage.at_look()
    stage.clock.advance_to(stage.clock.now() + A_DAY)
    stage.at_look()
    assert (unclaimed(stage), len(said(stage))) == ([study], 1)


def test_a_listing_that_failed_is_a_problem_and_tried_again_at_the_next_look() -> None:
    stage = staged(_R.COMPLETED)
    study = made(stage, ObjectKind.STUDY, FOREIGN)
    at_study_listing(stage, MetaTransientError("try again"))
    stage.at_look()
    assert (unclaimed(stage), len(stage.record["problems"])) == ([], 1)
    stage.at_look()
    assert (unclaimed(stage), stage.record["problems"]) == ([study], [])


def test_a_listing_that_the_limits_forbid_is_put_off_for_hours_and_the_problem_stays() -> None:
    stage = staged(_R.COMPLETED)
    study = made(stage, ObjectKind.STUDY, FOREIGN)
    at_study_listing(stage, MetaThrottledError("too many calls"))
    for _ in range(3):
        stage.at_look()
        assert (unclaimed(stage), len(stage.record["problems"])) == ([], 1)
    listings = len(stage.meta.made("find"))
    stage.at_look()
    assert len(stage.meta.made("find")) - listings == TREE_LISTINGS
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=6))
    stage.at_look()
    assert (unclaimed(stage), stage.record["problems"]) == ([study], [])


def test_a_run_whose_campaigns_are_called_like_a_mark_has_no_orphans() -> None:
    stage = SweepStage(unattended(campaign_name="Launch [ap-2026] of [ap-0123456789abcdef-shoes]"))
    stage.go(_R.COMPLETED)
    stage.at_look()
    assert (unclaimed(stage), said(stage)) == ([], [])


def test_a_run_s_own_objects_are_no_orphans() -> None:
    stage = staged(_R.COMPLETED)
    assert any(one.kind is ObjectKind.CREATIVE for one in stage.meta.objects.values())
    stage.at_look()
    assert (unclaimed(stage), said(stage)) == ([], [])
    assert set(stage.record["listed_at"]) == {kind.value for kind in KINDS}


def test_a_study_of_another_account_s_run_is_that_account_s_to_say() -> None:
    stage = staged(_R.COMPLETED)
    other = replace(stage.now_run, id=RunId("ffffffff-ffff-ffff-0000-000000000000"), act_id=ActId("act_2"))
    with stage.database.unit_of_work() as unit:
        unit.runs.add(other)
        unit.commit()
    made(stage, ObjectKind.STUDY, f"Theirs {naming_token(other.id, 'odd')}")
    stage.at_look()
    assert (unclaimed(stage), said(stage)) == ([], [])
