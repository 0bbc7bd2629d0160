"""A person's word: bound to what they saw, given once, in time, and never assumed where no winner was proven."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.access import Role
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    OverrideForbiddenError,
    RunNotFoundError,
)
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.request.request import NoWinner, RunRequest
from autopublisher.domain.runs.approvals import PROVING_KINDS, approval_digest, overrides_evidence
from autopublisher.domain.runs.run import Release, Run, RunStatus
from autopublisher.flows.runs.selection import PROVEN
from support.simulated import brief_request
from support.staging import EQUAL_RATES, Stage, with_test, with_total
from support.wording import english

pytestmark = pytest.mark.slow  # whole runs


def waiting_stage(request: RunRequest | None = None, *, proven: bool = True) -> Stage:
    stage = Stage(request)
    if not proven:
        stage.meta.rates = EQUAL_RATES
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    assert run.release.is_proven is proven
    return stage


def test_a_proven_winner_waits_for_a_person_with_every_arm_paused() -> None:
    stage = waiting_stage()
    assert stage.now_run.release.winner == "B"
    assert stage.everything_off()


def test_an_approval_publishes_the_winner() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "manager", comment="fine")
    run = stage.go()
    assert run.status is RunStatus.COMPLETED
    assert (
        (run.release.approval.by, run.release.approval.comment) == ("manager", "fine")
        if run.release.approval
        else False
    )
    assert len(stage.active()) == 3
    assert all("Final (B)" in name for name in stage.active())


def test_an_approval_bound_to_the_digest_shown_is_taken() -> None:
    stage = waiting_stage()
    digest = stage.reports.view(stage.run_id).digest
    run = stage.approvals.publish_winner(stage.run_id, "manager", digest=digest)
    assert run.release.approval is not None
    assert run.release.approval.digest == digest


def test_an_approval_bound_to_another_digest_is_refused() -> None:
    stage = waiting_stage()
    with pytest.raises(ConflictError, match=r"refusal\.other_plan"):
        stage.approvals.publish_winner(stage.run_id, "manager", digest="0" * 16)
    assert stage.now_run.release.approval is None


@pytest.mark.parametrize(
    "change",
    [
        {"release": Release(winner="A")},
        {"plan_digest": "another"},
        {"request": with_total("400")},
    ],
)
def test_the_digest_changes_with_what_would_be_published(change: dict[str, object]) -> None:
    run = waiting_stage().now_run
    assert approval_digest(replace(run, **change)) != approval_digest(run)  # type: ignore[arg-type]  # any field


def test_approving_twice_changes_nothing() -> None:
    stage = waiting_stage()
    first = stage.approvals.publish_winner(stage.run_id, "manager")
    assert stage.approvals.publish_winner(stage.run_id, "admin") == first
    stage.go()
    assert stage.approvals.publish_winner(stage.run_id, "admin").status is RunStatus.COMPLETED
    assert len(stage.events("approved")) == 1


def test_a_second_approval_of_another_variant_is_refused() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "manager")
    with pytest.raises(ConflictError):
        stage.approvals.publish_winner(stage.run_id, "admin", variant="A")


def test_two_approvers_at_the_same_version_leave_one_approval() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "first", variant="A", comment="mine", role=Role.MANAGER)
    with pytest.raises(ConflictError):
        stage.approvals.publish_winner(stage.run_id, "second", variant="B")
    assert stage.now_run.release.approval is not None
    assert stage.now_run.release.approval.by == "first"


@pytest.mark.parametrize("variant", [None, "B", "X"])
@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.AB_TESTING, RunStatus.SELECTING_WINNER])
def test_a_run_that_is_not_waiting_cannot_be_approved(status: RunStatus, variant: str | None) -> None:
    stage = Stage()
    stage.go(status)
    with pytest.raises(ConflictError, match=rf"refusal\.not_waiting status={status.value}"):
        stage.approvals.publish_winner(stage.run_id, "manager", variant=variant)


def test_a_run_being_cancelled_cannot_be_approved() -> None:
    stage = waiting_stage()
    stage.approvals.cancel(stage.run_id, "manager")
    with pytest.raises(ConflictError, match=r"refusal\.being_cancelled"):
        stage.approvals.publish_winner(stage.run_id, "manager")


def test_a_rejected_run_ends_with_everything_off_and_says_who_rejected_it() -> None:
    stage = waiting_stage()
    stage.approvals.reject(stage.run_id, "manager", "out of season")
    run = stage.go()
    assert (run.status, english(run.ending.why)) == (
        RunStatus.CANCELLED,
        "rejected by manager: out of season",
    )
    assert stage.everything_off()


def test_only_a_run_that_waits_for_approval_can_be_rejected() -> None:
    stage = Stage()
    with pytest.raises(ConflictError, match=r"refusal\.not_waiting"):
        stage.approvals.reject(stage.run_id, "manager")


def test_an_approved_run_cannot_be_rejected() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "manager")
    with pytest.raises(ConflictError, match=r"refusal\.approved_already variant=B"):
        stage.approvals.reject(stage.run_id, "manager")


def test_an_ended_run_cannot_be_cancelled() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "manager")
    stage.go()
    with pytest.raises(ConflictError, match=r"refusal\.run_ended status=completed"):
        stage.approvals.cancel(stage.run_id, "manager")


def test_an_unknown_run_is_not_found() -> None:
    with pytest.raises(RunNotFoundError):
        Stage().approvals.publish_winner(RunId("nobody"), "manager")


def test_a_run_that_nobody_approves_is_cancelled_with_everything_paused() -> None:
    stage = waiting_stage()
    expires = stage.now_run.release.expires_at
    run = stage.go()
    assert run.status is RunStatus.CANCELLED
    assert english(run.ending.why) == "nobody approved in time"
    assert run.ending.at == expires
    assert stage.everything_off()


def test_an_approval_after_the_expiry_is_refused_even_before_the_tick() -> None:
    stage = waiting_stage()
    stage.clock.advance_to(stage.now_run.release.expires_at or stage.clock.now())
    with pytest.raises(ConflictError, match=r"refusal\.time_to_approve_over"):
        stage.approvals.publish_winner(stage.run_id, "manager")


def test_an_approval_a_moment_before_the_expiry_is_honoured() -> None:
    stage = waiting_stage()
    expires = stage.now_run.release.expires_at
    assert expires is not None
    stage.clock.advance_to(expires - timedelta(seconds=1))
    stage.approvals.publish_winner(stage.run_id, "manager")
    stage.clock.advance_to(expires + timedelta(minutes=1))
    assert stage.go().status is RunStatus.COMPLETED


def test_without_a_proven_winner_the_variant_must_be_named() -> None:
    stage = waiting_stage(proven=False)
    with pytest.raises(InvalidRequestError, match=r"refusal\.not_proven") as refused:
        stage.approvals.publish_winner(stage.run_id, "manager")
    assert refused.value.problems[0].code == "not_proven"
    assert "A, B" in english(refused.value.remedy)


def test_a_person_may_choose_where_nothing_is_proven() -> None:
    stage = waiting_stage(proven=False)
    stage.approvals.publish_winner(
        stage.run_id, "manager", variant="A", comment="fits the shop", role=Role.MANAGER
    )
    run = stage.go()
    assert (run.status, run.release.winner, run.release.is_proven) == (RunStatus.COMPLETED, "A", False)
    assert all("Final (A)" in name for name in stage.active())


def test_a_choice_against_the_proof_is_an_override_and_proves_nothing() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(
        stage.run_id, "maria", variant="A", comment="B is out of stock", role=Role.MANAGER
    )
    for view in (stage.reports.view(stage.run_id), stage.reports.view(stage.go().id)):
        assert (view.run.release.winner, view.run.release.is_proven, view.is_overridden) == ("A", False, True)
        assert (view.named_by_verdict, view.verdict_proves) == ("B", True)
        assert view.improvement_percentage is None
        assert {one.variant.letter: one.state for one in view.variants} == {"A": "chosen", "B": "set_aside"}
    (event,) = stage.events("approved")
    assert (
        english(event.message)
        == "maria overrode the verdict and approved variant A. Reason: B is out of stock"
    )
    assert event.data["override"] is True
    assert event.data["verdict_names"] == "B"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, None])
def test_an_override_needs_a_manager_or_an_administrator(role: Role | None) -> None:
    stage = waiting_stage()
    with pytest.raises(OverrideForbiddenError, match=r"speaks against variant A.*admin, manager"):
        stage.approvals.publish_winner(stage.run_id, "olga", variant="A", comment="because", role=role)
    assert stage.now_run.release.approval is None


@pytest.mark.parametrize("comment", ["", "   "])
def test_an_override_needs_a_reason(comment: str) -> None:
    stage = waiting_stage()
    with pytest.raises(InvalidRequestError, match=r"refusal\.override_without_reason") as refused:
        stage.approvals.publish_winner(stage.run_id, "ana", variant="A", comment=comment, role=Role.ADMIN)
    assert refused.value.problems[0].field == "comment"


def test_a_variant_proven_worse_is_chosen_only_as_an_override() -> None:
    stage = waiting_stage(proven=False)
    run = replace(stage.now_run, trial=replace(stage.now_run.trial, eliminated=("A",)))
    assert overrides_evidence(run, None, "A")
    assert not overrides_evidence(run, None, "B")


def test_a_best_bet_is_the_verdicts_choice_too() -> None:
    run = waiting_stage(proven=False).now_run
    assert overrides_evidence(run, said(run, '{"winner": "B"}'), "A")
    assert not overrides_evidence(run, said(run, '{"winner": "B"}'), "B")


def test_what_either_verdict_recommends_is_open_to_all_who_approve() -> None:
    run = waiting_stage(proven=False).now_run
    bet = said(run, '{"winner": null}', '{"choice": "publish", "variant": "B"}')
    assert not overrides_evidence(run, bet, "B")
    assert overrides_evidence(run, bet, "A")
    both = replace(bet, verdict='{"winner": "A"}')
    assert not any(overrides_evidence(run, both, letter) for letter in "AB")
    none = replace(bet, money='{"choice": "keep_split", "variant": "B"}')
    assert [overrides_evidence(run, none, letter) for letter in ("A", "B", None)] == [True, True, False]
    assert overrides_evidence(run, bet, None)
    either = replace(none, verdict='{"winner": "A"}')
    assert [overrides_evidence(run, either, letter) for letter in ("A", "B", None)] == [False, True, False]
    undecided = replace(bet, money='{"choice": "test_on", "variant": "B"}')
    assert not any(overrides_evidence(run, undecided, letter) for letter in ("A", "B", None))
    against = replace(bet, money='{"choice": "spend_nothing", "variant": "B"}')
    assert all(overrides_evidence(run, against, letter) for letter in ("A", "B", None))
    proven = replace(against, verdict='{"winner": "A"}')
    assert not overrides_evidence(run, proven, "A")


def said(run: Run, verdict: str, money: str | None = None) -> Decision:
    return Decision(run.id, run.updated_at, 1, "not_enough_data", True, verdict, "", "", money)


def test_the_kinds_that_prove_are_those_on_which_a_run_goes_on_by_itself() -> None:
    assert {kind.value for kind in PROVEN} == PROVING_KINDS


def test_whoever_releases_the_winner_after_an_override_learns_of_it() -> None:
    stage = waiting_stage()
    stage.approvals.publish_winner(stage.run_id, "ana", variant="A", comment="stock", role=Role.ADMIN)
    with pytest.raises(ConflictError, match=r"refusal\.approved_already variant=A"):
        stage.approvals.publish_winner(stage.run_id, "olga")


@pytest.mark.parametrize("form", ["B", "b", " b ", "{run}:B", "{run}:b", "Test Campaign - Variant B"])
def test_a_variant_may_be_named_by_letter_id_or_name(form: str) -> None:
    stage = waiting_stage(proven=False)
    run = stage.approvals.publish_winner(
        stage.run_id, "ana", variant=form.format(run=stage.run_id), comment="taste", role=Role.MANAGER
    )
    assert run.release.approval is not None
    assert run.release.approval.variant == "B"


@pytest.mark.parametrize("form", ["C", "", "Variant B", "00000000-0000-4000-8000-000000000000:B"])
def test_a_variant_that_the_run_does_not_have_is_refused(form: str) -> None:
    stage = waiting_stage(proven=False)
    with pytest.raises(InvalidRequestError, match=r"refusal\.no_such_variant"):
        stage.approvals.publish_winner(stage.run_id, "operator", variant=form)


def test_without_a_winner_a_run_told_to_stop_completes_with_nothing_published() -> None:
    stage = Stage(with_test(on_no_winner=NoWinner.STOP))
    stage.meta.rates = EQUAL_RATES
    run = stage.go()
    assert (run.status, run.release.winner, run.release.final_budget) == (RunStatus.COMPLETED, None, None)
    assert "no winner was proven, and on_no_winner is stop" in english(run.attention)
    assert stage.everything_off()
    assert len(stage.created_campaigns()) == 2


def test_a_winner_for_whom_too_little_is_left_is_not_published_and_the_run_says_why() -> None:
    stage = Stage(with_total("100.01"))
    stage.go(RunStatus.WAITING_APPROVAL)
    stage.approvals.publish_winner(stage.run_id, "manager")
    run = stage.go()
    assert (run.status, run.release.final_budget) == (RunStatus.COMPLETED, None)
    assert "Nothing is published: 0.0" in english(run.attention)
    assert stage.everything_off()


def test_without_a_winner_a_run_without_approval_still_asks_a_person() -> None:
    stage = Stage(brief_request(require_human_approval=False))
    stage.meta.rates = EQUAL_RATES
    assert stage.go(RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL


def test_a_proven_winner_needs_nobody_where_no_approval_was_asked_for() -> None:
    stage = Stage(brief_request(require_human_approval=False))
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert (run.status, run.release.winner) == (RunStatus.COMPLETED, "B")
