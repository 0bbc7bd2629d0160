"""Account check of final campaigns: each is moved on by what Meta shows of it, until its last figure has settled.

Reconciliation keeps how the account lists each object, and late figures what it has spent, so that Meta is asked nothing
here but why it refuses an ad. What moves after the end of a run is told in the run's log, once: state and event are one
transaction. Nothing is written to Meta: a completed run's campaign is changed by people, in Ads Manager.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.campaigns.shown import Shown, state_of
from autopublisher.domain.errors import MetaError, StaleCampaignError, StaleRunError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.reconciliation.campaign_shown import shown_of
from autopublisher.domain.runs.final_campaign import ad_of
from autopublisher.domain.runs.notes import REVIEW, note_of
from autopublisher.domain.runs.plan import final_key
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.runs.campaign_record import move_on
from autopublisher.flows.runs.final_review import REVIEW_FIELDS, reason_of
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.campaign_log import refusal, standing, told
from autopublisher.flows.watch.late_figures import settles_at
from autopublisher.flows.watch.run_notes import note_in
from autopublisher.flows.writes.gate import LONGEST
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

_PASSED = frozenset({CampaignState.DELIVERING, CampaignState.ENDED, CampaignState.SETTLED})
"""States in which nobody has to change a refused ad any more."""


class CampaignsCheck:
    """The check that looks after an account's final campaigns."""

    name = "campaigns"

    def __init__(self, open_unit: OpenUnitOfWork, control: ObjectControl) -> None:
        self._open_unit = open_unit
        self._control = control

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """See to each campaign that has not settled and is not long over; None where there is none."""
        with self._open_unit().reading() as unit:
            kept = unit.campaigns.unsettled(act_id, now - LONGEST)
        if not kept:
            return None if before is None else Outcome(before)
        unread = [why for one in kept if (why := self._looked_after(one, now)) is not None]
        return Outcome({"at": now.isoformat(), "problems": unread})

    def _looked_after(self, campaign: Campaign, now: datetime) -> str | None:
        """Move one campaign on; return why its ad could not be read."""
        try:
            if not self._moved(campaign, now, ""):
                self._moved(campaign, now, self._words_of_meta(campaign))
        except MetaError as error:
            return f"the final ad of run {campaign.run_id} could not be read: {error.message}"
        except (StaleCampaignError, StaleRunError):
            return None  # somebody else has moved it on, by the same facts
        return None

    def _moved(self, campaign: Campaign, now: datetime, why: str) -> bool:
        """Save what the campaign becomes, and tell; False where Meta has to be asked first why it refuses the ad."""
        with self._open_unit() as unit:
            self._control.views.save_models(unit)
            run, shown = _known(unit, campaign, why)
            refused = state_of(campaign, shown, now)[0] is CampaignState.REFUSED
            if refused and not why and run.status is RunStatus.COMPLETED:
                return False
            steps = move_on(unit, campaign, shown, now)
            if run.is_final:
                _tell(unit, run, (campaign, *steps), now)
            unit.commit()
        return True

    def _words_of_meta(self, campaign: Campaign) -> str:
        """Read the ad, and return why Meta does not deliver it."""
        with self._open_unit().reading() as unit:
            run = unit.runs.get(campaign.run_id)
            ad = ad_of({one.key: one for one in unit.records.objects(run.id)})
            row = None if ad is None else unit.journal.get(run.id, ad.key)
        if row is None:
            return ""
        shown = self._control.read(run, row, REVIEW_FIELDS)
        return reason_of(str(shown.get("effective_status")), shown)


def _known(unit: UnitOfWork, campaign: Campaign, why: str) -> tuple[Run, Shown]:
    """Return a campaign's run, and what is known of it now."""
    run, rows = unit.runs.get(campaign.run_id), unit.journal.of_run(campaign.run_id)
    models = {one.key: one for one in unit.records.objects(campaign.run_id)}
    shown = shown_of(campaign, run, rows, models, why)
    without = shown.spent_at_most is None and _never_delivered(campaign, run, rows)
    return run, replace(shown, spent_at_most=0) if without else shown


def _never_delivered(campaign: Campaign, run: Run, rows: Sequence[Operation]) -> bool:
    """Tell whether Meta, asked when nothing moves any more, had no figures of a campaign."""
    ad_set = next((row for row in rows if row.key == final_key(ObjectKind.AD_SET)), None)
    if ad_set is None or campaign.spent is None or campaign.spent_at is None or campaign.spent.minor:
        return False
    return campaign.spent_at >= settles_at(run, ad_set, rows)


def _tell(unit: UnitOfWork, run: Run, states: Sequence[Campaign], now: datetime) -> None:
    """Log each move of an ended run's campaign, and keep the note on a refused ad up; raises StaleRunError."""
    last, note = states[-1], note_of(run, REVIEW)
    moves = [pair for pair in pairwise(states) if standing(pair[0]) != standing(pair[1])]
    unit.observations.add_events([told(run, becomes, now, refused=note is not None) for _, becomes in moves])
    if last.state is CampaignState.REFUSED:
        note_in(unit, run, REVIEW, refusal(last), now)
    elif last.state in _PASSED:
        note_in(unit, run, REVIEW, None, now)
