"""The demo's last days: time moves on until what was published has ended and settled."""

import time
from datetime import datetime, timedelta

from autopublisher.bootstrap import Product
from autopublisher.cli.language import worded
from autopublisher.cli.output import tell
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.ids import ActId
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.reports import RunView
from autopublisher.ports.clock import SteppedClock

LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 120.0
LONGEST = timedelta(days=60)


def followed_to_the_end(product: Product, view: RunView) -> None:
    """Move time from look to look until a completed run's campaign has settled; nothing else is left to move it."""
    clock, reports, run = product.stepped_clock, product.services.reports, view.run
    if run.status is not RunStatus.COMPLETED or clock is None:
        return
    told, ends = None, clock.now() + LONGEST
    while clock.now() < ends:
        final = reports.view(run.id).final
        if final is None:
            return
        if final.campaign.state is not told:
            told = final.campaign.state
            tell(worded("demo.published", state=told.value.replace("_", " "), spent=final.spent))
        if told is CampaignState.SETTLED:
            return
        if not _let_look(product, run.act_id, clock, final.campaign.ends_at):
            tell(worded("demo.no_look", seconds=round(PATIENCE_SECONDS)))
            return


def _let_look(product: Product, act_id: ActId, clock: SteppedClock, ends_at: datetime) -> bool:
    """Move time to the account's next look, or to the campaign's end where that is later; tell whether it was looked at.

    The simulator spends and sells in between as it would with a look every hour.
    """
    due = _watch(product, act_id)[0]
    clock.advance_to(max(due, clock.now(), ends_at))
    patient_until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patient_until:
        if (looked_at := _watch(product, act_id)[1]) is not None and looked_at >= due:
            return True
        time.sleep(LOOK_SECONDS)
    return False


def _watch(product: Product, act_id: ActId) -> tuple[datetime, datetime | None]:
    with product.outside.open_unit().reading() as unit:
        watch = unit.watches.get(act_id)
    now = product.services.clock.now()
    return (now, now) if watch is None else (watch.next_look_at, watch.looked_at)
