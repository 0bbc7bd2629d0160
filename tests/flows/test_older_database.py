"""A database that is put back to an earlier moment while Meta goes on: no second final campaign, and no cent too much."""

import json
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest

from autopublisher.domain.access import Role
from autopublisher.domain.accounts.installation import Installation, Restoration
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.errors import ConflictError, MetaThrottledError, MetaTransientError
from autopublisher.domain.ids import InstallationId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import Action, ObjectKind, resolve
from autopublisher.domain.money.ledger import commitment_of
from autopublisher.domain.reconciliation.found import OLDER, found_digest, found_in
from autopublisher.domain.request.request import BudgetConfig
from autopublisher.domain.runs.run import FINAL, RunStatus, Way
from metasim.faults import read_fault
from metasim.state import AdSet, Campaign
from support.restoring import TOTAL_MINOR, Backup, RestoredWorld
from support.simulated import ACT, brief_request
from support.wording import english

pytestmark = pytest.mark.slow  # runs over the simulator

_R = RunStatus
NO_CAP = 922337203685478
"""With this a campaign's spending limit is taken away."""

UNDER_WAY = [status for status in RunStatus if status not in FINAL]


def backup_in(world: RestoredWorld, status: RunStatus, *, last: bool = False) -> Backup:
    found = [one for one in world.backups if one.status is status]
    return found[-1 if last else 0]


@cache
def published(way: Way) -> RestoredWorld:
    """Return a world whose run has published its winner, to be copied."""
    world = RestoredWorld(way=way)
    assert world.go().status is _R.COMPLETED
    return world


def completed(after: float = 2, way: Way = Way.SCALED) -> RestoredWorld:
    """Return a world whose run has published its winner, some hours later."""
    world = published(way).copied()
    world.pass_time(hours=after)
    return world


def restored(status: RunStatus, *, last: bool = False, after: float = 2) -> RestoredWorld:
    world = completed(after)
    world.restore(backup_in(world, status, last=last))
    return world


def within_total(world: RestoredWorld) -> bool:
    """Tell whether the market's books have never had more than the total for this run, spent and possible."""
    peak = world.books().peak_total
    return peak is not None and peak <= TOTAL_MINOR


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("status", UNDER_WAY)
def test_a_restored_run_never_makes_a_second_final_campaign(status: RunStatus, last: bool) -> None:  # noqa: FBT001 - a parameter
    world = restored(status, last=last)
    made = world.made()
    run = world.live_on(hours=30)
    assert within_total(world)
    assert len(world.campaigns()) == 1
    assert world.made() == made
    if status is not _R.PUBLISHING_FINAL:
        assert run.status is status
        assert OLDER in english(run.attention)
        assert run.next_tick_at is None


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.SCALING_BUDGET, _R.PUBLISHING_FINAL])
def test_a_final_campaign_that_somebody_archived_counts_all_the_same(status: RunStatus) -> None:
    world = completed(after=40)
    world.edit(world.campaigns()[0].id, status="ARCHIVED")
    world.restore(backup_in(world, status))
    run = world.live_on(hours=30)
    assert (run.status, len(world.campaigns()), within_total(world)) == (status, 1, True)
    assert OLDER in english(run.attention)
    world.machine.approvals.adopt(world.run_id, "manager")
    assert world.live_on(hours=1).status is status
    world.machine.approvals.cancel(world.run_id, "manager")
    assert world.live_on(hours=5).status is _R.CANCELLED
    assert world.books().could_still_spend == 0


@pytest.mark.parametrize("again", Way)
@pytest.mark.parametrize("went", [Way.IN_PLACE, Way.KEEP_ALL])
@pytest.mark.parametrize("status", UNDER_WAY)
def test_arms_that_went_on_are_counted_whatever_is_approved_after_a_restore(
    status: RunStatus, went: Way, again: Way
) -> None:
    world = completed(after=0, way=went)
    assert len(world.active()) == (4 if went is Way.KEEP_ALL else 2)
    for last in (False, True):
        world.pass_time(hours=20)
        world.restore(backup_in(world, status, last=last))
        world.way = again
        world.live_on(hours=40)
        assert within_total(world), (last, world.books())
    if not world.run.is_final:
        world.machine.approvals.cancel(world.run_id, "manager")
        world.live_on(hours=10)
        assert world.active() == []
    assert within_total(world)


def test_a_run_restored_to_its_publishing_takes_over_what_is_provably_the_same_plan() -> None:
    world = restored(_R.PUBLISHING_FINAL)
    before = world.made()
    assert world.live_on(hours=1).status is _R.COMPLETED
    assert world.made() == before
    assert world.campaigns()[0].status == "ACTIVE"


def test_what_is_on_stays_on_while_all_of_it_fits_the_total() -> None:
    world = restored(_R.AB_TESTING)
    world.live_on(hours=30)
    assert world.campaigns()[0].status == "ACTIVE"


def test_what_could_pass_the_total_is_switched_off() -> None:
    world = completed()
    world.edit(world.campaigns()[0].id, spend_cap=9_000_000)
    world.restore(backup_in(world, _R.AB_TESTING))
    world.live_on(hours=1)
    assert world.active() == []
    assert "switched off" in english(world.run.attention)


def test_a_found_daily_budget_that_was_lowered_counts_what_was_spent_and_what_still_can_be() -> None:
    for_three_days = BudgetConfig(
        total_budget=Decimal(500), daily_budget=Decimal(140), scaling_factor=Decimal(1)
    )
    world = RestoredWorld(brief_request(budget_config=for_three_days))
    assert world.go().status is _R.COMPLETED
    now = world.machine.clock.now()
    sunday = now.replace(hour=23, minute=30) + timedelta(days=2)  # in Madrid: a week without spend has begun
    world.pass_time(hours=(sunday - now) / timedelta(hours=1))
    (campaign,) = world.campaigns()
    (ad_set,) = [
        one for one in world.machine.simulator.state.of_kind(AdSet) if one.campaign_id == campaign.id
    ]
    world.edit(campaign.id, spend_cap=NO_CAP)
    world.edit(ad_set.id, daily_budget=4_000)
    spent, still = campaign.spent_micros // 10_000, world.books().could_still_spend
    assert still
    world.restore(backup_in(world, _R.AB_TESTING))
    world.live_on(hours=1)
    (found,) = [row for row in world.rows() if row.key == "final/adset"]
    assert commitment_of(found, world.rows()) >= spent + still
    assert world.active() == []
    assert "switched off" in english(world.run.attention)


@pytest.mark.parametrize("status", UNDER_WAY)
def test_a_restored_run_that_is_cancelled_has_its_final_campaign_off(status: RunStatus) -> None:
    world = restored(status)
    if status is not _R.PUBLISHING_FINAL:  # that one knows what to do by itself
        world.live_on(hours=1)
    world.machine.approvals.cancel(world.run_id, "manager")
    assert world.live_on(hours=5).status is _R.CANCELLED
    assert world.active() == []
    assert world.books().could_still_spend == 0
    assert within_total(world)


def test_a_held_run_takes_no_approval() -> None:
    world = restored(_R.WAITING_APPROVAL)
    world.machine.look()
    with pytest.raises(ConflictError, match="older"):
        world.machine.approvals.publish_winner(world.run_id, "manager", variant="B")


@pytest.mark.parametrize("status", [one for one in UNDER_WAY if one is not _R.PUBLISHING_FINAL])
def test_a_person_has_a_restored_run_adopt_its_final_campaign(status: RunStatus) -> None:
    world = restored(status)
    world.live_on(hours=1)
    made = world.made()
    world.machine.approvals.adopt(world.run_id, "manager", digest=found_digest(world.rows()))
    run = world.live_on(hours=30)
    assert (run.status, run.release.winner) == (_R.COMPLETED, "B"), run.attention
    assert world.made() == made
    assert world.campaigns()[0].status == "ACTIVE"
    assert world.ads() == {"final.ad": "ACTIVE"}
    assert within_total(world)
    assert not found_in(world.rows())
    with world.machine.database.unit_of_work() as unit:
        (campaign,) = unit.campaigns.of_runs([run.id]).values()
    assert (campaign.state, campaign.version > 1) == (CampaignState.DELIVERING, True)


def replaced() -> RestoredWorld:
    """Return a world whose final ad, of variant B, Meta has refused, and which has published A in its place."""
    world = RestoredWorld()
    world.go(_R.PUBLISHING_FINAL)
    refusal = {"kind": "ad_disapproved", "ad": "Final", "match": {"method": "GET"}}
    world.machine.simulator.faults.plan(read_fault(json.dumps(refusal)))
    while not world.tick().is_refused:
        pass
    world.machine.approvals.publish_winner(
        world.run_id, "manager", variant="A", comment="Meta refused it", role=Role.MANAGER
    )
    assert world.go().status is _R.COMPLETED
    world.pass_time(hours=2)
    return world


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.PUBLISHING_FINAL])
def test_an_adopted_final_campaign_keeps_the_ad_that_took_a_refused_ones_place(status: RunStatus) -> None:
    world = replaced()
    ads = world.ads()
    world.restore(backup_in(world, status))
    world.live_on(hours=1)
    world.machine.approvals.adopt(world.run_id, "manager", digest=found_digest(world.rows()))
    run = world.live_on(hours=30)
    assert (run.status, run.release.winner, run.release.is_proven) == (_R.COMPLETED, "A", False), (
        run.attention
    )
    assert world.ads() == ads == {"final.ad": "PAUSED", "final.a.ad": "ACTIVE"}
    assert not [row for row in world.rows() if row.key.startswith("pause/final/a/")]
    assert within_total(world)


def test_an_adoption_is_bound_to_what_the_person_was_shown() -> None:
    world = restored(_R.AB_TESTING)
    world.live_on(hours=1)
    with pytest.raises(ConflictError, match="more_found"):
        world.machine.approvals.adopt(world.run_id, "manager", digest="0" * 16)
    assert world.run.status is _R.AB_TESTING


def test_nothing_is_adopted_that_could_pass_the_total() -> None:
    world = restored(_R.AB_TESTING)
    world.live_on(hours=1)
    world.edit(world.campaigns()[0].id, spend_cap=9_000_000)
    world.machine.approvals.adopt(world.run_id, "manager")
    run = world.live_on(hours=1)
    assert run.status is _R.AB_TESTING
    assert run.next_tick_at is None


@pytest.mark.parametrize("cap", [40_000, None])
def test_what_a_found_ad_set_may_have_spent_already_is_set_aside_too(cap: int | None) -> None:
    world = completed(after=92)
    world.campaigns()[0].spend_cap = cap
    world.restore(backup_in(world, _R.AB_TESTING, last=True))
    world.tick()
    (ad_set,) = [row for row in world.rows() if row.key == "final/adset"]
    # Without a cap: 175 % of 100.00 on each of the five days from its start, and one more for other time zones.
    assert ad_set.spec.reserves == (cap or 6 * 17_500)


def test_nothing_is_adopted_while_what_it_has_spent_cannot_be_read() -> None:
    world = restored(_R.AB_TESTING)
    world.live_on(hours=1)
    world.machine.approvals.adopt(world.run_id, "manager")
    with world.unread(MetaTransientError("down")):
        run = world.live_on(hours=1)
    assert (run.status, run.next_tick_at) == (_R.AB_TESTING, None)
    assert "what it has spent cannot be read" in english(run.attention)
    world.machine.approvals.adopt(world.run_id, "manager")
    assert world.live_on(hours=30).status is _R.COMPLETED


@pytest.mark.parametrize("ahead", [_R.AB_TESTING, _R.ANALYZING_RESULTS])
def test_a_run_restored_while_its_test_was_built_builds_no_arm_again(ahead: RunStatus) -> None:
    world = RestoredWorld()
    world.go(ahead)
    world.restore(backup_in(world, _R.CREATING_CAMPAIGNS))
    made = world.made()
    world.live_on(hours=60)
    assert world.made("Variant") == made
    assert within_total(world)


def test_a_run_restored_twice_still_has_one_final_campaign() -> None:
    world = restored(_R.SCALING_BUDGET)
    world.live_on(hours=2)
    world.restore(backup_in(world, _R.AB_TESTING))
    world.live_on(hours=2)
    world.machine.approvals.adopt(world.run_id, "manager")
    world.live_on(hours=30)
    assert len(world.campaigns()) == 1
    assert within_total(world)


def test_a_stop_switches_off_what_a_restored_run_does_not_know() -> None:
    world = restored(_R.SCALING_BUDGET)
    world.machine.stops.stop(None, "the backup was old", "ana")
    world.live_on(hours=1)
    assert world.active() == []
    world.machine.stops.resume("eva", "understood", stop_id=world.machine.stops.holding()[0].id)
    run = world.live_on(hours=30)
    assert (run.status, len(world.campaigns())) == (_R.SCALING_BUDGET, 1)
    assert OLDER in english(run.attention)


@pytest.mark.parametrize("status", [_R.AB_TESTING, _R.SCALING_BUDGET, _R.PUBLISHING_FINAL])
def test_nothing_is_written_while_meta_cannot_be_listed(status: RunStatus) -> None:
    world = restored(status)
    with world.unlisted(MetaThrottledError("user request limit reached")):
        run = world.live_on(hours=2)
        assert (run.status, world.made()) == (status, world.made())
        assert [row for row in world.rows() if row.spec.action is Action.CREATE] == [
            row for row in world.rows() if row.spec.action is Action.CREATE and row.settled_at is not None
        ]
    assert len(world.campaigns()) == 1
    world.live_on(hours=30)
    assert len(world.campaigns()) == 1
    assert within_total(world)


def test_a_held_run_whose_final_campaign_somebody_deletes_is_cancelled_all_the_same() -> None:
    world = restored(_R.SCALING_BUDGET)
    world.live_on(hours=1)
    for one in world.campaigns():
        world.edit(one.id, status="DELETED")
    world.machine.approvals.cancel(world.run_id, "manager")
    assert world.live_on(hours=5).status is _R.CANCELLED
    assert world.books().could_still_spend == 0


def test_a_restored_run_says_what_was_found_and_what_it_can_spend() -> None:
    world = restored(_R.SCALING_BUDGET)
    world.live_on(hours=1)
    view = world.reports().view(world.run_id)
    assert [
        (one.key, one.status, one.name.startswith("Test Campaign - Final (B)")) for one in view.found
    ] == [
        ("final/campaign", "ACTIVE", True),
        ("final/adset", "ACTIVE", True),
        ("final/ad", "ACTIVE", True),
    ]
    (ad_set,) = [one for one in view.found if one.key == "final/adset"]
    assert ad_set.spent is not None
    assert ad_set.possible is not None
    assert 0 < ad_set.spent.minor < ad_set.possible.minor == 40_000
    assert timedelta(0) <= world.machine.clock.now() - ad_set.read_at < timedelta(hours=1)


def marked_as_restored(world: RestoredWorld) -> Restoration:
    """Have the database say that it was restored just now, as putting a backup back does."""
    now = world.machine.clock.now()
    mark = Restoration("r1", now, now - timedelta(days=1), by="ana")
    with world.machine.database.unit_of_work() as unit:
        unit.installations.save(Installation(InstallationId("i1"), now, mark))
        unit.commit()
    return mark


@pytest.mark.parametrize("status", [_R.CREATING_CAMPAIGNS, _R.SCALING_BUDGET])
def test_a_database_that_says_it_was_restored_is_compared_once_every_list_is_sure(status: RunStatus) -> None:
    world = RestoredWorld()
    world.go(status)
    mark = marked_as_restored(world)
    made, rows = world.made(), len(world.rows())
    run = world.live_on(hours=0.2)
    assert (world.made(), len(world.rows()), run.status, run.restoration) == (made, rows, status, None)
    assert "restored" in english(run.attention)
    run = world.live_on(hours=3)
    assert run.restoration == mark.id
    assert run.status is not status


def test_a_look_before_every_list_is_sure_takes_in_what_is_the_same_plan_as_that() -> None:
    world = restored(_R.PUBLISHING_FINAL)
    marked_as_restored(world)
    made = world.made()
    world.live_on(hours=0.2)
    assert found_in(world.rows()) == []
    run = world.live_on(hours=3)
    assert (run.status, world.made()) == (_R.COMPLETED, made)
    assert world.campaigns()[0].status == "ACTIVE"


def test_a_stop_takes_in_what_is_the_same_plan_as_that() -> None:
    world = restored(_R.PUBLISHING_FINAL)
    world.machine.stops.stop(None, "the backup was old", "ana")
    world.live_on(hours=1)
    assert world.active() == []
    assert found_in(world.rows()) == []
    world.machine.stops.resume("eva", "understood", stop_id=world.machine.stops.holding()[0].id)
    assert world.live_on(hours=3).status is _R.COMPLETED
    assert len(world.campaigns()) == 1
    assert within_total(world)


@pytest.mark.parametrize("status", [_R.CREATING_CAMPAIGNS, _R.SCALING_BUDGET, _R.PUBLISHING_FINAL])
@pytest.mark.parametrize("crash_at", [3, 9, 14, 21, 30])
def test_a_database_from_the_middle_of_a_tick_makes_nothing_twice(status: RunStatus, crash_at: int) -> None:
    world = RestoredWorld()
    world.go(status)
    world.machine.tick(world.run_id, crash_at)
    backup = Backup(world.run.status, 0, world.machine.database.tables.copy())
    assert world.go().status is _R.COMPLETED
    world.pass_time(hours=1)
    made = world.made()
    world.restore(backup)
    run = world.live_on(hours=10)
    assert world.made() == made
    assert within_total(world)
    assert run.status is _R.COMPLETED or OLDER in english(run.attention)


def test_cancelling_a_held_run_pauses_although_nothing_can_be_listed() -> None:
    world = restored(_R.AB_TESTING)
    world.live_on(hours=1)
    world.machine.approvals.cancel(world.run_id, "manager")
    with world.unlisted(MetaThrottledError(message="too many calls")):
        for _ in range(3):
            world.tick()
            world.pass_time(hours=1.1)
    assert world.active() == []


@pytest.mark.parametrize(
    ("status", "last"),
    [
        (_R.ANALYZING_RESULTS, False),
        (_R.SELECTING_WINNER, False),
        (_R.WAITING_APPROVAL, True),
        (_R.SCALING_BUDGET, True),
        (_R.PUBLISHING_FINAL, False),
        (_R.PUBLISHING_FINAL, True),
    ],
)
def test_a_final_campaign_that_somebody_deleted_counts_all_the_same(status: RunStatus, last: bool) -> None:  # noqa: FBT001 - a parameter
    world = completed(after=40)
    world.edit(world.campaigns()[0].id, status="DELETED")
    spent = world.books().spent
    world.restore(backup_in(world, status, last=last))
    marked_as_restored(world)
    run = world.live_on(hours=100)
    assert within_total(world)
    if (
        status is _R.PUBLISHING_FINAL
    ):  # what was approved cannot be paid any more, or is in the journal and gone
        assert (run.status, world.books().spent) == (_R.FAILED, spent)
        assert "somebody has deleted" in english(run.reason)
    else:
        assert (run.status, len(world.campaigns())) == (_R.COMPLETED, 2)
        assert world.books().spent > spent
        assert "somebody has deleted" in english(run.warnings[-1])


def test_the_deleted_ad_set_of_a_final_campaign_that_stands_is_not_made_again() -> None:
    world = completed(after=40)
    (campaign,) = world.campaigns()
    ad_sets = world.machine.simulator.state.of_kind(AdSet)
    (ad_set,) = [one for one in ad_sets if one.campaign_id == campaign.id]
    world.edit(ad_set.id, status="DELETED")
    made = world.made()
    world.restore(backup_in(world, _R.PUBLISHING_FINAL))
    marked_as_restored(world)
    assert world.live_on(hours=30).status is _R.FAILED
    assert (world.made(), within_total(world)) == (made, True)


def strangers_campaign(world: RestoredWorld) -> str:
    """Have somebody else switch a campaign on in the account, built as an arm is."""
    rows = {row.key: row for row in world.rows()}
    ids = {key: str(row.meta_id) for key, row in rows.items()}
    for kind in (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD):
        key = f"test/a/{kind}"
        params = {**resolve(rows[key].spec.params, ids), "name": f"Autumn {kind}", "status": "ACTIVE"}
        if kind is ObjectKind.AD_SET:
            starts = world.machine.clock.now()
            params |= {"start_time": starts.isoformat(), "end_time": (starts + timedelta(days=1)).isoformat()}
        ids[key] = str(world.machine.meta.create(ACT, kind, params))
    return ids["test/a/campaign"]


@pytest.mark.parametrize("status", [_R.ANALYZING_RESULTS, _R.SCALING_BUDGET])
def test_somebody_elses_deleted_campaign_counts_as_well_and_the_run_goes_on(status: RunStatus) -> None:
    world = RestoredWorld()
    world.go(status)
    stranger = strangers_campaign(world)
    world.pass_time(hours=30)
    world.edit(stranger, status="DELETED")
    marked_as_restored(world)
    with world.unread(MetaTransientError("down")):
        assert world.live_on(hours=2).restoration is None
        assert world.campaigns() == []
    run = world.live_on(hours=80)
    assert (run.status, len(world.campaigns())) == (_R.COMPLETED, 1)
    (row,) = [one for one in world.rows() if one.purpose is Purpose.DELETED_SPEND]
    spent = world.machine.simulator.state.need(Campaign, stranger).spent_micros // 10_000
    assert spent > 1_000
    assert spent < commitment_of(row) < spent + 10
    budget = dict(run.release.final_budget or {})["total"]
    assert (
        commitment_of(row)
        + budget
        + sum(commitment_of(one, world.rows()) for one in world.rows() if one.purpose is Purpose.TEST)
        == TOTAL_MINOR
    )


def test_figures_of_what_was_deleted_that_come_late_count() -> None:
    world = RestoredWorld()
    world.go(_R.SCALING_BUDGET)
    marked_as_restored(world)
    stranger = strangers_campaign(world)
    world.pass_time(hours=5.2)
    world.edit(stranger, status="DELETED")
    world.tick()
    (first,) = [one for one in world.rows() if one.purpose is Purpose.DELETED_SPEND]
    world.live_on(hours=1)
    (last,) = [one for one in world.rows() if one.purpose is Purpose.DELETED_SPEND]
    spent = world.machine.simulator.state.need(Campaign, stranger).spent_micros / 10_000
    assert commitment_of(first) < spent <= commitment_of(last)


def test_figures_that_move_while_they_are_read_are_no_deleted_campaign() -> None:
    world = RestoredWorld()
    world.go(_R.AB_TESTING)
    world.live_on(hours=3)
    marked_as_restored(world)
    with world.moving():
        assert world.live_on(hours=12).restoration == "r1"
    assert [one.spent for one in world.rows() if one.purpose is Purpose.DELETED_SPEND] == [0]
    events = world.reports().view(world.run_id).events
    assert not [one for one in events if one.tag.endswith(":deleted_spend")], "not even for a while"
