"""SELECTING_WINNER and WAITING_APPROVAL: turns the final verdict into a choice, and waits for the person it needs."""

from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain import evidence
from autopublisher.domain.journal.records import Decision, Event
from autopublisher.domain.request.request import NoWinner
from autopublisher.domain.runs.approvals import advises_to_keep_all, approval_digest, bet_of
from autopublisher.domain.runs.better_bet import asks_for_bets, why_a_person
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.domain.runs.run_messages import RunEnd, RunMessage
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.closing import unpublished
from autopublisher.flows.writes.journal_views import JournalViews
from autopublisher.ports.clock import Clock

PROVEN = frozenset({evidence.Kind.WINNER, evidence.Kind.SAFE_PICK})
"""Verdicts on which a run may go on by itself."""


class Selection:
    """SELECTING_WINNER: writes down who won, or that nobody did."""

    def __init__(self, views: JournalViews, clock: Clock, approval_lasts: timedelta) -> None:
        self._views = views
        self._clock = clock
        self._approval_lasts = approval_lasts

    def __call__(self, run: Run) -> Step:
        """Return the run waiting for a person, scaling at once, or ending without a winner, as it was configured."""
        now = self._clock.now()
        decision = _concluding(self._views.of(run).decision)
        verdict, bet = evidence.Verdict.from_json(decision.verdict), bet_of(decision)
        proven = verdict.kind in PROVEN
        best_bet = verdict.kind is evidence.Kind.BEST_BET
        winner = verdict.winner if proven else None
        release = replace(run.release, winner=winner, leader=verdict.leader, is_proven=proven)
        chosen = replace(run, release=release, attention=None)
        words = RunMessage.WINNER_SELECTED(letter=str(winner)) if proven else RunMessage.NO_WINNER()
        said = event(
            run, now, "winner_selected" if proven else "no_winner", words, {"kind": verdict.kind.value}
        )
        if not proven and run.request.ab_test_config.on_no_winner is NoWinner.STOP:
            report = unpublished(RunMessage.STOPS_WITHOUT_WINNER())
            ending = replace(run.ending, turned_to=RunStatus.COMPLETED)
            ended = replace(chosen, ending=ending, next_tick_at=now, report=report)
            return Step(ended, (said,))
        if proven and not run.request.require_human_approval:
            return Step(chosen.moved(RunStatus.SCALING_BUDGET, now), (said,))
        told: tuple[Event, ...] = (said,)
        if bet is not None and not proven and asks_for_bets(run):
            why = why_a_person(run, decision, self._views.account(run))
            if why is None:
                return self._bet(chosen, bet, now, said)
            told = (said, event(run, now, "bet_needs_person", RunMessage.BET_NEEDS_PERSON(why=why)))
        expires = now + self._approval_lasts
        waiting = chosen.moved(RunStatus.WAITING_APPROVAL, now)
        waiting = replace(waiting, release=replace(release, expires_at=expires), next_tick_at=expires)
        without = (
            RunMessage.ASKS_WITHOUT_WINNER() if bet is None else RunMessage.ASKS_FOR_MONEY_BET(letter=bet)
        )
        keeps = bet is None and advises_to_keep_all(decision)
        without = RunMessage.ASKS_TO_KEEP_ALL() if keeps else without
        asked = RunMessage.ASKS_FOR_BEST_BET() if best_bet else without
        asked = RunMessage.ASKS_FOR_WINNER() if proven else asked
        card = event(
            run,
            now,
            "approval_requested",
            asked,
            {"digest": approval_digest(chosen)},
        )
        return Step(waiting, (*told, card))

    def _bet(self, run: Run, bet: str, now: datetime, said: Event) -> Step:
        """Return the run following its bet where it is; nothing is proven by that."""
        release = replace(run.release, winner=bet, way=Way.IN_PLACE)
        follows = event(run, now, "bet_followed", RunMessage.BET_FOLLOWED(letter=bet))
        return Step(replace(run, release=release).moved(RunStatus.SCALING_BUDGET, now), (said, follows))


class ApprovalWait:
    """WAITING_APPROVAL: goes on with the approved variant, or ends the run when the time is up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, run: Run) -> Step:
        """Return the run scaling the approved variant, ending as CANCELLED at the expiry, or still waiting."""
        now = self._clock.now()
        if run.release.approval is not None:
            release = replace(run.release, winner=run.release.approval.variant)
            return Step(replace(run, release=release).moved(RunStatus.SCALING_BUDGET, now))
        if run.release.expires_at is not None and now >= run.release.expires_at:
            ending = replace(run.ending, turned_to=RunStatus.CANCELLED, why=RunEnd.NOT_APPROVED())
            return Step(
                replace(run, ending=ending, next_tick_at=now),
                (event(run, now, "approval_expired", RunMessage.APPROVAL_EXPIRED()),),
            )
        return Step(replace(run, next_tick_at=run.release.expires_at))


def _concluding(decision: Decision | None) -> Decision:
    """Return the decision that concluded the test; raises RunFailed where none was stored."""
    if decision is None:
        raise RunFailed(RunMessage.NO_DECISION())
    return decision
