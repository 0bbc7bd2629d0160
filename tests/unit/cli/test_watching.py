"""A run is followed on one console, so that its status line and its events keep out of each other's way."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from autopublisher.api.schemas import EXAMPLE_REQUEST
from autopublisher.cli.request_file import request_of
from autopublisher.cli.watching import Watcher
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import legacy
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.reports import Reports, RunView

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ACT = ActId("act_1")
RUN = Run(
    RunId("run-1"),
    AccountId("account-1"),
    ACT,
    "EUR",
    request_of(
        EXAMPLE_REQUEST
        | {"budget_config": {"total_budget": 500}}
        | {"ab_test_config": EXAMPLE_REQUEST["ab_test_config"] | {"test_budget_per_variant": 50}}
    ),
    RunStatus.AB_TESTING,
    version=1,
    created_at=NOON,
    created_by="maria",
    updated_at=NOON,
    next_tick_at=NOON,
)


class Script:
    """Shows a run as it is at each look: first under way, then ended."""

    def __init__(self) -> None:
        self._looks = [
            view(RUN, "The test began"),
            view(replace(RUN, status=RunStatus.COMPLETED, next_tick_at=None), "The test began", "It is over"),
        ]

    def view(self, _: RunId) -> RunView:
        """Return the next look."""
        return self._looks.pop(0)


def view(run: Run, *messages: str) -> RunView:
    events = tuple(Event(NOON, "runs:run:told", "system", legacy(message), run.id) for message in messages)
    spent = Money(1234, "EUR")
    return RunView(run, (), (), None, events, (), spent, spent, spent, None)


def test_events_and_the_status_line_share_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    file = io.StringIO()
    screen = Console(file=file, width=80, force_terminal=True)
    ended = Watcher(
        cast("Reports", Script()), RUN.id, {ACT: ZoneInfo("Europe/Madrid")}, screen=screen
    ).until_rest()
    text: Any = file.getvalue()
    assert ended.run.status is RunStatus.COMPLETED
    assert capsys.readouterr().err == ""
    assert [text.count(message) for message in ("The test began", "It is over")] == [1, 1]
    assert "2026-12-01 13:00 CET  completed" in text
