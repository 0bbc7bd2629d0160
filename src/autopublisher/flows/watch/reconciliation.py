"""The reconciliation: at each look an account is compared with the journals of its runs.

What somebody else has changed is said once, in the run's events, and never undone by us, with one exception: what makes
more money spendable than is set aside is switched off at once, through the run's own journal. What belongs to a run and to
no journal is switched off as the kill switch would; what belongs to no run here is only told of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.stops import ObjectLine, StopMessage, line_from_record, line_to_record
from autopublisher.domain.errors import AutoPublisherError, MetaError, StaleOperationError, StaleRunError
from autopublisher.domain.ids import ActId
from autopublisher.domain.journal.keys import Purpose, key_from
from autopublisher.domain.journal.naming import run_mark, run_marks_in
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Event
from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.reconciliation.findings import (
    EDITED,
    RECONCILIATION,
    RESTORED,
    Finding,
    findings_of,
)
from autopublisher.domain.reconciliation.found import OLDER
from autopublisher.domain.reconciliation.unknown import UNKNOWN
from autopublisher.domain.reconciliation.watch_messages import WatchMessage
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import HELD
from autopublisher.flows.outcomes.deferred import Deferred, Held, OperationRefused
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.run_pages import every_run
from autopublisher.flows.runs.duplicates import Duplicates
from autopublisher.flows.runs.holding import Holding
from autopublisher.flows.ticks import enqueue_next
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.account_snapshot import AccountSnapshot, take_snapshot
from autopublisher.flows.watch.drift import Comparison, DriftDetector
from autopublisher.flows.watch.orphan_inventory import OrphanInventory
from autopublisher.flows.watch.orphans import OrphanedObjects
from autopublisher.flows.watch.unknown_runs import UnknownRuns
from autopublisher.flows.writes.money_gate import LONGEST
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.flows.writes.orphan_pause import OrphanedObject, unfinished_pauses
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import TickQueue

_TESTING = frozenset({RunStatus.AB_TESTING, RunStatus.ANALYZING_RESULTS})


class Reconciliation:
    """The check that compares an account with its journals; while a stop holds, the stop's own check is in charge."""

    name = RECONCILIATION

    def __init__(  # noqa: PLR0917 (one argument for each port, then what it works with)
        self,
        open_unit: OpenUnitOfWork,
        clients: ReadingClients,
        clock: Clock,
        ticks: TickQueue,
        control: ObjectControl,
        orphans: OrphanedObjects,
        duplicates: Duplicates,
        holding: Holding | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._ticks = ticks
        self._control = control
        self._orphans = orphans
        self._duplicates = duplicates
        self._holding = holding
        self._drift = DriftDetector(control, clients)
        self._inventory = OrphanInventory(open_unit, clients)
        self._unknown_runs = UnknownRuns(open_unit, stretch=duplicates.stretch)

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Look at everything that bears our mark in the account, whatever the journals hold."""
        with self._open_unit().reading() as unit:
            stopped = bool(unit.stops.holding(act_id))
            unfinished = unfinished_pauses(unit, act_id)
        if stopped:
            return None if before is None else Outcome(before)
        snapshot = take_snapshot(self._clients.for_account(act_id), now)
        every = self._runs(act_id, snapshot, now)
        runs = [run for run in every if _matters(run, snapshot, now)]
        unknown = self._unknown_runs.listed(act_id, every, snapshot, before, now)
        undone = [line for run in runs for line in self._held_back(run, snapshot, now)]
        lines, problems = self._care_for_orphans(act_id, every, runs, snapshot, before, now, unfinished)
        problems = [*snapshot.problems, *problems]
        findings: list[Finding] = []
        for run in runs:
            earlier = {finding.place: finding for finding in findings_of(before) if finding.run_id == run.id}
            compared = self._drift.compare(run, snapshot, earlier, now)
            self._carry_over(compared, earlier)
            self._record_news(compared, now)
            problems += self._weighed(run, snapshot)
            undone += self._recalled(compared, snapshot)
            self._mark_edited(compared, earlier, now)
            findings += compared.findings
            problems += compared.problems
        undone += [
            StopMessage.OBJECT_OPEN(kind=line.kind.value, id=str(line.meta_id), why=line.why or line.state)
            for line in lines
            if not line.confirmed
        ]
        inventory = self._inventory.listed(act_id, before, now)
        problems += inventory.problems
        record = {
            "at": now.isoformat(),
            "findings": [finding.to_record() for finding in findings],
            "orphans": [line_to_record(line) for line in lines],
            UNKNOWN: [one.to_record() for one in unknown],
            "unclaimed": list(inventory.objects),
            "listed_at": dict(inventory.listed_at),
            "put_off": dict(inventory.put_off),
            "undone": [line.to_record() for line in undone],
            "problems": [problem.to_record() for problem in problems],
        }
        return Outcome(record, complete=not undone, unanswered=snapshot.unanswered)

    def _runs(self, act_id: ActId, snapshot: AccountSnapshot, now: datetime) -> Sequence[Run]:
        """Return the runs that have not ended long ago, and those of which the account lists something."""
        marks = frozenset(mark for one in snapshot.everything() for mark in run_marks_in(one.name))
        with self._open_unit().reading() as unit:
            lately = every_run(unit, RunFilter(act_id=act_id, alive_since=now - LONGEST))
            listed = every_run(unit, RunFilter(act_id=act_id, marks=marks))
            return list({run.id: run for run in (*lately, *listed)}.values())

    # --- whose objects --------------------------------------------------------------------------------

    def _care_for_orphans(  # noqa: PLR0917 (the account as it is listed and as it is known)
        self,
        act_id: ActId,
        every: Sequence[Run],
        runs: Sequence[Run],
        snapshot: AccountSnapshot,
        before: Mapping[str, Any] | None,
        now: datetime,
        unfinished: Sequence[OrphanedObject],
    ) -> tuple[tuple[ObjectLine, ...], list[Message]]:
        """Have what no journal knows taken into its run's, or else switched off."""
        known = {row.meta_id for run in runs for row in self._control.rows(run)}
        at_rest = tuple(run_mark(run.id) for run in every if run not in runs)
        ours = tuple(run_mark(run.id) for run in every)
        unknown = [
            OrphanedObject.of(one)
            for one in snapshot.everything()
            if one.id not in known
            and any(mark in one.name for mark in ours)  # of others nobody here knows whose they are
            and not any(mark in one.name for mark in at_rest)
        ]
        earlier = [line_from_record(one) for one in (before or {}).get("orphans", ())]
        found = self._orphans.taken_care_of(act_id, unknown, earlier, now, unfinished=unfinished)
        return found.lines, list(found.problems)

    # --- older databases ----------------------------------------------------------------------------

    def _held_back(self, run: Run, snapshot: AccountSnapshot, now: datetime) -> list[Message]:
        """See that a run of which Meta holds more than its journal rests, and to its money; returns what is left undone."""
        if self._holding is None or run.is_ending:
            return []
        try:
            self._holding.compared(run, snapshot.of(run_mark(run.id)) if not snapshot.problems else None)
        except Held:
            return self._at_rest(run, now)
        except Deferred:
            return []  # its own tick says what it waits for
        except AutoPublisherError as error:
            return [WatchMessage.NOT_COMPARED(run=run.id, why=said_of(error))]
        return []

    def _at_rest(self, run: Run, now: datetime) -> list[Message]:
        """Have the run's own tick say so; of one that rests already only the money is seen to."""
        if run.next_tick_at is None and _is_held(run):
            return self._secured(run)
        try:
            self._wake(replace(run, version=run.version + 1, updated_at=now, next_tick_at=now), run.version)
        except StaleRunError:
            return []  # its own tick has moved it on; the next look finds the same
        return []

    def _secured(self, run: Run) -> list[Message]:
        try:
            if self._holding is not None:
                self._holding.secured(run)
        except (Deferred, OperationRefused, AutoPublisherError) as error:
            return [WatchMessage.HELD_UNSURE(run=run.id, why=_why(error))]
        return []

    def _wake(self, run: Run, was: int) -> None:
        with self._open_unit() as unit:
            unit.runs.save(run, was=was)
            enqueue_next(self._ticks, unit_of_work=unit, run=run, clock=self._clock)
            unit.commit()

    # --- what is said ---------------------------------------------------------------------------------

    def _carry_over(self, compared: Comparison, earlier: Mapping[tuple[str, str], Finding]) -> None:
        """Keep what was found of creatives at an earlier look, which are not read at each."""
        rows = {row.key: row for row in compared.rows}
        for place, finding in earlier.items():
            is_creative = place[0] in rows and rows[place[0]].spec.kind is ObjectKind.CREATIVE
            if is_creative and place not in compared.examined:
                compared.findings.append(finding)

    def _record_news(self, compared: Comparison, now: datetime) -> None:
        """Write an event for each finding that is new or other than before, and for each that is no more.

        What has been said is known from the events themselves, so that a look that died says nothing twice.
        """
        with self._open_unit() as unit:
            unit.lock(f"reconciliation:{compared.run.act_id}")
            recorded = _recorded_marks(unit.observations.events(compared.run.id))
            news = [
                _edited(compared.run, finding, now)
                for finding in compared.findings
                if recorded.get(finding.place) != list(finding.mark)
            ]
            there = {finding.place for finding in compared.findings}
            over = [
                place
                for place, mark in recorded.items()
                if mark is not None and place in compared.examined and place not in there
            ]
            news += [_restored(compared.run, place, now) for place in over]
            unit.observations.add_events(news)
            unit.commit()

    def _weighed(self, run: Run, snapshot: AccountSnapshot) -> list[Message]:
        """Set aside what the run's duplicates can spend, before they are switched off; return why it could not be done."""
        try:
            self._duplicates.weigh(run, lambda row: snapshot.shown(row.spec.kind, row.meta_id))
        except (StaleRunError, StaleOperationError) as error:
            return [WatchMessage.DUPLICATES_NEXT(why=said_of(error))]
        return []

    # --- what is done ---------------------------------------------------------------------------------

    def _recalled(self, compared: Comparison, snapshot: AccountSnapshot) -> list[Message]:
        """Switch off every part of an arm whose money is threatened, campaign first; return what is left undone."""
        undone = []
        arms = {_arm(finding.key) for finding in compared.threats}
        for row in self._on(compared, snapshot, arms):
            try:
                self._control.recall(compared.run, row)
            except (Deferred, OperationRefused, MetaError, StaleRunError, StaleOperationError) as error:
                undone.append(WatchMessage.TO_BE_OFF(key=row.key, why=_why(error)))
        return undone

    def _on(self, compared: Comparison, snapshot: AccountSnapshot, arms: set[str]) -> list[Operation]:
        """Return what is on in these arms, and what an earlier look began to switch off."""
        begun = {
            row.spec.target
            for row in self._control.rows(compared.run)
            if row.purpose is Purpose.RECALL and not row.is_settled
        }
        rows = self._control.created(compared.run)
        return [
            row
            for kind in TREE
            for row in rows
            if row.spec.kind is kind
            and (row.key in begun or (_arm(row.key) in arms and _is_on(compared, snapshot, row)))
        ]

    def _mark_edited(
        self, compared: Comparison, earlier: Mapping[tuple[str, str], Finding], now: datetime
    ) -> None:
        """Mark a running test whose arms have been changed; its figures from then on are no proof.

        A tick that is due may be under way and is left alone, unless the same was found at the look before.
        """
        run = compared.run
        broken = [finding for finding in compared.findings if _breaks(run, finding)]
        if not broken or run.trial.edited_at is not None or run.status not in _TESTING:
            return
        due = run.next_tick_at is not None and run.next_tick_at <= self._clock.now()
        if due and not any(finding.place in earlier for finding in broken):
            return
        trial = replace(run.trial, edited_at=now)
        marked = replace(run, version=run.version + 1, updated_at=now, trial=trial)
        try:
            self._wake(marked, run.version)
        except StaleRunError:
            return  # its own tick has moved it on; the next look finds the same


def _matters(run: Run, snapshot: AccountSnapshot, now: datetime) -> bool:
    """Tell whether a run is under way, has ended lately, or has something that is listed as not off."""
    if run.ending.at is None or run.ending.at >= now - LONGEST:
        return True
    return any(run_mark(run.id) in one.name for one in snapshot.on())


def _why(error: Deferred | OperationRefused | AutoPublisherError) -> Message:
    if isinstance(error, AutoPublisherError):
        return said_of(error)
    return error.said if isinstance(error, OperationRefused) else error.attention or WriteMessage.NO_ANSWER()


def _is_held(run: Run) -> bool:
    said = run.attention
    return said is not None and (said.code in HELD or OLDER in str(said.params.get("sentence", "")))


def _arm(key: str) -> str:
    return replace(key_from(key), kind="").text


def _is_on(compared: Comparison, snapshot: AccountSnapshot, row: Operation) -> bool:
    shown = compared.shown.get(row.key) or snapshot.shown(row.spec.kind, row.meta_id)
    return shown is not None and not shown.is_off


def _breaks(run: Run, finding: Finding) -> bool:
    """Tell whether an edit makes a test's figures worthless: of an arm still in the test, and not its name alone."""
    letter = key_from(finding.key).letter
    in_test = letter is not None and letter not in run.trial.eliminated
    return in_test and finding.edit.field != "name"


def _recorded_marks(events: Sequence[Event]) -> dict[tuple[str, str], list[Any] | None]:
    """Return what was last said of each place: the finding's mark, or None where it was said to be over."""
    recorded: dict[tuple[str, str], list[Any] | None] = {}
    for event in events:
        if event.tag in {EDITED, RESTORED}:
            place = event.data["key"], event.data["field"]
            over = event.tag == RESTORED
            recorded[place] = (
                None if over else [event.data["wanted"], event.data["shown"], event.data["turn"]]
            )
    return recorded


def _edited(run: Run, finding: Finding, now: datetime) -> Event:
    code = WatchMessage.EDITED_THREAT if finding.edit.threat else WatchMessage.EDITED
    message = code(what=finding.said)
    return Event(now, EDITED, SYSTEM, message, run.id, finding.to_record())


def _restored(run: Run, place: tuple[str, str], now: datetime) -> Event:
    key, name = place
    return Event(
        now, RESTORED, SYSTEM, WatchMessage.RESTORED(field=name, key=key), run.id, {"key": key, "field": name}
    )
