"""Final campaigns in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.errors import StaleCampaignError
from autopublisher.domain.ids import ActId, RunId


class MemoryCampaigns:
    """Implements ``ports.repositories.CampaignRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, campaign: Campaign) -> None:
        """Insert a campaign; nothing happens where its run has one."""
        self._tables.need_run(campaign.run_id)
        self._tables.campaigns.setdefault(campaign.run_id, campaign)

    def save(self, campaign: Campaign, was: int) -> None:
        """Overwrite the campaign if its stored version still is ``was``; StaleCampaignError else."""
        held = self._tables.campaigns.get(campaign.run_id)
        if held is None or held.version != was:
            raise StaleCampaignError(id=campaign.id, version=was)
        self._tables.campaigns[campaign.run_id] = campaign

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Campaign]:
        """Return the campaigns of these runs; a run without one is missing."""
        return {
            run_id: self._tables.campaigns[run_id] for run_id in run_ids if run_id in self._tables.campaigns
        }

    def unsettled(self, act_id: ActId, since: datetime) -> Sequence[Campaign]:
        """Return an account's campaigns that have not settled and whose schedule ends at ``since`` or later, by id."""
        kept = self._tables.campaigns.values()
        open_ones = [one for one in kept if one.act_id == act_id and one.state is not CampaignState.SETTLED]
        return sorted((one for one in open_ones if one.ends_at >= since), key=lambda one: one.id)
