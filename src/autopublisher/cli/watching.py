"""Follows a run in the terminal until it rests: what happens as it is recorded, with money and simulated time."""

import sys
import time
from dataclasses import dataclass
from textwrap import shorten

from rich.status import Status

from autopublisher.api.waiting import rests
from autopublisher.cli.output import console, tell
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.ids import RunId
from autopublisher.domain.records import Event
from autopublisher.domain.run import Run, RunStatus
from autopublisher.flows.reports import Reports, RunView
from autopublisher.ports.clock import Clock

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

    def __init__(self, reports: Reports, run_id: RunId, clock: Clock | None = None) -> None:
        self._reports = reports
        self._run_id = run_id
        self._clock = clock
        self._told = _Told()

    def until_rest(self) -> RunView:
        """Tell what happens until nothing more will without a person, and return the run as it is then."""
        with console(sys.stderr).status("") as line:
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
            self._tell_event(event)
        told.events = len(view.events)
        if view.run.status is not told.status:
            told.status = view.run.status
            at = f"{view.run.updated_at:%Y-%m-%d %H:%M}"
            tell(f"{at}  {told.status.value:<18}  spent {view.spent} of {view.total}", style="bold")

    def _tell_event(self, event: Event) -> None:
        if event.tag in ROUTINE:
            self._told.routine += 1
            return
        if self._told.routine:
            tell(
                f"  {event.at:%Y-%m-%d %H:%M}  {self._told.routine} writes at Meta, all confirmed",
                style="dim",
            )
            self._told.routine = 0
        message = shorten(event.message, LONGEST_LINE, placeholder=" ...")
        tell(f"  {event.at:%Y-%m-%d %H:%M}  {message}", style="dim")

    def _show(self, line: Status, view: RunView) -> None:
        line.update(f"{self._now()} {view.run.status.value}  spent {view.spent} of {view.total}")

    def _now(self) -> str:
        if self._clock is None:
            return ""
        try:
            return f"{self._clock.now():%Y-%m-%d %H:%M}"
        except UnavailableError:
            return "(time unknown)"


def _is_at_rest(run: Run) -> bool:
    """An approved run still says that it waits until its next tick; it does not, unless a stop holds it."""
    return rests(run) and (run.is_final or run.approval is None or run.next_tick_at is None)
