"""Account check of final campaigns: each is moved on by what Meta shows of it, until its last figure has settled.

Reconciliation keeps how the account lists each object, and late figures what it has spent, so that Meta is asked nothing
here but why it refuses an ad. What moves after the end of a run is told in the run's log, once: state and event are one
transaction. Nothing is written to Meta: a completed run's campaign is changed by people, in Ads Manager.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from autopublisher.domain.campaigns.campaign import Campaign, CampaignState
from autopublisher.domain.campaigns.shown import Shown, following, state_of
from autopublisher.domain.errors import MetaError, StaleCampaignError, StaleRunError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.messages import said_of
from autopublisher.domain.meta.review import BLOCKED
from autopublisher.domain.reconciliation.campaign_shown import shown_of
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.final_campaign import ads_of, published_keys
from autopublisher.domain.runs.notes import REVIEW, note_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.campaign_record import move_on
from autopublisher.flows.runs.closing import settles_at
from autopublisher.flows.runs.final_review import REVIEW_FIELDS, reason_of
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.campaign_log import refusal, standing, told
from autopublisher.flows.watch.run_notes import note_in
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter, UnitOfWork

_PASSED = frozenset({CampaignState.DELIVERING, CampaignState.ENDED, CampaignState.SETTLED})
"""States in which nobody has to change a refused ad any more."""


@dataclass(frozen=True)
class _Seen:
    """A campaign, its run, and what is known of it now."""

    campaign: Campaign
    run: Run
    shown: Shown

    def is_unexplained(self, now: datetime) -> bool:
        """Tell whether Meta refuses the ad of a completed run; of one that publishes its own ticks have asked why."""
        state, _ = state_of(self.campaign, self.shown, now)
        return state is CampaignState.REFUSED and self.run.status is RunStatus.COMPLETED


class CampaignsCheck:
    """The check that looks after an account's final campaigns."""

    name = "campaigns"

    def __init__(self, open_unit: OpenUnitOfWork, control: ObjectControl) -> None:
        self._open_unit = open_unit
        self._control = control

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """See to each campaign that has not settled and is not long over; None where there is none."""
        seen, unread = [], []
        for one in self._unsettled(act_id, now):
            try:
                seen.append(self._asked(one) if one.is_unexplained(now) else one)
            except MetaError as error:
                unread.append(
                    WatchMessage.UNREAD(
                        key=f"{one.run.id}/{', '.join(published_keys(one.run, ObjectKind.AD))}",
                        why=said_of(error),
                    ).to_record()
                )
        if not seen and not unread and before is None:
            return None
        self._keep(seen, now)
        return Outcome({"at": now.isoformat(), "problems": unread})

    def _unsettled(self, act_id: ActId, now: datetime) -> list[_Seen]:
        with self._open_unit().reading() as unit:
            kept = unit.campaigns.unsettled(act_id, now - LONGEST)
            ids = [one.run_id for one in kept]
            runs = {run.id: run for run in every_run(unit, RunFilter(ids=frozenset(ids)))}
            journals, objects = unit.journal.of_runs(ids), unit.records.objects_of(ids)
        return [
            _seen(one, runs[one.run_id], journals.get(one.run_id, ()), objects.get(one.run_id, ()))
            for one in kept
        ]

    def _asked(self, seen: _Seen) -> _Seen:
        """Ask Meta why it does not deliver ads; what they show now counts."""
        run = seen.run
        ads = {one.key for one in ads_of(run, {model.key: model for model in self._control.models(run)})}
        made = [one for one in self._control.rows(run) if one.key in ads]
        shown = self._control.read_all(run, made, REVIEW_FIELDS).values()
        why = "; ".join(reason_of(one) for one in shown if one.effective_status in BLOCKED)
        return _seen(seen.campaign, run, self._control.rows(run), self._control.models(run), why)

    def _keep(self, seen: Sequence[_Seen], now: datetime) -> None:
        """Save what has moved, and tell; where somebody else has moved one meanwhile, the next look finds the rest."""
        moved = [one for one in seen if following(one.campaign, one.shown, now)]
        if not moved:
            return
        with self._open_unit() as unit, suppress(StaleCampaignError, StaleRunError):
            for one in moved:
                steps = move_on(unit, one.campaign, one.shown, now)
                if one.run.is_final:
                    _tell(unit, one.run, (one.campaign, *steps), now)
            unit.commit()


def _seen(
    campaign: Campaign, run: Run, rows: Sequence[Operation], objects: Sequence[MetaObject], why: str = ""
) -> _Seen:
    """Return a campaign with what is known of it; ``why`` is what Meta says of its ad's review, where it was asked."""
    shown = shown_of(campaign, run, rows, {model.key: model for model in objects}, why)
    without = shown.spent_at_most is None and _never_delivered(campaign, run, rows)
    return _Seen(campaign, run, replace(shown, spent_at_most=0) if without else shown)


def _never_delivered(campaign: Campaign, run: Run, rows: Sequence[Operation]) -> bool:
    """Tell whether Meta, asked when nothing moves any more, had no figures of a campaign."""
    ad_sets = [row for row in rows if row.key in published_keys(run, ObjectKind.AD_SET)]
    if not ad_sets or campaign.spent is None or campaign.spent_at is None or campaign.spent.minor:
        return False
    return campaign.spent_at >= max(settles_at(run, row, rows) for row in ad_sets)


def _tell(unit: UnitOfWork, run: Run, states: Sequence[Campaign], now: datetime) -> None:
    """Log each move of an ended run's campaign, and keep the note on a refused ad up; raises StaleRunError."""
    last, note = states[-1], note_of(run, REVIEW)
    moves = [pair for pair in pairwise(states) if standing(pair[0]) != standing(pair[1])]
    unit.observations.add_events([told(run, becomes, now, refused=note is not None) for _, becomes in moves])
    if last.state is CampaignState.REFUSED:
        note_in(unit, run, REVIEW, refusal(last), now)
    elif last.state in _PASSED:
        note_in(unit, run, REVIEW, None, now)
