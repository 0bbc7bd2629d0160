"""Dossiers: everything that a run's page shows, read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import ObjectKind, Operation
from autopublisher.domain.journal.records import Decision, Event, MetaObject, Snapshot
from autopublisher.domain.money.duplicates import is_duplicate
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.commitments import Commitments
from autopublisher.domain.runs.run import Run

SHOWN_KINDS: Final = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD})
"""Kinds of which Meta shows something that tells whether money can be spent."""


def concerns_money(row: Operation) -> bool:
    """Tell whether a row of a journal counts when a run's money is told: it holds some, or changes what may hold some."""
    holds = bool(row.spec.reserves) or row.spent is not None
    return holds or row.spec.target is not None or is_duplicate(row)


@dataclass(frozen=True)
class RunFacts:
    """A run's journal by sequence, its objects as last read by key, and the last figures of each variant.

    ``commitments`` are what the journal has committed, where they are stored and read instead of it.
    """

    rows: Sequence[Operation] = ()
    models: Mapping[str, MetaObject] = field(default_factory=dict)
    latest: Sequence[Snapshot] = ()
    commitments: Commitments | None = None


@dataclass(frozen=True)
class Dossier:
    """A run, its account and that account's watch, its records, and the stops that hold it.

    ``variants`` are by letter, ``decision`` is the last one.
    """

    run: Run
    account: Account
    watch: Watch | None
    campaign: Campaign | None
    variants: Sequence[Variant]
    facts: RunFacts
    decision: Decision | None
    events: Sequence[Event]
    stops: Sequence[Stop]


class DossierRepository(Protocol):
    """Dossiers of runs."""

    def of(self, run_id: RunId) -> Dossier:
        """Return a run's dossier, all of it as it stood at one moment; raises RunNotFoundError."""
        ...

    def money_facts(self, run_ids: Sequence[RunId]) -> Mapping[RunId, RunFacts]:
        """Return of each of many runs, as they stood at one moment, the facts that its money is told from.

        They are the stored commitments, or else the rows that ``concerns_money``; the models of ``SHOWN_KINDS`` without
        baselines; and the last figures.
        """
        ...
