"""Delivery history of arms: those that may have delivered are kept, and only what never did is deleted."""

from collections.abc import Sequence

from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.meta.object_state import OFF
from autopublisher.domain.money.duplicates import family_of, had_its_status_changed, is_duplicate, kept_with
from autopublisher.domain.reconciliation.findings import EDITED
from autopublisher.domain.runs.run import Run
from autopublisher.flows.writes.objects import TREE, ObjectControl
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork


class DeliveryHistory:
    """Finds the arms that may have delivered, whoever switched them on."""

    def __init__(
        self, open_unit: OpenUnitOfWork, control: ObjectControl, clients: ReadingClients, clock: Clock
    ) -> None:
        self._open_unit = open_unit
        self._control = control
        self._clients = clients
        self._clock = clock

    def families(self, run: Run) -> frozenset[str]:
        """Return the families (``family_of``) with an object that was ever on, or may have been, or that has figures.

        Figures are read once, of what nothing else speaks for; where Meta does not give them all of these count.
        """
        made = [row for row in self._control.created(run) if row.spec.kind in TREE]
        used = self._known(run, made)
        quiet = [row for row in made if row.spec.kind is ObjectKind.AD_SET and family_of(row.key) not in used]
        used |= self._with_figures(run, quiet)
        return used | self._of_copied_ads(run, made, used)

    def _known(self, run: Run, made: Sequence[Operation]) -> frozenset[str]:
        """Return the families of which the journal, the models or the events know that they were on.

        Every change of a status is a sign: we switch on, or we switch off what was shown on or was not shown at all.
        """
        rows = self._control.rows(run)
        seen_on = {model.key for model in self._control.models(run) if model.status not in OFF}
        with self._open_unit().reading() as unit:
            told = {
                str(event.data.get("key"))
                for event in unit.observations.events(run.id)
                if event.tag == EDITED
                and event.data.get("field") == "status"
                and event.data.get("shown") not in OFF
            }
        return frozenset(
            family
            for row in made
            for family in kept_with(row.key)
            if row.key in seen_on or row.key in told or had_its_status_changed(rows, row.key)
        )

    def _with_figures(self, run: Run, quiet: Sequence[Operation]) -> frozenset[str]:
        """Return the families of those ad sets of which Meta reports delivery, all where it does not answer."""
        keys = {row.meta_id or MetaId(""): row.key for row in quiet}
        if not keys:
            return frozenset()
        try:
            found = self._clients.for_account(run.act_id).ad_sets(
                sorted(keys), run.created_at, self._clock.now()
            )
        except MetaError:
            delivered = set(keys)
        else:
            delivered = {row.object_id for row in found if row.has_delivery}
        return frozenset(family for meta_id in delivered & set(keys) for family in kept_with(keys[meta_id]))

    def _of_copied_ads(self, run: Run, made: Sequence[Operation], used: frozenset[str]) -> frozenset[str]:
        """Return the families of copied ads that have figures of their own, or whose figures cannot be had.

        A copy may stand in the ad set of an arm that was on, whose figures do not tell which of its ads has delivered.
        """
        ads = [row for row in made if row.spec.kind is ObjectKind.AD and is_duplicate(row)]
        doubtful = [row for row in ads if family_of(row.key) not in used and kept_with(row.key) & used]
        return frozenset(family_of(row.key) for row in doubtful if self._may_have_delivered(run, row))

    def _may_have_delivered(self, run: Run, row: Operation) -> bool:
        meta_id = row.meta_id or MetaId("")
        try:
            found = self._clients.for_account(run.act_id).insights_of(
                meta_id, run.created_at, self._clock.now()
            )
        except MetaError:
            return True
        return found is not None and found.has_delivery
