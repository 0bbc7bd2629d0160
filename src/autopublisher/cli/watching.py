"""Follows a run in the terminal until it rests: what happens as it is recorded, with money and simulated time."""

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import shorten

from rich.console import Console
from rich.status import Status

from autopublisher.api.waiting import rests
from autopublisher.cli.language import language, worded
from autopublisher.cli.output import console, tell
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.moments import moment_text
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.reports import Reports, RunView
from autopublisher.messages import render
from autopublisher.ports.clock import Clock
from autopublisher.views.moments import Zones, standing_text

LOOK_SECONDS = 0.3
LONGEST_LINE = 150
ROUTINE = frozenset(
    {"executor:operation:created", "executor:operation:updated", "executor:operation:uploaded"}
)
"""Events that come by the dozen; they are counted instead of told."""


@dataclass
class _Told:
    """How far the telling has come."""

    status: RunStatus | None = None
    events: int = 0
    routine: int = 0


class Watcher:
    """Watches one run; ``clock`` None leaves the present out, where only the database is at hand."""

    def __init__(
        self,
        reports: Reports,
        run_id: RunId,
        zones: Zones,
        clock: Clock | None = None,
        screen: Console | None = None,
    ) -> None:
        # One console for the status line and the events: two would write into each other's line.
        self._console = screen or console(sys.stderr)
        self._zones = zones
        self._reports = reports
        self._run_id = run_id
        self._clock = clock
        self._told = _Told()

    def until_rest(self) -> RunView:
        """Tell what happens until nothing more will without a person, and return the run as it is then."""
        with self._console.status("") as line:
            while True:
                view = self._reports.view(self._run_id)
                self._tell(view)
                if _is_at_rest(view.run):
                    return view
                self._show(line, view)
                time.sleep(LOOK_SECONDS)

    def _tell(self, view: RunView) -> None:
        told = self._told
        for event in view.events[told.events :]:
            self._tell_event(view.run, event)
        told.events = len(view.events)
        if view.run.status is not told.status:
            told.status = view.run.status
            at = self._moment(view.run, view.run.updated_at)
            self._say(f"{at}  {self._standing(view.run):<18}  spent {view.spent} of {view.total}", "bold")

    def _tell_event(self, run: Run, event: Event) -> None:
        if event.tag in ROUTINE:
            self._told.routine += 1
            return
        at = self._moment(run, event.at)
        if self._told.routine:
            self._say(f"  {at}  {worded('writes_confirmed', routine=self._told.routine)}", "dim")
            self._told.routine = 0
        message = render(event.message, language(), self._zones.get(run.act_id, UTC))
        self._say(f"  {at}  {shorten(message, LONGEST_LINE, placeholder=' ...')}", "dim")

    def _show(self, line: Status, view: RunView) -> None:
        line.update(f"{self._now(view.run)} {self._standing(view.run)}  spent {view.spent} of {view.total}")

    def _say(self, message: str, style: str) -> None:
        tell(message, style, self._console)

    def _standing(self, run: Run) -> str:
        return standing_text(run, self._zones.get(run.act_id, UTC))

    def _moment(self, run: Run, at: datetime) -> str:
        return moment_text(at.astimezone(self._zones.get(run.act_id, UTC)))

    def _now(self, run: Run) -> str:
        if self._clock is None:
            return ""
        try:
            return self._moment(run, self._clock.now())
        except UnavailableError:
            return worded("time_unknown")


def _is_at_rest(run: Run) -> bool:
    """An approved run still says that it waits until its next tick; it does not, unless a stop holds it."""
    waits = run.release.approval is None or run.next_tick_at is None or run.is_refused
    return rests(run) and (run.is_final or waits)
