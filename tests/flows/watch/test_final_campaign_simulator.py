"""A run's money after its end: the run, the list and the exposure say what the market's books say, until all has settled."""

from datetime import datetime, timedelta

import pytest

from autopublisher.api.presenters import present_run
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.errors import ConflictError
from autopublisher.domain.ids import MetaId, RunId, StopId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.runs.final_campaign import published_keys
from autopublisher.domain.runs.run import RunStatus, Way
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.writes.money_gate import MoneyGate
from support.simulated import ACT, Machine
from support.wording import english

pytestmark = pytest.mark.slow  # runs over the simulator


ways = pytest.mark.parametrize("way", Way)


def published(machine: Machine, way: Way = Way.SCALED) -> RunId:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    leader = None if way is Way.KEEP_ALL else machine.run(run_id).release.leader
    machine.approvals.publish_winner(run_id, "maria", leader, "in season", role=Role.MANAGER, way=way)
    ended = machine.drive(run_id)
    assert ended.status is RunStatus.COMPLETED, ended.ending.why
    return run_id


def let_pass(machine: Machine, hours: int, every: int = 12) -> None:
    """Let time pass with a look at the account now and then."""
    for _ in range(hours // every):
        machine.clock.advance_to(machine.clock.now() + timedelta(hours=every))
        machine.look()


def assert_true(machine: Machine, run_id: RunId) -> None:
    """Check what is shown of a run against the market's books, and its faces against each other."""
    view, truth = machine.view(run_id), machine.exposure(run_id)
    money = machine.reports.lines().lines[0].money
    exposures = Exposures(machine.database.unit_of_work, machine.clock, MoneyGate())
    (account,) = exposures.of()
    assert abs(view.spent.minor - truth["spent"]) <= 3
    assert view.final is not None
    assert money.final == view.final
    finals = [money.of(key) for key in published_keys(machine.run(run_id), ObjectKind.AD_SET)]
    spends = [final.spent.minor for final in finals if final is not None]
    assert not spends or sum(spends) == view.final.spent.minor
    assert (money.spent, money.could_still_spend) == (view.spent, view.could_still_spend)
    assert account.could_still_spend == view.could_still_spend
    assert [one.spent for one in account.runs] in ([], [view.spent])
    assert view.could_still_spend.minor >= truth["could_still_spend"]
    assert view.as_of is not None
    assert machine.clock.now() - view.as_of <= timedelta(hours=1)


def state(machine: Machine, run_id: RunId) -> CampaignState:
    final = machine.view(run_id).final
    assert final is not None
    return final.campaign.state


@ways
def test_a_completed_run_shows_what_its_final_campaign_spends_until_it_has_settled(
    machine: Machine, way: Way
) -> None:
    run_id = published(machine, way)
    machine.look()
    assert state(machine, run_id) is CampaignState.DELIVERING
    let_pass(machine, 48)
    assert_true(machine, run_id)
    assert machine.view(run_id).spent.minor > 150_00
    ends = datetime.fromisoformat(str((machine.run(run_id).release.final_budget or {})["ends_at"]))
    machine.clock.advance_to(ends + timedelta(hours=2))
    machine.look()
    assert state(machine, run_id) is CampaignState.ENDED
    assert_true(machine, run_id)
    assert machine.view(run_id).could_still_spend.minor == 0
    let_pass(machine, 96)
    assert state(machine, run_id) is CampaignState.SETTLED
    asked = len(machine.sim("GET", "requests")["data"])
    settled = machine.view(run_id)
    let_pass(machine, 14 * 24, every=48)
    assert machine.view(run_id).spent == settled.spent
    assert abs(settled.spent.minor - machine.exposure(run_id)["spent"]) <= 3
    assert settled.committed.minor - settled.spent.minor <= 3
    later = machine.sim("GET", "requests")["data"][asked:]
    assert not [one for one in later if "insights" in str(one)]


@ways
def test_a_run_that_nobody_looked_at_for_weeks_is_told_as_it_is_at_the_next_look(
    machine: Machine, way: Way
) -> None:
    run_id = published(machine, way)
    machine.clock.advance_to(machine.clock.now() + timedelta(days=40))
    machine.look()
    assert_true(machine, run_id)
    assert state(machine, run_id) is CampaignState.SETTLED


@ways
def test_under_a_stop_the_run_says_what_the_exposure_says(machine: Machine, way: Way) -> None:
    run_id = published(machine, way)
    let_pass(machine, 6, every=6)
    with machine.database.unit_of_work() as unit:
        unit.stops.add(Stop(StopId("s"), ACT, "the price is wrong", "ana", machine.clock.now()))
        unit.commit()
    machine.look()
    let_pass(machine, 8, every=1)
    assert_true(machine, run_id)
    assert machine.view(run_id).could_still_spend.minor == 0
    assert state(machine, run_id) is CampaignState.PAUSED


def test_what_a_cancelled_test_spent_in_its_last_hour_shows_afterwards(machine: Machine) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.AB_TESTING)
    for _ in range(8):
        machine.tick(run_id)
    machine.clock.advance_to(machine.clock.now() + timedelta(minutes=40))
    machine.approvals.cancel(run_id, "manager")
    assert machine.drive(run_id).status is RunStatus.CANCELLED
    let_pass(machine, 96)
    view = machine.view(run_id)
    assert abs(view.spent.minor - machine.exposure(run_id)["spent"]) <= 3
    assert view.could_still_spend.minor == 0
    assert view.committed.minor - view.spent.minor <= 3


def test_a_run_goes_on_publishing_until_its_final_ad_is_through_review_and_the_losers_are_off(
    machine: Machine,
) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader)
    machine.drive(run_id, RunStatus.PUBLISHING_FINAL)
    run = machine.tick(run_id)
    assert run.status is RunStatus.PUBLISHING_FINAL
    assert english(run.attention) == "waiting for Meta to review the final ad"
    assert state(machine, run_id) is CampaignState.IN_REVIEW
    ads = [one for one in machine.objects("ad") if "Final" not in one["name"]]
    assert {one["status"] for one in ads} == {"PAUSED"}
    ended = machine.drive(run_id)
    assert ended.status is RunStatus.COMPLETED, ended.ending.why
    assert machine.run(run_id).attention is None


def refused(machine: Machine) -> tuple[RunId, str]:
    """Return a run whose final ad Meta has refused, and the ad."""
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    machine.approvals.publish_winner(run_id, "manager", variant=machine.run(run_id).release.leader)
    machine.fault(kind="ad_disapproved", ad="Final", match={"method": "GET"})
    machine.drive(run_id, RunStatus.PUBLISHING_FINAL)
    for _ in range(20):
        if machine.tick(run_id).is_refused:
            break
    (ad,) = [one["id"] for one in machine.objects("ad") if "Final" in one["name"]]
    return run_id, ad


def test_a_refused_final_ad_is_told_with_metas_reason_and_goes_on_once_it_was_changed(
    machine: Machine,
) -> None:
    run_id, ad = refused(machine)
    run = machine.run(run_id)
    assert run.status is RunStatus.PUBLISHING_FINAL
    assert "DISAPPROVED: Unacceptable business practices" in english(run.attention)
    assert state(machine, run_id) is CampaignState.REFUSED
    other = "B" if run.release.winner == "A" else "A"
    (creative,) = [one["id"] for one in machine.objects("creative") if f"Variant {other}" in one["name"]]
    machine.meta.update(MetaId(ad), {"creative": {"creative_id": creative}})
    ended = machine.drive(run_id)
    assert ended.status is RunStatus.COMPLETED, ended.ending.why
    assert machine.run(run_id).attention is None


def test_a_refused_final_ad_that_nobody_changes_ends_the_run_with_everything_off(machine: Machine) -> None:
    run_id, _ = refused(machine)
    since = machine.clock.now()
    run = machine.drive(run_id)
    assert run.status is RunStatus.FAILED
    assert "DISAPPROVED" in english(run.ending.why)
    assert timedelta(hours=71) < machine.clock.now() - since < timedelta(hours=74)
    assert {one["status"] for one in machine.objects("ad")} <= {"PAUSED", "DELETED"}
    assert machine.exposure(run_id)["could_still_spend"] == 0


def test_a_refused_final_ad_can_be_cancelled(machine: Machine) -> None:
    run_id, _ = refused(machine)
    machine.approvals.cancel(run_id, "manager", "another text")
    assert machine.drive(run_id).status is RunStatus.CANCELLED
    assert machine.exposure(run_id)["could_still_spend"] == 0


def told(machine: Machine, run_id: RunId, tag: str) -> list[str]:
    return [english(one.message) for one in machine.view(run_id).events if one.tag.endswith(f":{tag}")]


def test_a_final_ad_refused_after_the_run_was_completed_is_told_with_metas_reason_until_it_is_delivered(
    machine: Machine,
) -> None:
    run_id = published(machine)
    machine.look()
    assert machine.run(run_id).attention is None
    machine.fault(kind="ad_disapproved", ad="Final", match={"method": "GET"})
    let_pass(machine, 3, every=1)
    run, view = machine.run(run_id), machine.view(run_id)
    assert (run.status, state(machine, run_id)) == (RunStatus.COMPLETED, CampaignState.REFUSED)
    assert "DISAPPROVED: Unacceptable business practices" in english(run.attention)
    said = english(run.attention)
    assert (present_run(view, "en").attention, told(machine, run_id, "refused")) == (said, [said])
    other = "B" if run.release.winner == "A" else "A"
    (ad,) = [one["id"] for one in machine.objects("ad") if "Final" in one["name"]]
    (creative,) = [one["id"] for one in machine.objects("creative") if f"Variant {other}" in one["name"]]
    machine.meta.update(MetaId(ad), {"creative": {"creative_id": creative}})
    let_pass(machine, 24, every=4)
    assert state(machine, run_id) is CampaignState.DELIVERING
    assert machine.run(run_id).attention is None
    assert len(told(machine, run_id, "refused")) == len(told(machine, run_id, "delivered_again")) == 1


def test_what_was_refused_to_the_end_asks_for_nobodys_attention_after_it(machine: Machine) -> None:
    run_id = published(machine)
    machine.fault(kind="ad_disapproved", ad="Final", match={"method": "GET"})
    let_pass(machine, 3, every=1)
    assert machine.run(run_id).attention is not None
    machine.clock.advance_to(machine.clock.now() + timedelta(days=40))
    machine.look()
    assert machine.run(run_id).attention is None
    assert told(machine, run_id, "over") == [
        "The final campaign's time is over; Meta did not deliver its ad to the end"
    ]


def test_another_variant_can_take_the_place_of_a_refused_ad(machine: Machine) -> None:
    run_id, ad = refused(machine)
    first = machine.run(run_id).release.winner
    other = "B" if first == "A" else "A"
    with pytest.raises(ConflictError, match="final_ad_refused"):
        machine.approvals.publish_winner(run_id, "manager", role=Role.MANAGER)
    machine.approvals.publish_winner(
        run_id, "manager", variant=other, comment="Meta refused it", role=Role.MANAGER
    )
    run = machine.drive(run_id)
    assert (run.status, run.release.winner) == (RunStatus.COMPLETED, other), run.ending.why
    ads = {one["id"]: one["status"] for one in machine.objects("ad") if "Final" in one["name"]}
    assert ads.pop(ad) == "PAUSED"
    assert list(ads.values()) == ["ACTIVE"]
    machine.look()
    assert state(machine, run_id) is CampaignState.DELIVERING
    assert machine.exposure(run_id)["peak_total"] <= 500_00
