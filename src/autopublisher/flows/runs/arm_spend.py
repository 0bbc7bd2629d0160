"""Arm spend before scaling: every arm is off, and what it has spent since its settlement is in the ledger.

Theory of operation. The arms are settled when the test is analysed, and hours or days may pass until a person approves.
Whoever switches one on meanwhile has it spend more. So Meta's figures are read once more, and what they show beyond the
ledger is added, once the last pause is so long ago that all of it shows. Nothing is ever taken away. An arm that nobody
has touched since costs one read, and none where the figures of its settlement are Meta's latest still.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain.errors import MetaNotFoundError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.meta.insights import InsightsRow, figures_of
from autopublisher.domain.meta.object_state import GONE, OFF
from autopublisher.domain.money.ledger import reserve_of
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.domain.runs.settlement import at_worst, paused_again_at, risen
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.runs.collector import REFRESH, SPEND_SHOWS
from autopublisher.flows.runs.settlement import doubted_until, doubts
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork

AN_HOUR = timedelta(hours=1)
"""How soon figures that cannot be right are read again."""


@dataclass(frozen=True)
class _Arm:
    """An arm's ad set, its budget in minor units as Meta shows it, and when one of its objects was paused once more."""

    row: Operation
    budget: int
    is_gone: bool
    again: datetime | None


class ArmSpend:
    """Sees to the money of arms whose test is over."""

    def __init__(
        self, open_unit: OpenUnitOfWork, control: ObjectControl, clients: ReadingClients, clock: Clock
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clients = clients
        self._clock = clock

    def settle(self, run: Run, since: datetime) -> None:
        """Have every arm off, and what each has spent in the ledger; raises Deferred while that is not known.

        What was read at ``since`` or later is not asked for again.
        """
        tree = [row for row in self._control.created(run, Purpose.TEST) if row.spec.kind in TREE]
        shown = self._shown(run, tree, since)
        self._control.pause(run, [row for row in tree if shown[row.key] not in OFF])
        arms = self._arms(run, tree, shown)
        if all(arm.again is None and not arm.is_gone for arm in arms) and self._are_figures_fresh(run):
            return
        self._wait_for_figures(arms)
        figures = self._figures(run, arms)
        self._doubt(run, arms, figures)
        self._pause_what_has_spent(run, arms, figures)
        self._wait_for_figures(self._arms(run, tree, shown))
        self._keep(run, arms, figures)

    def _shown(self, run: Run, tree: Sequence[Operation], since: datetime) -> Mapping[str, str]:
        """Return the objects' statuses by key; what nobody has read since then is asked for."""
        fresh = {model.key: model.status for model in self._control.models(run) if model.read_at >= since}
        return {
            row.key: fresh[row.key] if row.key in fresh else self._control.status_now(run, row)
            for row in tree
        }

    def _arms(self, run: Run, tree: Sequence[Operation], shown: Mapping[str, str]) -> list[_Arm]:
        rows = self._control.rows(run)
        models = {model.key: model for model in self._control.models(run)}
        return [
            _Arm(
                row,
                _budget_of(models.get(row.key)),
                shown[row.key] in GONE,
                paused_again_at(rows, [one.key for one in tree if one.spec.variant == row.spec.variant]),
            )
            for row in tree
            if row.spec.kind is ObjectKind.AD_SET
        ]

    def _are_figures_fresh(self, run: Run) -> bool:
        """Tell whether the settlement's figures are so young that Meta has no others."""
        with self._open_unit().reading() as unit:
            read = [snapshot.at for snapshot in unit.observations.snapshots(run.id)]
        is_settled = run.trial.settles_at is not None and bool(read) and max(read) >= run.trial.settles_at
        return is_settled and self._clock.now() - max(read) < REFRESH

    def _figures(self, run: Run, arms: Sequence[_Arm]) -> Mapping[str, int]:
        """Return what Meta reports each arm to have spent so far, in minor units, by key; one without a figure is left out.

        The account's figures leave out what somebody has deleted, and figures do not vanish: such an arm is asked for by
        its id.
        """
        until, ids = self._clock.now(), {arm.row.meta_id or MetaId(""): arm.row.key for arm in arms}
        listed = self._clients.for_account(run.act_id).ad_sets(sorted(ids), run.created_at, until)
        found: dict[str, InsightsRow | None] = {ids[row.object_id]: row for row in listed}
        for row in (arm.row for arm in arms if arm.row.spent or arm.is_gone):
            if row.key not in found:
                found[row.key] = self._own_figures(run, row, until)
        event = run.request.ad.conversion_event or "PURCHASE"
        return {key: figures_of(row, run.currency, event).spend for key, row in found.items() if row}

    def _own_figures(self, run: Run, row: Operation, until: datetime) -> InsightsRow | None:
        """Return the row of one ad set, None without delivery and of what Meta no longer knows."""
        try:
            return self._clients.for_account(run.act_id).insights_of(
                row.meta_id or MetaId(""), run.created_at, until
            )
        except MetaNotFoundError:
            return None

    def _pause_what_has_spent(self, run: Run, arms: Sequence[_Arm], figures: Mapping[str, int]) -> None:
        """Order a pause of what was off at every look and has spent all the same: a moment to count from."""
        rows = self._control.rows(run)
        for arm in arms:
            figure = figures.get(arm.row.key, 0)
            if not arm.is_gone and not _is_explained(run, arm) and _has_risen(arm, rows, figure):
                self._control.update(run, arm.row, {"status": "PAUSED"}, Purpose.PAUSE)

    def _wait_for_figures(self, arms: Sequence[_Arm]) -> None:
        """Wait until all that the arms spent before they were switched off again is in Meta's figures."""
        shows = {arm.row.key: arm.again + SPEND_SHOWS for arm in arms if arm.again is not None}
        until = max(shows.values(), default=self._clock.now())
        if until > self._clock.now():
            late = tuple(key for key, at in shows.items() if at > self._clock.now())
            raise Deferred(until, RunMessage.ARM_WAS_ON(keys=late, at=until))

    def _doubt(self, run: Run, arms: Sequence[_Arm], figures: Mapping[str, int]) -> None:
        """Wait for other figures where these cannot be right; what has been spent already cannot get less."""
        rows, now = self._control.rows(run), self._clock.now()
        letters = {arm.row.key: arm.row.spec.variant or "" for arm in arms if arm.row.key in figures}
        spends = {letter: figures[key] for key, letter in letters.items()}
        caps = {arm.row.spec.variant or "": max(reserve_of(arm.row, rows), arm.budget) for arm in arms}
        said = doubts(run, spends, caps, floors={})
        if said is not None and now < (doubted_until(run) or now):
            raise Deferred(now + AN_HOUR, said)

    def _keep(self, run: Run, arms: Sequence[_Arm], figures: Mapping[str, int]) -> None:
        """Write down what is more than the ledger has; raises StaleOperationError where another worker has done so."""
        rows = self._control.rows(run)
        known = [(arm.row, _settled(run, arm, rows, figures)) for arm in arms]
        self._control.recount(run, [(was, row) for was, row in known if row != was])


def _settled(run: Run, arm: _Arm, rows: Sequence[Operation], figures: Mapping[str, int]) -> Operation:
    """Return an arm's row as it has to count; without a figure that is final, one that was on again counts whole."""
    row, figure = arm.row, figures.get(arm.row.key)
    if figure is None:
        return at_worst(row, rows, arm.budget) if _is_explained(run, arm) else row
    known = risen(row, rows, figure, arm.budget)
    may_grow = arm.is_gone and known != row and not _is_explained(run, arm)
    return at_worst(known, rows, arm.budget) if may_grow else known


def _is_explained(run: Run, arm: _Arm) -> bool:
    """Tell whether a pause of ours since the settlement says why the arm has spent, and when it last could."""
    return arm.again is not None and (run.trial.settles_at is None or arm.again > run.trial.settles_at)


def _has_risen(arm: _Arm, rows: Sequence[Operation], figure: int) -> bool:
    return risen(arm.row, rows, figure, budget=0) != arm.row


def _budget_of(model: MetaObject | None) -> int:
    return 0 if model is None or model.budget is None else model.budget
