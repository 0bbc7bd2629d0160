"""Final campaigns: one a run, overwritten only in the version that was loaded, found until they have settled."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState, Reason
from autopublisher.domain.errors import ConflictError, StaleCampaignError
from autopublisher.domain.ids import ActId, CampaignId, MetaId, RunId
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import OpenUnitOfWork


@pytest.fixture
def campaign(stored: Run, now: datetime) -> Campaign:
    return Campaign(
        id=CampaignId(f"{stored.id}:final"),
        run_id=stored.id,
        act_id=stored.act_id,
        state=CampaignState.BUILDING,
        since=now,
        budget=Money(300_00, "EUR"),
        starts_at=now,
        ends_at=now + timedelta(days=14),
    )


def test_a_campaign_comes_back_as_it_was(
    open_unit: OpenUnitOfWork, campaign: Campaign, now: datetime
) -> None:
    refused = campaign.moved(CampaignState.REFUSED, now, Reason.REVIEW, "DISAPPROVED: too loud")
    known = replace(
        refused.with_spend(Money(12_34, "EUR"), now + timedelta(hours=1)),
        campaign_meta_id=MetaId("1"),
        ad_set_meta_id=MetaId("2"),
        ad_meta_id=MetaId("3"),
    )
    with open_unit() as unit:
        unit.campaigns.add(campaign)
        assert unit.campaigns.of_runs([campaign.run_id]) == {campaign.run_id: campaign}
        unit.campaigns.save(known, was=campaign.version)
        unit.commit()
    with open_unit() as unit:
        assert unit.campaigns.of_runs([campaign.run_id, RunId("another")]) == {campaign.run_id: known}
        assert unit.campaigns.of_runs([]) == {}


def test_a_second_campaign_of_a_run_changes_nothing(open_unit: OpenUnitOfWork, campaign: Campaign) -> None:
    with open_unit() as unit:
        unit.campaigns.add(campaign)
        unit.campaigns.add(replace(campaign, version=9))
        assert unit.campaigns.of_runs([campaign.run_id])[campaign.run_id].version == 1


def test_a_campaign_of_no_run_is_refused(open_unit: OpenUnitOfWork, campaign: Campaign) -> None:
    stray = replace(campaign, id=CampaignId("x"), run_id=RunId("nobody"))
    with open_unit() as unit, pytest.raises(ConflictError):
        unit.campaigns.add(stray)


def test_a_campaign_that_has_moved_on_is_not_overwritten(
    open_unit: OpenUnitOfWork, campaign: Campaign, now: datetime
) -> None:
    with open_unit() as unit:
        unit.campaigns.add(campaign)
        unit.campaigns.save(campaign.moved(CampaignState.DELIVERING, now), was=1)
        with pytest.raises(StaleCampaignError):
            unit.campaigns.save(campaign.moved(CampaignState.PAUSED, now), was=1)
        kept = unit.campaigns.of_runs([campaign.run_id])[campaign.run_id]
    assert kept.state is CampaignState.DELIVERING


def test_an_account_s_campaigns_are_found_until_they_have_settled_or_are_long_over(
    open_unit: OpenUnitOfWork, campaign: Campaign, now: datetime
) -> None:
    ended = campaign.moved(CampaignState.ENDED, now)
    with open_unit() as unit:
        unit.campaigns.add(campaign)
        unit.campaigns.save(ended, was=1)
        assert unit.campaigns.unsettled(campaign.act_id, campaign.ends_at) == [ended]
        assert unit.campaigns.unsettled(campaign.act_id, campaign.ends_at + timedelta(seconds=1)) == []
        assert unit.campaigns.unsettled(ActId("act_2"), now) == []
        unit.campaigns.save(ended.moved(CampaignState.SETTLED, now), was=2)
        assert unit.campaigns.unsettled(campaign.act_id, now) == []
