"""The final campaign of a run as an aggregate of its own, which goes on when its run has ended.

Theory of operation. A campaign moves along the table below by what Meta shows of it and by nothing else (``shown``). Each
look derives where it stands from the whole of that, so a look that was lost or repeated changes nothing: the next one finds
the same. Until it has settled every state but BUILDING can come again, because people change campaigns in Ads Manager: a
pause is lifted, an end is put off, a deletion was a listing that lagged. It settles only after it has ended, and for good.

It tells what happens to a budget and never decides about money: what may be spent is the journal's alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import TransitionError
from autopublisher.domain.faults import Fault, Thing
from autopublisher.domain.ids import ActId, CampaignId, MetaId, RunId
from autopublisher.domain.messages import Code, Message


class CampaignState(StrEnum):
    """Where a final campaign stands; the value is how JSON and the database write it."""

    BUILDING = "building"
    IN_REVIEW = "in_review"
    REFUSED = "refused"
    DELIVERING = "delivering"
    PAUSED = "paused"
    ENDED = "ended"
    SETTLED = "settled"


_S = CampaignState
_ON_ITS_WAY = frozenset({_S.IN_REVIEW, _S.REFUSED, _S.DELIVERING, _S.PAUSED})

TRANSITIONS: Mapping[CampaignState, frozenset[CampaignState]] = {
    _S.BUILDING: _ON_ITS_WAY | {_S.ENDED},
    **{state: (_ON_ITS_WAY | {_S.ENDED}) - {state} for state in _ON_ITS_WAY},
    _S.ENDED: _ON_ITS_WAY | {_S.SETTLED},
    _S.SETTLED: frozenset(),
}


class Reason(Code):
    """Why a campaign is refused, paused or over, as the catalogue's code."""

    REVIEW = "campaign.review"
    PAUSED_AT_META = "campaign.paused_at_meta"
    AD_GONE = "campaign.ad_gone"
    STOP = "campaign.stop"
    RECALL = "campaign.recall"
    RUN_ENDING = "campaign.run_ending"
    TIME_OVER = "campaign.time_over"
    ENDED_EARLY = "campaign.ended_early"
    GONE = "campaign.gone"
    RUN_ENDED = "campaign.run_ended"


@dataclass(frozen=True)
class Campaign:
    """One final campaign. ``since`` is when its ``state`` began, ``spent`` what Meta last said at ``spent_at``.

    ``detail`` is what Meta says besides the ``reason``. ``version`` is for compare-and-swap: each change has the next one.
    """

    id: CampaignId
    run_id: RunId
    act_id: ActId
    state: CampaignState
    since: datetime
    budget: Money
    starts_at: datetime
    ends_at: datetime
    campaign_meta_id: MetaId | None = None
    ad_set_meta_id: MetaId | None = None
    ad_meta_id: MetaId | None = None
    reason: Reason | None = None
    detail: str = ""
    spent: Money | None = None
    spent_at: datetime | None = None
    version: int = 1

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it is to come but figures."""
        return self.state in {_S.ENDED, _S.SETTLED}

    @property
    def because(self) -> Message | None:
        """What there is to say of why it stands where it does."""
        if self.reason is None:
            return None
        return self.reason(detail=self.detail) if self.detail else self.reason()

    def moved(
        self, state: CampaignState, since: datetime, reason: Reason | None = None, detail: str = ""
    ) -> "Campaign":
        """Return the campaign in ``state``; raises TransitionError for a move the table does not have."""
        if state not in TRANSITIONS[self.state]:
            raise TransitionError(
                Fault.NO_SUCH_MOVE(what=Thing.CAMPAIGN(), id=self.id, was=self.state.value, to=state.value)
            )
        return self.changed(state=state, since=since, reason=reason, detail=detail)

    def with_spend(self, spent: Money, at: datetime) -> "Campaign":
        """Return the campaign with what Meta says now that it has spent; a settled one keeps what it has."""
        return self if self.state is _S.SETTLED else self.changed(spent=spent, spent_at=at)

    def by_time(self, now: datetime) -> "Campaign":
        """Return the campaign as the clock alone has it: over once its schedule is, whether or not somebody has looked."""
        if self.is_over or now < self.ends_at:
            return self
        return self.moved(_S.ENDED, self.ends_at, Reason.TIME_OVER)

    def changed(self, **changes: Any) -> "Campaign":
        """Return the campaign's next version, with these changes."""
        return replace(self, version=self.version + 1, **changes)
