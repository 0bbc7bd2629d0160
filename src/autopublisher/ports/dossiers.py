"""Dossiers: everything that a run's page shows, read at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.campaigns.campaign import Campaign
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import Operation
from autopublisher.domain.journal.records import Decision, Event, MetaObject, Snapshot
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.run import Run


@dataclass(frozen=True)
class Dossier:
    """A run, its account and that account's watch, its records, and the stops that hold it.

    ``rows`` is its journal by sequence; ``objects`` are by key, ``variants`` by letter, ``latest`` the last snapshot of each
    variant, ``decision`` the last one.
    """

    run: Run
    account: Account
    watch: Watch | None
    campaign: Campaign | None
    variants: Sequence[Variant]
    rows: Sequence[Operation]
    objects: Sequence[MetaObject]
    latest: Sequence[Snapshot]
    decision: Decision | None
    events: Sequence[Event]
    stops: Sequence[Stop]


class DossierRepository(Protocol):
    """Dossiers of runs."""

    def of(self, run_id: RunId) -> Dossier:
        """Return a run's dossier, all of it as it stood at one moment; raises RunNotFoundError."""
        ...
