"""Record of a run's final campaign, kept in the transaction that saves what moved it.

It is opened when the run turns to publishing, which is when its creation is planned. From then on the run's own ticks and
the looks at its account derive its state alike; whoever comes second finds nothing left to do.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.campaigns.shown import Shown, following
from autopublisher.domain.errors import StaleCampaignError
from autopublisher.domain.reconciliation.campaign_shown import shown_of
from autopublisher.domain.runs.final_campaign import is_final_arm, planned
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.repositories import UnitOfWork


def keep_campaign(unit: UnitOfWork, run: Run, now: datetime) -> None:
    """Open a publishing run's campaign, or move it on by what is known now; a run that never published has none."""
    if not run.is_final and run.status is not RunStatus.PUBLISHING_FINAL:
        return
    campaign = unit.campaigns.of_runs([run.id]).get(run.id) or _opened(unit, run, now)
    if campaign is None:
        return
    with suppress(StaleCampaignError):  # a look has moved it on, by the same facts
        move_on(unit, campaign, known_of(unit, campaign, run), now)


def known_of(unit: UnitOfWork, campaign: Campaign, run: Run, why: str = "") -> Shown:
    """Return what is known of a campaign now; ``why`` is what Meta says of its ad's review, where it was asked."""
    models = {model.key: model for model in unit.records.objects(run.id)}
    return shown_of(campaign, run, unit.journal.of_run(run.id), models, why)


def move_on(unit: UnitOfWork, campaign: Campaign, shown: Shown, now: datetime) -> Sequence[Campaign]:
    """Save what the campaign becomes by what is shown, each version after the one before; raises StaleCampaignError."""
    steps = following(campaign, shown, now)
    for step in steps:
        unit.campaigns.save(step, was=step.version - 1)
    return steps


def _opened(unit: UnitOfWork, run: Run, now: datetime) -> Campaign | None:
    opened = None if run.is_final else planned(run, now)
    if opened is None:
        return None
    known = {one.variant: one for one in unit.observations.snapshots(run.id) if is_final_arm(one.variant)}
    if known:  # of what Meta had before this database knew of it
        spent = Money(sum(one.figures.spend for one in known.values()), run.currency)
        opened = replace(opened, spent=spent, spent_at=max(one.at for one in known.values()))
    unit.campaigns.add(opened)
    return opened
