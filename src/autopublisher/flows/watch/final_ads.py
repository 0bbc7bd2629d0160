"""Account check of final ads: one that Meta refuses after its run was completed is told, until it is delivered again.

Meta reviews an ad anew whenever it likes. Reconciliation keeps how the account lists each ad; Meta's reason is read only of
one that is refused. Nothing is written to Meta: a completed run's campaign is changed by people, in Ads Manager.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.runs.final_campaign import BLOCKED, FinalState, ad_of, state_of
from autopublisher.domain.runs.notes import REVIEW, note_of
from autopublisher.domain.runs.plan import final_key
from autopublisher.domain.runs.reservations import end_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.runs.final_review import REVIEW_FIELDS, reason_of
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.run_notes import keep_note
from autopublisher.flows.writes.gate import LONGEST
from autopublisher.flows.writes.objects import ObjectControl
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter

_ALL = 100_000
_OVER = frozenset({FinalState.ENDED, FinalState.SETTLED})

_REFUSED = (
    "Meta does not deliver the final ad any more ({why}). Change it in Ads Manager, after which Meta reviews it again; what "
    "is left of the campaign's budget can be spent until {until:%Y-%m-%d %H:%M} UTC"
)
_DELIVERED = "Meta delivers the final ad again"
_ENDED = "The final campaign's time is over; Meta did not deliver its ad to the end"


class FinalAds:
    """The check that tells what Meta's review says of the ads of completed runs."""

    name = "final_ads"

    def __init__(self, open_unit: OpenUnitOfWork, control: ObjectControl) -> None:
        self._open_unit = open_unit
        self._control = control

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """See to each completed run that is not long over; None where there is none."""
        completed = frozenset({RunStatus.COMPLETED})
        wanted = RunFilter(statuses=completed, act_id=act_id, alive_since=now - LONGEST, limit=_ALL)
        with self._open_unit() as unit:
            runs = unit.runs.find(wanted)
        if not runs:
            return None if before is None else Outcome(before)
        unread = [why for run in runs if (why := self._checked(run, now)) is not None]
        return Outcome({"at": now.isoformat(), "problems": unread})

    def _checked(self, run: Run, now: datetime) -> str | None:
        """Keep the note on one run up; return why its ad could not be read."""
        rows = self._control.rows(run)
        models = {model.key: model for model in self._control.models(run)}
        state, ad = state_of(rows, models, now), ad_of(models)
        if state is FinalState.REFUSED and ad is not None:
            return self._refused(run, {row.key: row for row in rows}, ad.key, now)
        over = state in _OVER
        if note_of(run, REVIEW) is not None and (over or state is FinalState.DELIVERING):
            tag, said = ("over", _ENDED) if over else ("delivered_again", _DELIVERED)
            keep_note(self._open_unit, run, REVIEW, None, tag, now, said)
        return None

    def _refused(self, run: Run, rows: Mapping[str, Operation], key: str, now: datetime) -> str | None:
        try:
            shown = self._control.read(run, rows[key], REVIEW_FIELDS)
        except MetaError as error:
            return f"the final ad of run {run.id} could not be read: {error.message}"
        effective = str(shown.get("effective_status"))
        if effective in BLOCKED:
            until = end_of(rows[final_key(ObjectKind.AD_SET)], list(rows.values()))
            said = _REFUSED.format(why=reason_of(effective, shown), until=until)
            keep_note(self._open_unit, run, REVIEW, said, "refused", now, said)
        return None
