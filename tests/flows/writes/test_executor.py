"""One write at Meta, whatever goes wrong with it: made once, found again, given up in the open, never past the gate."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from autopublisher.domain.accounts.stops import LANDS_WITHIN
from autopublisher.domain.errors import (
    GateRefusedError,
    MetaAuthorisationError,
    MetaNotFoundError,
    MetaRefusedError,
    MetaThrottledError,
    MetaTransientError,
    StaleRunError,
)
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec, OperationState
from autopublisher.domain.meta.rules import MetaHeldBackError
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.writes.executor import Executor
from autopublisher.flows.writes.patience import Patience
from support.staging import TEST_OBJECTS, PlannedFault, Stage, Witnessed, cut_off, once, with_total
from support.wording import english

CREATES = 8
"""Creates of the brief's test: campaign, ad set, creative and ad of two arms."""


def executor_of(stage: Stage) -> Executor:
    return Executor(stage.open_unit, stage.meta, stage.storage, stage.clock)


def alone() -> Stage:
    """Return a stage on whose account every write leaves by itself."""
    stage = Stage()
    stage.meta.most_together = 1
    return stage


def campaign_spec(key: str = "test/x/campaign", reserves: int = 0) -> OperationSpec:
    params = {"name": f"Extra [{key}]", "status": "PAUSED"}
    return OperationSpec(key, Action.CREATE, ObjectKind.CAMPAIGN, params, token=f"[{key}]", reserves=reserves)


# --- outcomes nobody can tell ---------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_a_create_that_took_effect_without_an_answer_is_adopted_and_not_repeated(nth: int) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth, done=True)]
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert len(stage.meta.made("create")) == CREATES


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_a_create_that_never_arrived_is_sent_again(nth: int) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth)]
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert len(stage.meta.made("create")) == CREATES + 1


def token_look_ups(stage: Stage) -> list[Witnessed]:
    """Return the listings that ask for one object, not for all of a run."""
    return [one for one in stage.meta.made("find") if str(one.params["name_contains"]).endswith("]")]


def looked_up(stage: Stage) -> tuple[datetime, datetime, list[datetime]]:
    """Return when the first create was sent, when it was sent again, and when it was looked up in between."""
    first, second = stage.meta.made("create")[:2]
    return (
        first.at,
        second.at,
        [one.at for one in token_look_ups(stage) if first.at <= one.at <= second.at],
    )


def test_a_create_is_sent_again_only_after_look_ups_that_outlast_what_meta_may_not_list() -> None:
    stage = alone()
    stage.meta.troubles = [PlannedFault("create", cut_off())]
    stage.go(RunStatus.AB_TESTING)
    first, again, looks = looked_up(stage)
    assert again == looks[-1] >= first + Patience().absent_after
    assert len([look for look in looks if look >= first + LANDS_WITHIN]) >= Patience().lookups
    assert all(later - earlier >= Patience().spacing for earlier, later in pairwise(looks))


def test_what_was_missed_once_makes_every_later_create_wait_for_twice_as_long() -> None:
    stage = Stage(pace=EngineConfig(patience=Patience(absent_after=timedelta(minutes=3))))
    stage.meta.most_together = 1
    stage.meta.troubles = [PlannedFault("create", cut_off(), done=True)]
    stage.meta.blind = 4  # until it counts as absent, which makes a copy
    stage.go(RunStatus.AB_TESTING)
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    assert any(row.key.startswith("duplicate/test/a/campaign") for row in stage.rows())
    with stage.open_unit() as unit:
        seen = unit.listing_lags.longest()
    assert seen >= timedelta(minutes=3)
    later = Stage(pace=stage.pace)
    later.meta.most_together = 1
    with later.open_unit() as unit:
        unit.listing_lags.note(seen, later.clock.now())
        unit.commit()
    later.meta.troubles = [PlannedFault("create", cut_off())]
    later.go(RunStatus.AB_TESTING)
    first, again, _ = looked_up(later)
    assert again >= first + 2 * seen


def test_a_create_believed_absent_that_was_not_sent_at_once_is_looked_up_once_more() -> None:
    stage = Stage(pace=EngineConfig(patience=Patience(absent_after=timedelta(minutes=3))))
    held = MetaHeldBackError(
        "the account's allowance is used up", retry_at=stage.clock.now() + timedelta(hours=1)
    )
    stage.meta.troubles = [PlannedFault("create", cut_off(), done=True), PlannedFault("create", held, nth=2)]
    stage.meta.blind = 4  # until it counts as absent; it shows when the repetition may leave
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert stage.row("test/a/campaign").attempts == 1
    with stage.open_unit() as unit:
        assert unit.listing_lags.longest() >= timedelta(minutes=3)


def test_a_create_believed_absent_is_sent_after_one_look_up_more_that_found_nothing() -> None:
    stage = alone()
    held = MetaHeldBackError(
        "the account's allowance is used up", retry_at=stage.clock.now() + timedelta(hours=1)
    )
    stage.meta.troubles = [PlannedFault("create", cut_off()), PlannedFault("create", held, nth=2)]
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    _, again, sent = stage.meta.made("create")[:3]
    assert [look.at for look in token_look_ups(stage) if again.at < look.at <= sent.at] == [sent.at]


def test_an_object_that_shows_late_says_how_late() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), done=True)]
    stage.meta.blind = 3
    stage.go(RunStatus.AB_TESTING)
    with stage.open_unit() as unit:
        assert unit.listing_lags.longest() >= Patience().spacing


def test_a_copy_that_somebody_made_later_says_nothing_of_how_late_meta_lists() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.clock.advance_to(stage.clock.now() + timedelta(hours=5))
    stage.meta.copy_of(MetaId(stage.row("test/a/campaign").meta_id or ""))
    stage.approvals.cancel(stage.run_id, "manager")
    stage.go()
    assert any(row.key.startswith("duplicate/") for row in stage.rows())
    with stage.open_unit() as unit:
        assert unit.listing_lags.longest() == timedelta(0)


def test_a_look_up_that_fails_proves_nothing() -> None:
    stage = alone()
    stage.meta.troubles = [
        PlannedFault("create", cut_off()),
        PlannedFault("find", MetaTransientError("Meta is down"), nth=4, times=10),
    ]
    stage.step()
    while len(stage.meta.made("find")) < 13:
        stage.step()
    row = stage.row("test/a/campaign")
    assert (row.state, row.lookups) == (OperationState.UNKNOWN, 0)
    assert len(stage.meta.made("create")) == 1


def test_an_object_that_shows_late_is_found_by_a_later_look_up() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), done=True)]
    stage.meta.blind = 2
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
    assert stage.row("test/a/campaign").attempts == 1


def test_an_upload_without_an_answer_is_repeated_because_its_hash_makes_that_harmless() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("upload_image", cut_off(), done=True)]
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS


def test_a_short_outage_during_an_upload_does_not_end_the_run() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("upload_image", cut_off(), times=4)]
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    uploads = [one.at for one in stage.meta.made("upload_image")]
    assert uploads[4] - uploads[0] >= 4 * Patience().spacing


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(1, 11))
@pytest.mark.parametrize("done", [True, False])
def test_an_update_without_an_answer_ends_as_asked(nth: int, done: bool) -> None:  # noqa: FBT001 - a parameter
    stage = Stage()
    stage.meta.troubles = [PlannedFault("update", cut_off(), nth, done=done)]
    stage.go(RunStatus.ANALYZING_RESULTS)
    updates = [row for row in stage.rows() if row.spec.action is Action.UPDATE]
    assert {row.state for row in updates} == {OperationState.CONFIRMED}


# --- more than one --------------------------------------------------------------------------------


def stage_with_a_twin(nth: int) -> tuple[Stage, str]:
    """Lose the answer of the ``nth`` create, find two objects, and return the first one's key."""
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", cut_off(), nth, done=True)]
    stage.meta.echoes = 1
    stage.go(RunStatus.AB_TESTING)
    (twin,) = [row for row in stage.rows() if "duplicate" in row.key]
    return stage, twin.key


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_of_two_objects_the_first_is_kept_and_the_second_journaled(nth: int) -> None:
    stage, twin_key = stage_with_a_twin(nth)
    twin = stage.row(twin_key)
    (kept,) = [row for row in stage.rows() if row.spec.token == twin.spec.token and row.key != twin_key]
    assert int(kept.meta_id or 0) < int(twin.meta_id or 0)
    assert [event.data["meta_id"] for event in stage.events("duplicate_found")] == [twin.meta_id]


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_a_duplicate_is_never_switched_on_and_reserves_nothing(nth: int) -> None:
    stage, twin_key = stage_with_a_twin(nth)
    assert stage.at_meta(twin_key).get("status", "PAUSED") == "PAUSED"
    assert stage.row(twin_key).spec.reserves == 0


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_a_duplicate_is_wound_down_with_the_run(nth: int) -> None:
    stage, twin_key = stage_with_a_twin(nth)
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.at_meta(twin_key)["status"] == "DELETED"
    assert stage.everything_off()


# --- refusals and rollback ------------------------------------------------------------------------


def refusal() -> MetaRefusedError:
    return MetaRefusedError("Invalid parameter", code=100, user_message="Name another link.")


@pytest.mark.parametrize("nth", range(1, CREATES + 1))
def test_a_refused_create_ends_the_run_with_metas_words_and_nothing_left(nth: int) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", refusal(), nth)]
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "Invalid parameter" in english(run.ending.why)
    assert "Name another link." in english(run.ending.why)
    assert [one.fields["name"] for one in stage.live()] == []


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_refused_update_ends_the_run_with_everything_off(nth: int) -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("update", refusal(), nth)]
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert stage.everything_off()


def test_a_rollback_deletes_only_what_never_ran() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("update", refusal(), 2)]
    stage.go()
    statuses = {row.key: stage.at_meta(row.key).get("status") for row in stage.rows() if is_create(row.spec)}
    assert statuses["test/a/ad"] == "PAUSED"
    assert statuses["test/b/ad"] == "PAUSED"


def is_create(spec: OperationSpec) -> bool:
    return spec.action is Action.CREATE


def test_a_rollback_that_meta_refuses_is_tried_again_until_everything_is_off() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.meta.troubles = [PlannedFault("update", refusal(), len(stage.meta.made("update")) + 1, times=3)]
    stage.approvals.cancel(stage.run_id, "manager")
    assert stage.step().attention is not None
    assert stage.go().status is RunStatus.CANCELLED
    assert stage.everything_off()


def test_a_rollback_leaves_a_creative_that_another_ad_uses() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("create", refusal(), CREATES)]

    def use_it(_number: int, method: str) -> None:
        made = stage.meta.of_kind(ObjectKind.CREATIVE)
        if method == "delete" and not other:
            fields = {
                "name": "Another run's",
                "adset_id": elsewhere,
                "creative": {"creative_id": made[0].fields["id"]},
            }
            other.append(stage.meta.create(stage.now_run.act_id, ObjectKind.AD, fields))

    other: list[MetaId] = []
    stage.step()
    campaign = stage.meta.create(stage.now_run.act_id, ObjectKind.CAMPAIGN, {"name": "Another run's"})
    parent = {"name": "Another run's", "campaign_id": campaign}
    elsewhere = stage.meta.create(stage.now_run.act_id, ObjectKind.AD_SET, parent)
    stage.meta.on_call = use_it
    run = stage.go()
    assert run.status is RunStatus.FAILED
    left = [one for one in stage.meta.of_kind(ObjectKind.CREATIVE) if one.fields.get("status") != "DELETED"]
    assert len(left) == 1
    refused = [
        row
        for row in stage.rows()
        if row.spec.action is Action.DELETE and row.state is OperationState.REJECTED
    ]
    assert len(refused) == 1


def test_a_refused_upload_ends_the_run_before_any_campaign_exists() -> None:
    stage = Stage()
    stage.meta.troubles = [PlannedFault("upload_image", refusal())]
    assert stage.go().status is RunStatus.FAILED
    assert stage.meta.of_kind(ObjectKind.CAMPAIGN) == []


# --- to be tried again later ----------------------------------------------------------------------


def test_a_throttled_create_waits_as_long_as_meta_says_and_goes_on() -> None:
    stage = Stage()
    again = stage.clock.now() + timedelta(minutes=37)
    stage.meta.troubles = [PlannedFault("create", MetaThrottledError("too many calls", retry_at=again))]
    stage.step()
    run = stage.step()
    assert "too many calls" in english(run.attention)
    assert run.next_tick_at == again
    assert stage.go(RunStatus.AB_TESTING).attention is None
    assert stage.kinds() == TEST_OBJECTS


@pytest.mark.parametrize("method", ["create", "update", "upload_image", "find", "tree"])
@pytest.mark.parametrize("kind", [MetaThrottledError, MetaAuthorisationError])
def test_a_passing_hindrance_delays_the_run_and_tells_people(
    method: str, kind: type[MetaThrottledError | MetaAuthorisationError]
) -> None:
    stage = Stage()
    stage.meta.troubles = [
        PlannedFault("create", cut_off()),
        PlannedFault(method, kind("not now"), nth=1 if method == "tree" else 2, times=2),
    ]
    attentions = [stage.now_run.attention]
    while stage.now_run.status is not RunStatus.AB_TESTING:
        attentions.append(stage.step().attention)
        assert not stage.now_run.is_final, stage.now_run.ending.why
    assert any("not now" in english(attention) for attention in attentions)
    assert stage.kinds() == TEST_OBJECTS


# --- what does not show ---------------------------------------------------------------------------


def test_an_activation_that_does_not_show_is_sent_again() -> None:
    stage = Stage()
    stage.meta.deaf = 3
    assert stage.go(RunStatus.AB_TESTING).status is RunStatus.AB_TESTING
    assert len(stage.active()) == 6


def test_an_activation_that_never_shows_is_given_up_and_the_run_fails_with_everything_off() -> None:
    stage = Stage()
    stage.meta.deaf = 10**6
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "given up" in english(run.ending.why)
    assert "status is PAUSED, not ACTIVE" in english(run.ending.why)
    assert stage.everything_off()


def test_a_delete_of_what_meta_no_longer_knows_is_confirmed() -> None:
    stage = Stage()
    stage.go(RunStatus.AB_TESTING)
    stage.meta.troubles = [
        PlannedFault("read", MetaNotFoundError("gone", code=100), len(stage.meta.made("read")) + 1)
    ]
    spec = OperationSpec("delete/test/a/ad/1", Action.DELETE, ObjectKind.AD, target="test/a/ad")
    done = executor_of(stage).perform(stage.now_run, spec)
    assert done.state is OperationState.CONFIRMED


# --- the gate and the fence -----------------------------------------------------------------------


def test_what_the_gate_refuses_is_neither_journaled_nor_sent() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    rows, calls = stage.rows(), len(stage.meta.witnessed)
    with pytest.raises(GateRefusedError, match=r"left=400\.00 EUR total=500\.00 EUR"):
        executor_of(stage).perform(run, campaign_spec(reserves=40_001))
    assert stage.rows() == rows
    assert len(stage.meta.witnessed) == calls


def test_what_fits_to_the_last_cent_passes_the_gate() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    assert executor_of(stage).perform(run, campaign_spec(reserves=40_000)).state is OperationState.CONFIRMED
    with pytest.raises(GateRefusedError):
        executor_of(stage).perform(run, campaign_spec("test/y/campaign", reserves=1))


def test_a_run_that_the_gate_stops_ends_with_everything_off() -> None:
    stage = alone()
    stage.step()
    less = with_total("80").budget_config  # changed behind the checks' back
    stage.overwrite(request=replace(stage.now_run.request, budget_config=less))
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "The money gate refused test/b/adset" in english(run.ending.why)
    assert len(stage.meta.of_kind(ObjectKind.AD_SET)) == 1
    assert stage.everything_off()


def test_a_worker_that_lost_its_run_writes_nothing_and_sends_nothing() -> None:
    stage = Stage()
    run = stage.go(RunStatus.AB_TESTING)
    stage.overwrite(attention="another worker has it")
    rows, calls = stage.rows(), len(stage.meta.witnessed)
    with pytest.raises(StaleRunError):
        executor_of(stage).perform(run, campaign_spec())
    assert stage.rows() == rows
    assert len(stage.meta.witnessed) == calls


def test_a_worker_that_loses_its_run_during_a_call_leaves_its_object_to_the_next() -> None:
    stage = Stage()
    stage.step()
    stage.meta.on_call = once("create", lambda: done(stage.overwrite(attention="another worker has it")))
    stage.step()
    assert stage.row("test/a/campaign").state is OperationState.SENT
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS


def done(_result: object) -> None:
    """Have no use for a result."""


# --- two workers ----------------------------------------------------------------------------------


def calls_of_the_building_tick() -> tuple[int, int]:
    stage = Stage()
    stage.step()
    before = len(stage.meta.witnessed)
    stage.step()
    return before, len(stage.meta.witnessed)


@pytest.mark.slow
def test_a_second_worker_on_the_same_tick_at_any_call_makes_nothing_twice() -> None:
    first, last = calls_of_the_building_tick()
    for moment in range(first + 1, last + 1):
        stage = Stage()
        stage.step()
        tick = stage.tick_of(stage.now_run)
        rival = stage.orchestrator_over()

        def intrude(number: int, _method: str, at: int = moment) -> None:
            if number == at:
                rival.advance(tick)  # noqa: B023 - the loop's own rival, called within this round

        stage.meta.on_call = intrude
        stage.go(RunStatus.AB_TESTING)
        assert stage.kinds() == TEST_OBJECTS, moment


def test_two_threads_on_the_same_tick_make_one_of_each_object() -> None:
    stage = Stage()
    stage.step()
    tick = stage.tick_of(stage.now_run)
    barrier = threading.Barrier(2)

    def work() -> None:
        orchestrator = stage.orchestrator_over()
        barrier.wait(timeout=10)
        orchestrator.advance(tick)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    stage.go(RunStatus.AB_TESTING)
    assert stage.kinds() == TEST_OBJECTS
