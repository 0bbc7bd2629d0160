"""Lets a test go on past its plan, a day at a time: its end is moved in the run's row, and its arms follow at Meta.

Budgets are raised before ends, so that no arm delivers on what the others have not got yet. What was set aside when the run
was admitted covers all of it. Where Meta refuses, the test is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain import evidence
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import GateRefusedError
from autopublisher.domain.evidence.money_decision import Choice
from autopublisher.domain.evidence.money_record import money_from_json
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.records import Decision, Event
from autopublisher.domain.messages import said_of
from autopublisher.domain.request.request import DecisionMode, NoWinner
from autopublisher.domain.runs.arm_reserves import arms_of
from autopublisher.domain.runs.longest_test import a_day_longer, budget_per_variant, days_past_plan
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.deferred import OperationRefused
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.writes.objects import ObjectControl

_IN_TIME = timedelta(hours=6)
"""A test that is found at its end later than this is over: what is left of the day would not be one like the others."""


@dataclass(frozen=True)
class Prolonging:
    """Decides whether a test goes on, and raises its arms' budgets and ends."""

    control: ObjectControl

    def may_go_on(self, run: Run, now: datetime) -> bool:
        """Tell whether a test may still go on past its present end, whatever its figures say."""
        ends = run.trial.ends_at
        in_time = ends is not None and now - ends <= _IN_TIME and run.trial.edited_at is None
        return in_time and a_day_longer(run) is not None

    def longer(
        self, run: Run, verdict: evidence.Verdict, last: Decision | None, now: datetime
    ) -> tuple[Run, Event] | None:
        """Return a run whose test is at its end with an end a day later, and what is said of it; None where it is over.

        ``last`` is the latest decision on the test. One whose figures cannot be relied on does not go on.
        """
        if verdict.kind is evidence.Kind.UNHEALTHY or not self.may_go_on(run, now):
            return None
        later = a_day_longer(run) if _is_wanted(run, last) else None
        if later is None or later.trial.ends_at is None:
            return None
        daily = budget_per_variant(later) - budget_per_variant(run)
        arms = len(self._letters(run))
        said = RunMessage.TEST_GOES_ON(
            until=later.trial.ends_at, price=Money(daily.minor * arms, run.currency), each=daily
        )
        return later, event(run, now, "test_goes_on", said)

    def refused(self, run: Run, now: datetime) -> Step | None:
        """Have the arms follow a test that goes on; returns the run with its test over where that is refused.

        What the journal says they show is not asked for again. Else raises as an update does.
        """
        if run.trial.ends_at is None or now >= run.trial.ends_at or days_past_plan(run) <= 0:
            return None
        try:
            self._carry_out(run, run.trial.ends_at)
        except (OperationRefused, GateRefusedError) as error:
            why = error.said if isinstance(error, OperationRefused) else said_of(error)
            over = event(run, now, "test_ended", RunMessage.TEST_CANNOT_GO_ON(why=why))
            return Step(run.moved(RunStatus.ANALYZING_RESULTS, now), (over,))
        return None

    def _carry_out(self, run: Run, ends: datetime) -> None:
        rows = arms_of(self.control.rows(run))
        arms = [rows[letter] for letter in self._letters(run)]
        for wanted in (
            {"lifetime_budget": budget_per_variant(run).minor},
            {"end_time": ends.replace(microsecond=0).isoformat()},
        ):
            self.control.update_all(run, arms, wanted, Purpose.PROLONG)

    def _letters(self, run: Run) -> list[str]:
        return [letter for letter in arms_of(self.control.rows(run)) if letter not in run.trial.eliminated]


def _is_wanted(run: Run, last: Decision | None) -> bool:
    """Tell whether a test that has proved nothing at its end goes on: as was planned, or because money says so."""
    ab = run.request.ab_test_config
    if ab.on_no_winner is NoWinner.EXTEND:
        return True
    if ab.decision_mode is not DecisionMode.MONEY or last is None or last.money is None:
        return False
    return money_from_json(last.money).choice is Choice.TEST_ON
