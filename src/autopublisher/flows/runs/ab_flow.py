"""AB_TESTING and ANALYZING_RESULTS: launch, watch and conclude a test, by the decision engine's verdicts alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain import evidence
from autopublisher.domain.accounts.account_limit import attention_of_test
from autopublisher.domain.accounts.stops import was_stopped
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaError, MetaReadError
from autopublisher.domain.evidence.money_replay import MONEY_KINDS
from autopublisher.domain.journal.keys import Purpose, key_from
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Decision, Event, Snapshot
from autopublisher.domain.messages import Message, said_of
from autopublisher.domain.meta.review import BLOCKED, IN_REVIEW
from autopublisher.domain.money.ledger import budget_of
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.domain.runs.settlement import spent_at_most
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.failing import RunFailed
from autopublisher.flows.outcomes.steps import Step, event
from autopublisher.flows.runs.account_facts import AccountFacts
from autopublisher.flows.runs.collector import REFRESH, SPEND_SHOWS, Collected, Collector
from autopublisher.flows.runs.judging import Judged, Known, concluded, ended_by_money
from autopublisher.flows.runs.looks import Looks
from autopublisher.flows.runs.prolonging import Prolonging
from autopublisher.flows.runs.reallocation import Reallocation
from autopublisher.flows.runs.settlement import (
    caps_of,
    doubted_until,
    doubts,
    seen_before,
    settled_by_variant,
    spent_by_variant,
)
from autopublisher.flows.runs.split_test import SplitTest
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock

REVIEW_PATIENCE = timedelta(hours=72)
"""How long Meta may take to review the ads before the run gives up."""


class Testing:
    """AB_TESTING: waits for review, polls, judges, stops proven losers."""

    def __init__(
        self,
        collector: Collector,
        control: ObjectControl,
        clock: Clock,
        poll: timedelta,
        *,
        looks: Looks,
        reallocation: Reallocation,
        split_test: SplitTest,
        account: AccountFacts,
    ) -> None:
        self._account = account
        self._collector = collector
        self._control = control
        self._clock = clock
        self._prolonging = Prolonging(control)
        self._looks = looks
        self._poll = max(poll, REFRESH)
        self._reallocation = reallocation
        self._split_test = split_test

    def __call__(self, run: Run) -> Step:
        """Return the run with its next poll, or in ANALYZING_RESULTS when the test is over."""
        return self._prolonging.refused(run, self._clock.now()) or self._looked_at(run)

    def _looked_at(self, run: Run) -> Step:
        self._revive(run)
        if run.trial.starts_at is None or run.trial.ends_at is None:
            return self._launched(run)
        now, ends = self._clock.now(), run.trial.ends_at
        try:
            since = self._looks.known_until(run)
            collected = self._collector.collect(run, since=since)
        except MetaError as error:
            if now < ends or self._prolonging.may_go_on(run, now):
                raise
            over = event(run, now, "test_ended", RunMessage.TEST_OVER_UNREAD(why=said_of(error)))
            return Step(run.moved(RunStatus.ANALYZING_RESULTS, now), (over,))
        snapshots = collected.snapshots
        trouble = (self._trouble(run, snapshots) if now < ends else None) or collected.attention
        is_news = trouble is not None and trouble != run.attention
        troubled = (event(run, now, "not_delivering", trouble),) if trouble is not None and is_news else ()
        embargo_ends = run.trial.starts_at + timedelta(hours=run.request.ab_test_config.embargo_hours)
        if now < embargo_ends and now < run.trial.ends_at:
            return self._wait(run, now, embargo_ends, troubled, trouble)
        run, noticed = self._noticed(run, now)
        whole = self._reallocation.may_plan(run)
        known = self._known(run, snapshots)
        found = self._looks.judged(run, known, now, since=since, whole=whole)
        verdict, kept = found.verdict, () if found.decision is None else (found.decision,)
        events = (
            troubled
            + noticed
            + tuple(event(run, now, "judged", _judged_text(one), {"kind": one.kind}) for one in kept)
        )
        stopped = self._stop_losers(run, verdict)
        longer = None
        if now >= ends and not found.ends_test:
            longer = self._prolonging.longer(stopped, verdict, found.decision or known.decision, now)
        if longer is not None:
            later, goes_on = longer
            return Step(replace(later, next_tick_at=now, attention=trouble), (*events, goes_on), kept)
        if found.ends_test or now >= ends:
            over = event(run, now, "test_ended", _ended_text(found))
            ended = replace(stopped, attention=None, trial=replace(stopped.trial, moving=None))
            return Step(ended.moved(RunStatus.ANALYZING_RESULTS, now), (*events, over), kept)
        if verdict.kind is evidence.Kind.UNHEALTHY:
            trouble = trouble or RunMessage.UNHEALTHY_GOES_ON(**_headlines(verdict))
        moved = self._reallocation.advance(stopped, verdict)
        again = now + self._rhythm(run)
        until = min(moved.again or again, again)
        waiting = self._wait(moved.run, now, until, (*events, *moved.events), trouble)
        return replace(waiting, decisions=kept)

    def _rhythm(self, run: Run) -> timedelta:
        """Return how often the test is read: what was planned at its start holds for all of it."""
        return self._poll if run.trial.poll_minutes is None else timedelta(minutes=run.trial.poll_minutes)

    def _revive(self, run: Run) -> None:
        """Switch on again what the kill switch has switched off, all arms alike, as long as the test lasts."""
        if run.trial.ends_at is not None and self._clock.now() >= run.trial.ends_at:
            return
        rows = self._control.rows(run)
        dark = [row for row in self._going_on(run) if was_stopped(rows, row.key)]
        if dark:
            self._control.activate(run, dark)

    def _launched(self, run: Run) -> Step:
        """Start the test's own clock once every ad is through review, so that review costs no test time."""
        now = self._clock.now()
        ads = [row for row in self._control.created(run, Purpose.TEST) if row.spec.kind is ObjectKind.AD]
        shown = self._control.read_all(run, ads)
        states = {key: str(state.effective_status) for key, state in shown.items()}
        blocked = {key: state for key, state in states.items() if state in BLOCKED}
        if blocked:
            held = tuple(f"{key} ({state})" for key, state in blocked.items())
            raise RunFailed(RunMessage.ADS_BLOCKED(ads=held))
        if any(state in IN_REVIEW for state in states.values()):
            if now > (run.trial.arms_start_at or run.created_at) + REVIEW_PATIENCE:
                raise RunFailed(RunMessage.ADS_REVIEW_TOO_LONG())
            raise Deferred(now + REFRESH, RunMessage.ADS_IN_REVIEW())
        starts = self._start(run, now)
        ends = starts + timedelta(hours=run.request.ab_test_config.test_duration_hours)
        arms = [row for row in self._control.created(run, Purpose.TEST) if row.spec.kind is ObjectKind.AD_SET]
        self._control.update_all(
            run, arms, {"end_time": ends.replace(microsecond=0).isoformat()}, Purpose.EXTEND
        )
        run, noted = self._split_test.outlasting(run, ends)
        poll_minutes = self._poll // timedelta(minutes=1)
        trial = replace(run.trial, starts_at=starts, ends_at=ends, poll_minutes=poll_minutes)
        started = replace(run, trial=trial, next_tick_at=starts, attention=None)
        said = event(run, now, "delivery_started", RunMessage.DELIVERY_STARTED(ends=ends))
        return Step(started, (*noted, said))

    def _start(self, run: Run, now: datetime) -> datetime:
        """Return when the test starts: what an interrupted tick has asked of one arm holds for the others.

        Asking all of them may take many ticks where Meta's limits are narrow, and the arms deliver meanwhile: unless a stop
        has switched them off since, for then all of them start anew.
        """
        rows = self._control.rows(run)
        asked = [
            row
            for row in rows
            if row.purpose is Purpose.EXTEND and key_from(row.key).root.purpose is Purpose.TEST
        ]
        if asked and not any(row.purpose is Purpose.STOP for row in rows[asked[-1].sequence :]):
            hours = timedelta(hours=run.request.ab_test_config.test_duration_hours)
            started = datetime.fromisoformat(asked[-1].spec.params["end_time"]) - hours
            if now - started < max(REFRESH, hours / 4):
                return started
        return max(now, run.trial.arms_start_at or now)

    def _wait(
        self, run: Run, now: datetime, until: datetime, events: tuple[Event, ...], trouble: Message | None
    ) -> Step:
        ends = run.trial.ends_at or until
        wait = min(until, now + self._rhythm(run), max(ends, now))
        return Step(replace(run, next_tick_at=wait, attention=trouble), events)

    def _trouble(self, run: Run, snapshots: Sequence[Snapshot]) -> Message | None:
        """Say what keeps an arm from delivering although we have switched it on; None where nothing does."""
        facts = self._account.current(run)
        if not facts.delivers:
            return RunMessage.ACCOUNT_STOPPED(status=str(facts.status))
        limited = attention_of_test(facts, self._unspent(run, snapshots))
        if limited is not None:
            return limited
        blocked = self._blocked(run)
        return RunMessage.ADS_NOT_DELIVERED(ads=blocked) if blocked else None

    def _unspent(self, run: Run, snapshots: Sequence[Snapshot]) -> Money:
        """Return what the arms that go on could still spend, by their latest figures."""
        rows = self._control.rows(run)
        arms = [row for row in self._control.created(run, Purpose.TEST) if row.spec.kind is ObjectKind.AD_SET]
        going_on = [row for row in arms if row.spec.variant not in run.trial.eliminated]
        spent = {snapshot.variant: snapshot.figures.spend for snapshot in snapshots}
        left = [max(0, budget_of(row, rows) - spent.get(row.spec.variant or "", 0)) for row in going_on]
        return Money(sum(left), run.currency)

    def _blocked(self, run: Run) -> str:
        """Name the ads that Meta keeps from delivering; what holds them is read with them, for it is judged later."""
        arms = self._going_on(run)
        shown = self._control.read_all(run, arms)
        states = {
            row.key: str(shown[row.key].effective_status) for row in arms if row.spec.kind is ObjectKind.AD
        }
        return ", ".join(f"{key} ({state})" for key, state in states.items() if state in BLOCKED)

    def _going_on(self, run: Run) -> list[Operation]:
        """Return what makes up the arms that have not been stopped."""
        made = self._control.created(run, Purpose.TEST)
        return [row for row in made if row.spec.kind in TREE and row.spec.variant not in run.trial.eliminated]

    def _known(self, run: Run, snapshots: Sequence[Snapshot]) -> Known:
        held = self._control.views.of(run)
        return Known(held.variants, held.decision, held.rows, snapshots)

    def _noticed(self, run: Run, now: datetime) -> tuple[Run, tuple[Event, ...]]:
        """See whether anybody has changed an arm at Meta: its figures would mix two tests, and prove nothing."""
        if run.trial.edited_at is not None:
            return run, ()
        unlike = self._control.differences(run, self._going_on(run))
        run, study_unlike = self._split_test.looked_at(run)
        unlike += study_unlike
        if not unlike:
            return run, ()
        said = event(run, now, "edited", RunMessage.EDITED(what=tuple(unlike)))
        return replace(run, trial=replace(run.trial, edited_at=now)), (said,)

    def _stop_losers(self, run: Run, verdict: evidence.Verdict) -> Run:
        """Pause the arms proven worse; what they have not spent stays unspent."""
        fresh = [letter for letter in verdict.eliminated if letter not in run.trial.eliminated]
        for letter in fresh:
            arms = self._control.created(run, Purpose.TEST)
            self._control.pause(run, [row for row in arms if row.spec.variant == letter])
        return replace(run, trial=replace(run.trial, eliminated=(*run.trial.eliminated, *fresh)))


class Conclusion:
    """ANALYZING_RESULTS: stops all arms, lets late conversions settle, judges for the last time, settles the spend."""

    def __init__(
        self,
        collector: Collector,
        control: ObjectControl,
        clock: Clock,
        poll: timedelta,
        *,
        split_test: SplitTest,
        account: AccountFacts,
    ) -> None:
        self._account = account
        self._collector = collector
        self._control = control
        self._clock = clock
        self._poll = max(poll, REFRESH)
        self._split_test = split_test

    def __call__(self, run: Run) -> Step:
        """Return the run still settling, or in SELECTING_WINNER with its final decision."""
        now = self._clock.now()
        arms = self._control.created(run, Purpose.TEST)
        self._control.pause(run, arms)
        if run.trial.settles_at is None:
            self._control.give_up(run, Purpose.REALLOCATE)
            self._control.give_up(run, Purpose.PROLONG)
            self._close(run, arms, now)
            run = self._split_test.close(run, now + REFRESH)
            settles = now + max(self._settling(run), SPEND_SHOWS)
            paused = event(run, now, "test_stopped", RunMessage.TEST_STOPPED(settles=settles))
            trial = replace(run.trial, stopped_at=now, settles_at=settles)
            return Step(replace(run, trial=trial, next_tick_at=min(settles, now + self._poll)), (paused,))
        settles = run.trial.settles_at
        collected = self._collected(run, now, settles)
        if now < settles:
            run = self._split_test.close(run, now + REFRESH)
            wait = min(settles, now + 6 * self._poll)
            return Step(replace(run, next_tick_at=wait, attention=collected.attention))
        snapshots = collected.snapshots
        self._account.current(run)
        doubted = self._doubted(run, arms, snapshots)
        if doubted is not None and now < (doubted_until(run) or now):
            return Step(replace(run, next_tick_at=now + self._poll, attention=doubted))
        self._settle_spend(run, arms, snapshots)
        run, noted = self._split_test.concluded(run)
        held = self._control.views.of(run)
        decision = concluded(run, Known(held.variants, held.decision, held.rows, snapshots), now)
        moved = replace(run, attention=None).moved(RunStatus.SELECTING_WINNER, now)
        said = event(run, now, "concluded", _judged_text(decision), {"kind": decision.kind})
        return Step(moved, (*noted, said), (decision,))

    def _settling(self, run: Run) -> timedelta:
        """Return how long late conversions are waited for: not where money has ended the test, by what had matured."""
        if ended_by_money(self._control.views.of(run).decision) is not None:
            return timedelta()
        return timedelta(hours=run.request.ab_test_config.settle_hours)

    def _collected(self, run: Run, now: datetime, settles: datetime) -> Collected:
        """Return the figures; the last ones have to be readable, earlier ones may be missed."""
        try:
            collected = self._collector.collect(run, fresh=now >= settles)
        except MetaReadError as error:
            if now >= settles:
                raise
            return Collected((), unreadable=(said_of(error),))
        if now >= settles and collected.unreadable:
            raise MetaReadError(RunMessage.NOTES(notes=tuple(collected.unreadable)))
        return collected

    def _close(self, run: Run, arms: Sequence[Operation], now: datetime) -> None:
        """End each arm's schedule at Meta, so that what it has left cannot be spent by whoever switches it on again."""
        soon = (now + REFRESH).replace(microsecond=0)
        for row in arms:
            if (
                row.spec.kind is ObjectKind.AD_SET
                and run.trial.ends_at is not None
                and soon < run.trial.ends_at
            ):
                asked = self._control.last_requested(run, Purpose.CLOSE, [row]).get("end_time")
                self._control.update_if_needed(
                    run, row, {"end_time": asked or soon.isoformat()}, Purpose.CLOSE
                )

    def _doubted(self, run: Run, arms: Sequence[Operation], snapshots: Sequence[Snapshot]) -> Message | None:
        """Say what of the settled figures cannot be right; None where all of it can."""
        caps = caps_of(arms, self._control.rows(run))
        return doubts(run, settled_by_variant(run, snapshots, caps), caps, seen_before(snapshots, caps))

    def _settle_spend(self, run: Run, arms: Sequence[Operation], snapshots: Sequence[Snapshot]) -> None:
        """Replace each arm's reserve by what it really spent, now that it is paused and its figures have settled."""
        caps = caps_of(arms, self._control.rows(run))
        known = spent_by_variant(run, snapshots, caps)
        rows, settled = self._control.rows(run), []
        for row in arms:
            spent = known.get(row.spec.variant or "", 0)
            if row.spec.reserves and row.spent is None and spent:
                settled.append((row, replace(row, spent=spent_at_most(spent, budget_of(row, rows)))))
        self._control.recount(run, settled)


def _headlines(verdict: evidence.Verdict) -> dict[str, str]:
    """Return a verdict's first sentence in both languages: the engine words it itself."""
    return {f"headline_{one.value}": evidence.headline(verdict, one) for one in evidence.Language}


def _ended_text(found: Judged) -> Message:
    if found.ends_by_money and found.decision is not None:
        return RunMessage.TEST_DECIDED_BY_MONEY(kind=found.decision.kind)
    return (
        RunMessage.TEST_DECIDED(kind=found.verdict.kind.value)
        if found.verdict.ends_test
        else RunMessage.TEST_OVER()
    )


def _judged_text(decision: Decision) -> Message:
    if decision.kind in MONEY_KINDS:
        return RunMessage.TEST_DECIDED_BY_MONEY(kind=decision.kind)
    return RunMessage.JUDGED(**_headlines(evidence.Verdict.from_json(decision.verdict)))
