"""Views of runs for people and programs: variants with figures, money, verdicts and events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from autopublisher.domain.accounts.accounts import Account, zone_of
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.amounts import Money, offset_of
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.headline import Improvement, improvement_of
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Decision, Event, Figures, MetaObject, Snapshot
from autopublisher.domain.messages import Message
from autopublisher.domain.money.exposure import DAY_STRETCH
from autopublisher.domain.reconciliation.findings import RECONCILIATION, Finding, findings_of
from autopublisher.domain.reconciliation.found import found_digest
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.approvals import (
    PROVING_KINDS,
    Basis,
    advises_to_keep_all,
    approval_digest,
    basis_of,
    bet_of,
    money_said,
    named_by_verdict,
    overrides_evidence,
)
from autopublisher.domain.runs.final_campaign import (
    is_final_arm,
    published_keys,
    published_letters,
)
from autopublisher.domain.runs.optimizer import scaled_daily
from autopublisher.domain.runs.plan import total_of
from autopublisher.domain.runs.reservations import Calendars
from autopublisher.domain.runs.run import FINAL, Run, RunStatus, Way
from autopublisher.domain.runs.run_messages import RunWarning
from autopublisher.flows.requests.found_objects import FoundObject, found_objects
from autopublisher.flows.requests.run_facts import opened
from autopublisher.flows.requests.run_money import FinalView, RunExposure, run_exposure
from autopublisher.flows.runs.closing import settles_at
from autopublisher.ports.clock import Clock
from autopublisher.ports.dossiers import RunFacts
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter


@dataclass(frozen=True)
class VariantView:
    """One arm with its latest figures, as Meta reported them at ``figures_at``.

    ``interval`` is its ROAS range at the last look, where one was computed.
    """

    variant: Variant
    figures: Figures
    spend: Money
    revenue: Money
    interval: tuple[float, float] | None
    state: str
    figures_at: datetime | None = None

    @property
    def roas(self) -> float | None:
        """Revenue per unit of spend; None before any spend."""
        return _ratio(self.figures.revenue, self.figures.spend)

    @property
    def cpa(self) -> float | None:
        """Spend in major units per conversion; None before any conversion."""
        return _ratio(self.figures.spend / offset_of(self.spend.currency), self.figures.conversions)

    @property
    def ctr(self) -> float | None:
        """Clicks per impression; None before any impression."""
        return _ratio(self.figures.clicks, self.figures.impressions)

    @property
    def cvr(self) -> float | None:
        """Conversions per click; None before any click."""
        return _ratio(self.figures.conversions, self.figures.clicks)


@dataclass(frozen=True)
class RunView:
    """Everything there is to show of one run, read in one transaction.

    ``decision`` is the latest. ``sold`` are the final campaign's last figures, which settle ``settles_at``.
    ``spent`` and ``could_still_spend`` are the exposure's, with the final campaign's, by figures read ``as_of``.
    """

    run: Run
    variants: tuple[VariantView, ...]
    objects: tuple[MetaObject, ...]
    decision: Decision | None
    events: tuple[Event, ...]
    operations: tuple[Operation, ...]
    spent: Money
    committed: Money
    could_still_spend: Money
    as_of: datetime | None
    final: FinalView | None = None
    findings: tuple[Finding, ...] = ()
    stops: tuple[Stop, ...] = ()
    found: tuple[FoundObject, ...] = ()
    sold: Snapshot | None = None
    settles_at: datetime | None = None

    @property
    def warnings(self) -> tuple[Message, ...]:
        """The run's warnings, and the stops that hold it now."""
        held = () if self.run.is_final else self.stops
        return (*self.run.warnings, *(RunWarning.HELD_BY_STOP(stop=one.said) for one in held))

    @property
    def figures_at(self) -> datetime | None:
        """When the oldest of the variants' figures were read; None before any."""
        return min(
            (variant.figures_at for variant in self.variants if variant.figures_at is not None), default=None
        )

    @property
    def found_digest(self) -> str:
        """What a word to adopt is bound to; empty where the run is not held."""
        return found_digest(self.operations) if self.found else ""

    @property
    def test_spent(self) -> Money:
        """What the variants have spent in the test."""
        return Money(sum(variant.spend.minor for variant in self.variants), self.run.currency)

    @property
    def total(self) -> Money:
        """The run's total budget."""
        return total_of(self.run)

    @property
    def at_stake(self) -> Money:
        """What an approval would let the final campaign spend at most."""
        return Money(max(0, self.total.minor - self.committed.minor), self.run.currency)

    @property
    def daily_aim(self) -> Money:
        """The daily budget an approval aims at; Meta's minimum may raise it."""
        return scaled_daily(self.run.request, self.run.currency)

    @property
    def digest(self) -> str:
        """What an approval of this run is bound to."""
        return approval_digest(self.run)

    @cached_property
    def verdict(self) -> dict[str, Any] | None:
        """The latest verdict as JSON values, if any."""
        return None if self.decision is None else json.loads(self.decision.verdict)

    @property
    def evidence_at(self) -> datetime | None:
        """When the figures were read that the latest verdict rests on: of one that ended the test, those of that look."""
        verdict, starts = self.verdict, self.run.trial.starts_at
        if self.decision is None or verdict is None:
            return None
        hour = verdict.get("hour")
        return self.decision.at if starts is None or hour is None else starts + timedelta(hours=hour)

    @property
    def named_by_verdict(self) -> str | None:
        """The variant that the latest verdict names, whatever a person chose."""
        return named_by_verdict(self.run, self.decision)

    @property
    def verdict_proves(self) -> bool:
        """Whether the latest verdict proves what it names, whatever a person chose."""
        return self.decision is not None and self.decision.kind in PROVING_KINDS

    @property
    def is_overridden(self) -> bool:
        """Whether a person has released a variant against the verdict."""
        return self.run.release.approval is not None and self.run.release.approval.override

    def would_override(self, letter: str | None) -> bool:
        """Tell whether releasing a variant, or with None keeping all, would go against verdict and money decision."""
        return overrides_evidence(self.run, self.decision, letter)

    @cached_property
    def money_said(self) -> Mapping[str, Any] | None:
        """What deciding is worth by the figures of the latest verdict, as JSON values; it proves nothing."""
        return money_said(self.decision)

    @property
    def bet(self) -> str | None:
        """The variant that the money decision would publish."""
        return bet_of(self.decision)

    @property
    def advised_way(self) -> Way:
        """How what is recommended is best published: a bet where it is, for that costs nothing, or all of them kept."""
        if self.bet is not None and not self.run.release.is_proven:
            return Way.IN_PLACE
        keeps = advises_to_keep_all(self.decision) and self.named_by_verdict is None
        return Way.KEEP_ALL if keeps else Way.SCALED

    @property
    def basis(self) -> Basis | None:
        """What the selection of the variant rests on."""
        return basis_of(self.run, self.decision)

    @property
    def winner_variant(self) -> VariantView | None:
        """The variant that won, or that a person chose."""
        winner = self.run.release.winner
        return next((variant for variant in self.variants if variant.variant.letter == winner), None)

    @property
    def improvement_percentage(self) -> float | None:
        """How much better the selected variant is than its nearest rival, in per cent: the verdict's own estimate.

        None for a choice other than the verdict's leader: what was found then speaks for another variant.
        """
        found = self.improvement
        return None if found is None or found.leader != self.run.release.winner else found.percentage

    @property
    def improvement(self) -> Improvement | None:
        """What the latest verdict says of its leader against the nearest rival, whoever was chosen."""
        return None if self.verdict is None else improvement_of(self.verdict)

    @property
    def overall_roas(self) -> float | None:
        """Revenue of all arms per unit of their spend; None before any spend."""
        return _ratio(
            sum(variant.figures.revenue for variant in self.variants),
            sum(variant.figures.spend for variant in self.variants),
        )


@dataclass(frozen=True)
class RunLine:
    """What a list shows of one run."""

    run: Run
    money: RunExposure

    @property
    def total(self) -> Money:
        """The run's total budget."""
        return total_of(self.run)


@dataclass(frozen=True)
class RunLines:
    """One page of a list of runs, and whether there are more after it."""

    lines: tuple[RunLine, ...]
    more: bool

    @property
    def older(self) -> RunId | None:
        """The run after which the next page begins; None where this is the last one."""
        return self.lines[-1].run.id if self.more and self.lines else None


@dataclass(frozen=True)
class Release:
    """What a list shows of a run that a person has released, and the variant that the verdict names."""

    run: Run
    named_by_verdict: str | None


class Reports:
    """Reads runs for people and programs; without a clock the moment is that of the last thing known.

    ``stretch`` is how far Meta may stretch a daily budget on one day, in per cent.
    """

    def __init__(
        self, open_unit: OpenUnitOfWork, clock: Clock | None = None, *, stretch: int = DAY_STRETCH
    ) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._stretch = stretch

    def view(self, run_id: RunId) -> RunView:
        """Return everything about one run; raises RunNotFoundError."""
        with self._open_unit().reading() as unit:
            known = unit.dossiers.of(run_id)
        run, watch = known.run, known.watch
        facts, objects = known.facts, tuple(known.facts.models.values())
        money = self._money(run, facts, known.account, watch, known.campaign)
        latest = {snapshot.variant: snapshot for snapshot in facts.latest}
        intervals = _intervals(run, known.decision)
        named = named_by_verdict(run, known.decision)
        return RunView(
            run=run,
            variants=tuple(_variant_view(run, one, latest, intervals, named) for one in known.variants),
            objects=objects,
            decision=known.decision,
            events=tuple(known.events),
            operations=tuple(facts.rows),
            spent=money.spent,
            committed=money.committed,
            could_still_spend=money.could_still_spend,
            as_of=money.as_of,
            final=money.final,
            findings=() if watch is None else _findings(run, watch),
            stops=tuple(known.stops),
            found=found_objects(run, facts.rows, objects, latest),
            sold=_sold(latest, money.final),
            settles_at=_settles_at(run, facts.rows),
        )

    def run(self, run_id: RunId) -> Run:
        """Return the run's row alone; raises RunNotFoundError."""
        with self._open_unit().reading() as unit:
            return unit.runs.get(run_id)

    def lines(
        self, before: RunId | None = None, limit: int = 50, statuses: frozenset[RunStatus] | None = None
    ) -> RunLines:
        """Return runs, newest first, with their money as their own pages show it; ``before`` as of ``page``."""
        with self._open_unit().reading() as unit:
            found = unit.runs.find(_page(before, limit + 1, statuses))
            runs, ids = found[:limit], [run.id for run in found[:limit]]
            final, facts = unit.campaigns.of_runs(ids), unit.dossiers.money_facts(ids)
            accounts = {account.id: account for account in unit.accounts.all()}
            watches = {watch.act_id: watch for watch in unit.watches.all()}
        money = (
            self._money(
                run, facts[run.id], accounts[run.account_id], watches.get(run.act_id), final.get(run.id)
            )
            for run in runs
        )
        return RunLines(tuple(map(RunLine, runs, money)), more=len(found) > limit)

    def releases(self, runs: Sequence[Run]) -> Sequence[Release]:
        """Return what a list shows of each run's release, in order."""
        with self._open_unit().reading() as unit:
            last = unit.decisions.latest([run.id for run in runs])
        return [Release(run, named_by_verdict(run, last.get(run.id))) for run in runs]

    def _money(
        self, run: Run, facts: RunFacts, account: Account, watch: Watch | None, final: Campaign | None
    ) -> RunExposure:
        zone = account.timezone if zone_of(account.timezone) is not None else "UTC"
        how, now = Calendars(zone, self._stretch), self._now(run, watch)
        return run_exposure(run, opened(run, facts), facts.models, watch, now, how, final)

    def _now(self, run: Run, watch: Watch | None) -> datetime:
        if self._clock is not None:
            return self._clock.now()
        looked_at = None if watch is None else watch.looked_at
        return max(run.updated_at, looked_at or run.updated_at)

    def page(
        self, before: RunId | None = None, limit: int = 50, statuses: frozenset[RunStatus] | None = None
    ) -> Sequence[Run]:
        """Return runs, newest first; ``before`` is the last run of the page before."""
        with self._open_unit().reading() as unit:
            return unit.runs.find(_page(before, limit, statuses))


def _page(before: RunId | None, limit: int, statuses: frozenset[RunStatus] | None) -> RunFilter:
    return RunFilter(statuses=statuses, before=before, limit=limit, newest_first=True)


def _variant_view(
    run: Run,
    variant: Variant,
    latest: dict[str, Snapshot],
    intervals: dict[str, tuple[float, float]],
    named: str | None,
) -> VariantView:
    snapshot = latest.get(variant.letter)
    figures = Figures() if snapshot is None else snapshot.figures
    return VariantView(
        variant=variant,
        figures=figures,
        spend=Money(figures.spend, run.currency),
        revenue=Money(figures.revenue, run.currency),
        interval=intervals.get(variant.letter) if figures.revenue else None,
        state=_state(run, variant.letter, named),
        figures_at=None if snapshot is None else snapshot.at,
    )


def _state(run: Run, letter: str, named: str | None) -> str:
    """Say where a variant stands: the proven one and a person's choice are not the same word."""
    if letter == run.release.winner:
        return "winner" if run.release.is_proven else "chosen"
    if run.release.way is Way.KEEP_ALL and letter in published_letters(run):
        return "kept"
    if run.release.approval is not None and run.release.approval.override and letter == named:
        return "set_aside"
    if letter in run.trial.eliminated:
        return "stopped"
    if run.trial.stopped_at is not None or run.status in FINAL:
        return "leader" if letter == run.release.leader and run.release.winner is None else "paused"
    return "testing"


def _sold(latest: Mapping[str, Snapshot], final: FinalView | None) -> Snapshot | None:
    """Return the final campaign's figures as of when they were last read: what has not changed is kept only once."""
    kept = [one for letter, one in latest.items() if is_final_arm(letter)]
    if not kept:
        return None
    read_at = None if final is None else final.campaign.spent_at
    moments = [one.at for one in kept] if read_at is None else [*(one.at for one in kept), read_at]
    return replace(kept[0], figures=Figures.sum_of([one.figures for one in kept]), at=max(moments))


def _settles_at(run: Run, rows: Sequence[Operation]) -> datetime | None:
    """Return when nothing of the final campaign's figures moves any more; None before its ad set was asked for."""
    keys = published_keys(run, ObjectKind.AD_SET)
    return max((settles_at(run, row, rows) for row in rows if row.key in keys), default=None)


def _findings(run: Run, watch: Watch) -> tuple[Finding, ...]:
    """Return what the account's last look found changed of this run."""
    return tuple(
        finding for finding in findings_of(watch.report.get(RECONCILIATION)) if finding.run_id == run.id
    )


def _intervals(run: Run, decision: Decision | None) -> dict[str, tuple[float, float]]:
    """Return the range of each arm's ROAS at the last decision; only ROAS tests have one."""
    if decision is None or run.request.ab_test_config.winner_criteria.value not in {"roas", "revenue"}:
        return {}
    verdict = json.loads(decision.verdict)
    return {
        one["name"]: (one["rate_low"], one["rate_high"])
        for one in verdict["variants"]
        if one["rate_low"] is not None and one["rate_high"] is not None
    }


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
