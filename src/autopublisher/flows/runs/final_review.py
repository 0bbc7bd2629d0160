"""Meta's review of the final ad: a run has published nothing before its ad may deliver.

Theory of operation. Once everything is switched on, each tick reads the final ad alone. While Meta reviews it the run waits.
If Meta refuses it, people are told why and have as long as for an approval: they change the ad in Ads Manager, and it is
reviewed again, approve another variant, or cancel. Since when it waits is kept in the run, so that no restart gives more
time.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from autopublisher.domain.accounts.stops import unpaused_activation
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.object_state import ObjectState
from autopublisher.domain.meta.readback import READ_FIELDS
from autopublisher.domain.meta.review import BLOCKED, IN_REVIEW
from autopublisher.domain.runs.final_campaign import (
    REVIEWED_SINCE,
    published,
    published_keys,
    published_letters,
)
from autopublisher.domain.runs.plan import publishes
from autopublisher.domain.runs.run import REFUSED_AT, Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.ab_flow import REVIEW_PATIENCE
from autopublisher.flows.runs.collector import REFRESH
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.clock import Clock

REVIEW_FIELDS = {
    **READ_FIELDS,
    ObjectKind.AD: (*READ_FIELDS[ObjectKind.AD], "ad_review_feedback", "issues_info"),
}


class FinalReview:
    """Waits for the final ad to pass; ``patience`` is how long a refused one is left to people."""

    def __init__(self, control: ObjectControl, clock: Clock, patience: timedelta) -> None:
        self._control = control
        self._clock = clock
        self._patience = patience

    def waiting(self, run: Run) -> Step | None:
        """Return the run still waiting; None where the ad has passed, or the campaign is not switched on (any more).

        Raises RunFailed when the time is up.
        """
        made, rows = published(run, self._control.created(run)), self._control.rows(run)
        found = [
            next((row for row in made if publishes(row, letter)), None) for letter in published_letters(run)
        ]
        ads = [row for row in found if row is not None]
        keys = [*(row.key for row in ads), *published_keys(run, ObjectKind.CAMPAIGN)]
        if not ads or not all(unpaused_activation(rows, key) for key in keys):
            return None
        shown = self._control.read_all(run, ads, REVIEW_FIELDS).values()
        refused = [reason_of(one) for one in shown if one.effective_status in BLOCKED]
        if refused:
            return self._refused(run, "; ".join(refused))
        return self._reviewed(run) if any(one.effective_status in IN_REVIEW for one in shown) else None

    def _reviewed(self, run: Run) -> Step:
        now, since = self._clock.now(), self._since(run, REVIEWED_SINCE)
        if now >= since + REVIEW_PATIENCE:
            raise RunFailed(RunMessage.FINAL_REVIEW_TOO_LONG(hours=REVIEW_PATIENCE // timedelta(hours=1)))
        kept = {"objects": [], REVIEWED_SINCE: since.isoformat()}
        return Step(
            replace(run, next_tick_at=now + REFRESH, attention=RunMessage.FINAL_IN_REVIEW(), report=kept)
        )

    def _refused(self, run: Run, why: str) -> Step:
        now, since = self._clock.now(), self._since(run, REFUSED_AT)
        until = since + self._patience
        if now >= until:
            raise RunFailed(RunMessage.FINAL_GIVEN_UP(why=why))
        said = RunMessage.FINAL_REFUSED(why=why, until=until)
        kept = {"objects": [], REFUSED_AT: since.isoformat()}
        waiting = replace(run, next_tick_at=min(now + REFRESH, until), attention=said, report=kept)
        return Step(waiting, () if run.attention == said else (event(run, now, "refused", said),))

    def _since(self, run: Run, entry: str) -> datetime:
        """Return since when the run waits like this."""
        at = (run.report or {}).get(entry)
        return self._clock.now() if at is None else datetime.fromisoformat(at)


def reason_of(shown: ObjectState) -> str:
    """Return Meta's own reasons behind an ad's status, as far as it gives any."""
    effective = str(shown.effective_status)
    feedback, issues = shown.raw.get("ad_review_feedback"), shown.raw.get("issues_info")
    reasons = [f"{name}: {text}" for name, text in _pairs(feedback)]
    reasons += (
        [
            str(issue.get("error_summary") or issue.get("error_message"))
            for issue in issues
            if isinstance(issue, Mapping)
        ]
        if isinstance(issues, list)
        else []
    )
    return ": ".join([effective, "; ".join(reasons)]) if reasons else effective


def _pairs(feedback: Any) -> list[tuple[str, str]]:
    """Flatten ``{"global": {"Policy": "text"}}``, each reason once."""
    if not isinstance(feedback, Mapping):
        return []
    found: dict[str, str] = {}
    for place in feedback.values():
        if isinstance(place, Mapping):
            found |= {
                str(name): text if isinstance(text, str) else json.dumps(text) for name, text in place.items()
            }
    return list(found.items())
