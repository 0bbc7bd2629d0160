"""Final campaigns: one row each, its amounts in the minor units of one currency."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update

from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import campaigns
from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.errors import StaleCampaignError
from autopublisher.domain.ids import ActId, RunId


class SqlCampaigns:
    """Implements ``ports.repositories.CampaignRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, campaign: Campaign) -> None:
        """Insert a campaign; nothing happens where its run has one."""
        self._session.insert_new(campaigns, [_row(campaign)])

    def save(self, campaign: Campaign, was: int) -> None:
        """Overwrite the campaign if its stored version still is ``was``; StaleCampaignError else."""
        held = and_(campaigns.c.id == campaign.id, campaigns.c.version == was)
        if self._session.change(update(campaigns).where(held).values(**_row(campaign))) == 0:
            raise StaleCampaignError(id=campaign.id, version=was)

    def of_runs(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Campaign]:
        """Return the campaigns of these runs; a run without one is missing."""
        rows = self._session.rows(select(campaigns).where(campaigns.c.run_id.in_(run_ids)))
        return {one.run_id: one for one in map(campaign_from_row, rows)}

    def unsettled(self, act_id: ActId, since: datetime) -> Sequence[Campaign]:
        """Return an account's campaigns that have not settled and whose schedule ends at ``since`` or later, by id."""
        is_open = and_(campaigns.c.act_id == act_id, campaigns.c.state != CampaignState.SETTLED)
        query = select(campaigns).where(is_open, campaigns.c.ends_at >= since).order_by(campaigns.c.id)
        return [campaign_from_row(row) for row in self._session.rows(query)]


def _row(campaign: Campaign) -> dict[str, Any]:
    spent = campaign.spent
    amounts = {
        "currency": campaign.budget.currency,
        "budget": campaign.budget.minor,
        "spent": None if spent is None else spent.minor,
    }
    return {**vars(campaign), **amounts}


def campaign_from_row(row: Row) -> Campaign:
    """Rebuild the campaign."""
    values: dict[str, Any] = {**row}
    currency, spent = values.pop("currency"), values["spent"]
    amounts = {
        "budget": Money(values["budget"], currency),
        "spent": None if spent is None else Money(spent, currency),
    }
    return Campaign(**{**values, **amounts})
