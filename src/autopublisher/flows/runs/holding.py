"""Holding of runs whose database is older than what Meta shows: their money is seen to until they may go on.

Theory of operation. The first tick that a process does of a run lists what bears the run's mark, as do scaling, publishing
and ending each time: so a database that was put back is noticed before it is written from. A held run keeps its status and
has no next tick; only pauses are written for it. What is on stays on as long as all that its objects can have spent in the
end fits the run's total, by Meta's figures where they are final. A person's word ends it: cancel, or adopt.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from autopublisher.domain.accounts.installation import Restoration
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaError, NotFoundError
from autopublisher.domain.ids import MetaId, RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.records import Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.insights import figures_of
from autopublisher.domain.meta.object_state import GONE, ObjectState
from autopublisher.domain.money.exposure import DAY_STRETCH
from autopublisher.domain.reconciliation.edits import SWEEP_FIELDS, edits
from autopublisher.domain.reconciliation.findings import last_requested
from autopublisher.domain.reconciliation.found import (
    answered,
    found_digest,
    found_in,
    found_names,
    is_ahead,
    possible_spend,
    with_possible,
)
from autopublisher.domain.request.rules import effective_ad
from autopublisher.domain.request.variants import Variant, build_variants
from autopublisher.domain.runs.final_campaign import FINAL_ARM
from autopublisher.domain.runs.plan import final_key, objective_of, publishes, total_of
from autopublisher.domain.runs.run import Control, Run, RunStatus
from autopublisher.domain.runs.run_messages import Adoption, RunMessage
from autopublisher.flows.outcomes.deferred import Deferred, Held
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.collector import SPEND_SHOWS
from autopublisher.flows.runs.deleted_spend import DeletedSpend
from autopublisher.flows.writes.objects import READ_LAG, TREE, ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import Fence, OpenUnitOfWork, UnitOfWork

Planner = Callable[[Run], Sequence[OperationSpec]]
"""Returns what a run would make now; raises where it has not been decided yet."""

_TITLE = re.compile(r" - Final \(([A-Z]+)\)")
_FINAL = tuple(final_key(kind) for kind in TREE)


def no_plan(_run: Run) -> Sequence[OperationSpec]:
    """Return nothing: what a run would make is not known here."""
    return ()


class KnownRuns:
    """The newest version of each run that this process has dealt with: a run that is not newer may be from a backup."""

    def __init__(self) -> None:
        self._versions: dict[RunId, int] = {}

    def is_known(self, run: Run) -> bool:
        """Tell whether this process has compared the run with Meta, and the run has only moved on since."""
        return run.version >= self._versions.get(run.id, run.version + 1)

    def note(self, run: Run) -> None:
        """Remember that the run has been compared with Meta."""
        self._versions[run.id] = run.version


class Holding:
    """Decides whether a run may go on, and what becomes of one that may not."""

    def __init__(  # noqa: PLR0917 (one argument for each port, then what it works with)
        self,
        open_unit: OpenUnitOfWork,
        control: ObjectControl,
        clients: ReadingClients,
        clock: Clock,
        plans: Mapping[RunStatus, Planner],
        known: KnownRuns,
        *,
        stretch: int = DAY_STRETCH,
    ) -> None:
        self._open_unit = open_unit
        self.control = control
        self._clients = clients
        self._clock = clock
        self._plans = plans
        self._known = known
        self._deleted = DeletedSpend(open_unit, control, clients, clock)
        self._stretch = stretch

    def compared(self, run: Run, listing: Sequence[ObjectState] | None = None) -> Run:
        """Return a run that may go on; raises Held where Meta holds more of it, and Deferred before that is known.

        ``listing`` is what the account has shown, where that has been asked already.
        """
        if run.is_ending:
            return run
        rows = self.control.rows(run)
        if found_in(rows):
            raise Held(rows)
        restored = self.control.views.restoration()
        id_ = None if restored is None else restored.id
        known = run.restoration == id_ and self._known.is_known(run)
        if not known or is_ahead(rows, listing or (), run.id):
            self._await_lists(restored)
            self.control.account_for_orphans(run, self.plan(run), listing, anew=not known)
        self._deleted.count(run, restored)  # after the lists: what has vanished from them by now is in no row
        self._known.note(run)
        return self._deleted.noted(replace(run, restoration=id_))

    def settled(self, run: Run) -> None:
        """Let a run's phase work once all that was deleted before a restoring is known; raises Deferred and RunFailed."""
        self._deleted.settle(run, self.control.views.restoration(), self.plan(run))

    def _await_lists(self, restored: Restoration | None) -> None:
        """Wait until Meta's lists show all that was made before a backup was put back; in simulated time that is past."""
        if restored is not None and timedelta(0) <= self._clock.now() - restored.at < READ_LAG:
            raise Deferred(restored.at + READ_LAG, restored.said)

    def held(self, run: Run) -> Step:
        """Return the run at rest until a person speaks; what is on is switched off where it could pass the total."""
        possible = self.secured(run)
        rows = self.control.rows(run)
        now, sentence = self._clock.now(), _said(run, rows, possible)
        resting = replace(
            run.untroubled(),
            next_tick_at=None,
            attention=sentence,
            ending=replace(run.ending, turned_to=None),
            control=Control.NONE,
        )
        said = () if run.attention == sentence else (event(run, now, "held", sentence, _facts(rows)),)
        return Step(resting, said)

    def secured(self, run: Run) -> Money | None:
        """Pause all of a held run where more than its total could be spent; returns what could be, None where it was not.

        Raises as ``ObjectControl.pause`` does.
        """
        rows = self.control.rows(run)
        each = self._possible(run, rows)
        self._set_aside(run, rows, each)
        possible = Money(sum(each.values()), run.currency)
        if possible <= total_of(run):
            return None
        self.control.pause(run, [row for row in self.control.created(run) if row.spec.kind in TREE])
        return possible

    def _set_aside(self, run: Run, rows: Sequence[Operation], possible: Mapping[str, int]) -> None:
        """Have the journal count all that was found at what it can have cost in the end."""
        known = [(row, with_possible(row, possible[row.key])) for row in rows]
        self.control.recount(run, [(was, row) for was, row in known if row != was])

    def adopted(self, run: Run) -> Step:
        """Return the run going on with what Meta holds, by the word of the person in ``control_by``.

        It stays held where more has been found than they were shown, or where it could spend more than its total.
        """
        with suppress(Held):  # what is there is what the word is about
            self.control.account_for_orphans(run, self.plan(run), anew=True)
        rows, now = self.control.rows(run), self._clock.now()
        why_not = self._why_not(run, rows)
        if why_not is not None:
            step = self.held(run)
            refused = event(run, now, "adopt_refused", RunMessage.ADOPT_REFUSED(why=why_not))
            attention = RunMessage.HELD_UNADOPTED(held=step.run.attention or "", why=why_not)
            return replace(step, run=replace(step.run, attention=attention, adopts=None), events=(refused,))
        going = replace(run, control=Control.NONE, adopts=None, attention=None, next_tick_at=now)
        if self._has_final(rows):
            going = self._admitted(self._with_final(going, rows), now).taken_over(now)
        said = event(
            run,
            now,
            "adopted",
            RunMessage.ADOPTED(actor=run.control_by or "", found=_named(rows)),
            _facts(rows),
        )
        possible = self._possible(run, rows)
        return Step(going, (said,), claim=partial(self._answer, run=run, going=going, possible=possible))

    # --- what it is about -----------------------------------------------------------------------------

    def plan(self, run: Run) -> Sequence[OperationSpec]:
        """Return what the run would make now; nothing where its own phase will say what is missing."""
        planner = self._plans.get(run.status)
        try:
            return () if planner is None else planner(run)
        except (RunFailed, NotFoundError):
            return ()

    def _possible(self, run: Run, rows: Sequence[Operation]) -> Mapping[str, int]:
        """Return what each write of the run can have cost in the end, in minor units; without figures what it reserves."""
        models = {model.key: model for model in self.control.models(run)}
        figures, now = self._figures(run, rows) or {}, self._clock.now()
        return {
            row.key: possible_spend(
                row, rows, models.get(row.key), figures.get(row.key), now, SPEND_SHOWS, self._stretch
            )
            for row in rows
        }

    def _figures(self, run: Run, rows: Sequence[Operation]) -> Mapping[str, int] | None:
        """Return what Meta reports each ad set to have spent, by key, in minor units; the final campaign's is kept.

        None where Meta does not say.
        """
        keys = {row.meta_id or MetaId(""): row.key for row in rows if _is_made(row, ObjectKind.AD_SET)}
        now, conversions = self._clock.now(), run.request.ad.conversion_event or "PURCHASE"
        try:
            read = self._clients.for_account(run.act_id).ad_sets(sorted(keys), run.created_at, now)
        except MetaError:
            return None
        found = {
            keys[row.object_id]: figures_of(row, run.currency, conversions)
            for row in read
            if row.object_id in keys
        }
        final = found.get(_FINAL[1])
        with self._open_unit() as unit:
            kept = [
                snapshot for snapshot in unit.observations.snapshots(run.id) if snapshot.variant == FINAL_ARM
            ]
            if final is not None and (not kept or kept[-1].figures != final):
                unit.observations.add_snapshots([Snapshot(run.id, FINAL_ARM, now, final)])
                unit.commit()
        return {key: one.spend for key, one in found.items()}

    # --- a person's word ------------------------------------------------------------------------------

    def _why_not(self, run: Run, rows: Sequence[Operation]) -> Message | None:
        if not found_in(rows):
            return Adoption.NOTHING_WAITS()
        if run.adopts is not None and run.adopts != found_digest(rows):
            return Adoption.MORE_FOUND()
        if self._figures(run, rows) is None:
            return Adoption.SPEND_UNREAD()
        possible = Money(sum(self._possible(run, rows).values()), run.currency)
        if possible > total_of(run):
            return Adoption.COULD_SPEND(possible=possible, total=total_of(run))
        changed = self._changed(run, rows)
        if changed:
            return Adoption.CHANGED(what=tuple(changed))
        return self._why_not_final(run, rows) if self._has_final(rows) else None

    def _why_not_final(self, run: Run, rows: Sequence[Operation]) -> Message | None:
        gone = {model.key for model in self.control.models(run) if model.status in GONE}
        if not gone.isdisjoint(_FINAL[:2]):  # nothing can be published by what is archived
            return Adoption.NOT_WHOLE(missing=tuple(sorted(gone & set(_FINAL[:2]))))
        made = {row.key for row in rows if row.state is OperationState.CONFIRMED}
        missing = [key for key in _FINAL[:2] if key not in made]
        missing += (
            [] if any(publishes(row, self._winner(run, rows) or "") for row in _ads(rows)) else [_FINAL[2]]
        )
        if missing and run.status is not RunStatus.PUBLISHING_FINAL:
            return Adoption.NOT_WHOLE(missing=tuple(missing))
        return None if self._winner(run, rows) else Adoption.WINNER_UNTOLD()

    def _changed(self, run: Run, rows: Sequence[Operation]) -> list[Message]:
        """Read what was found once more; return what makes more spendable than was counted for it."""
        found = [row for row in found_in(rows) if row.spec.action is Action.CREATE and row.spec.kind in TREE]
        shown = {row.key: self.control.read(run, row, SWEEP_FIELDS) for row in found}
        amiss = {row.key: edits(last_requested(rows, row.key), shown[row.key]) for row in found}
        return [
            RunMessage.FIELD_REFUSED(field=key, why=edit.said)
            for key, many in amiss.items()
            for edit in many
            if edit.threat
        ]

    def _has_final(self, rows: Sequence[Operation]) -> bool:
        return any(_is_made(row, ObjectKind.AD_SET) and row.key == _FINAL[1] for row in rows)

    def _winner(self, run: Run, rows: Sequence[Operation]) -> str | None:
        """Return the variant of the final campaign: the one of its ad that is on, else what is known, else its name's.

        An ad may have taken a refused one's place since. None where ads of several variants are on.
        """
        shown = self._shown(run, rows)
        if shown:
            return shown.pop() if len(shown) == 1 else None
        if run.status is RunStatus.PUBLISHING_FINAL and run.release.winner is not None:
            return run.release.winner
        name = next((str(row.spec.params.get("name")) for row in rows if row.key == _FINAL[0]), "")
        found = _TITLE.search(name)
        letters = {variant.letter for variant in self._variants(run)}
        return found.group(1) if found is not None and found.group(1) in letters else None

    def _shown(self, run: Run, rows: Sequence[Operation]) -> set[str]:
        """Return the variants whose final ads are on; where none is, those whose ads were on when they were found."""
        on = {model.key for model in self.control.models(run) if model.status == "ACTIVE"}
        were = {row.spec.target for row in found_in(rows) if row.spec.params.get("status") == "ACTIVE"}
        ads = [row for row in _ads(rows) if row.key in on] or [row for row in _ads(rows) if row.key in were]
        return {
            variant.letter for variant in self._variants(run) for ad in ads if publishes(ad, variant.letter)
        }

    def _variants(self, run: Run) -> Sequence[Variant]:
        """Return the run's variants; those that its admission would store where it has not been admitted yet."""
        return self.control.views.of(run).variants or build_variants(run.id, run.request)

    def _admitted(self, run: Run, now: datetime) -> Run:
        """Return the run as its admission leaves it, where this database has none of it."""
        if run.admitted_at is not None:
            return run
        account = self.control.views.of(run).account
        request = replace(run.request, ad=effective_ad(run.request, account))
        return replace(run, request=request, admitted_at=now, objective=objective_of(request).outcome)

    def _with_final(self, run: Run, rows: Sequence[Operation]) -> Run:
        """Return the run remembering the winner and the budget of a final campaign that Meta holds, as shown."""
        winner = self._winner(run, rows)
        proven = run.release.is_proven and winner == run.release.winner
        release = replace(run.release, winner=winner, is_proven=proven)
        if run.status is RunStatus.PUBLISHING_FINAL and release.final_budget is not None:
            return replace(run, release=release)
        now = self._clock.now()
        params = {row.key: row.spec.params for row in rows if row.key in _FINAL}
        ad_set, campaign = params[_FINAL[1]], params.get(_FINAL[0], {})
        reserves = next(row.spec.reserves for row in rows if row.key == _FINAL[1])
        budget = {
            "currency": run.currency,
            "total": reserves,
            "daily": _amount(ad_set.get("daily_budget")),
            "spend_cap": _amount(campaign.get("spend_cap")),
            "starts_at": str(ad_set.get("start_time") or now.isoformat()),
            "ends_at": str(ad_set.get("end_time") or now.isoformat()),
            "why": "as Meta shows it",
        }
        release = replace(release, final_budget=budget)
        trial = replace(run.trial, stopped_at=run.trial.stopped_at or now)
        return replace(run, trial=trial, release=release)

    def _answer(self, unit: UnitOfWork, run: Run, going: Run, possible: Mapping[str, int]) -> None:
        """Have what was found count as sent, and what the arms have spent as spent, where that is final."""
        fence, now = Fence(run.id, run.version), self._clock.now()
        if going.status is not RunStatus.PENDING and not unit.records.variants(run.id):
            unit.records.add_variants(build_variants(run.id, going.request))
        rows = unit.journal.of_run(run.id)
        for row in rows:
            counted = with_possible(row, possible.get(row.key, 0))
            known = answered(counted, now) if row in found_in(rows) else row
            is_arm = _is_made(row, ObjectKind.AD_SET) and row.purpose is Purpose.TEST
            if is_arm and row.spent is None and possible.get(row.key, row.spec.reserves) < row.spec.reserves:
                known = replace(known, spent=possible[row.key])
            if known != row:
                unit.journal.advance(known, row, fence)


def _is_made(row: Operation, kind: ObjectKind) -> bool:
    return row.spec.kind is kind and row.spec.target is None and row.state is OperationState.CONFIRMED


def _ads(rows: Sequence[Operation]) -> list[Operation]:
    """Return the final campaign's ads."""
    return [row for row in rows if _is_made(row, ObjectKind.AD) and row.purpose is Purpose.FINAL]


def _named(rows: Sequence[Operation]) -> tuple[str, ...]:
    return tuple(found_names(rows))


def _said(run: Run, rows: Sequence[Operation], possible: Money | None) -> Message:
    """Return what a held run says; ``possible`` is what it could spend, where it was switched off for that."""
    if possible is None:
        return RunMessage.HELD(found=_named(rows))
    return RunMessage.HELD_OFF(found=_named(rows), possible=possible, total=total_of(run))


def _facts(rows: Sequence[Operation]) -> Mapping[str, Any]:
    return {"found": [{"key": row.key, "meta_id": row.meta_id} for row in found_in(rows)]}


def _amount(value: Any) -> int | None:
    return int(str(value)) if value not in {None, "", "0", 0} else None
