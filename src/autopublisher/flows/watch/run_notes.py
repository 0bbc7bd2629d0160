"""Notes on ended runs: kept in the row and told of once, for which the run's version is the guard."""

from dataclasses import replace
from datetime import datetime

from autopublisher.domain.errors import StaleRunError
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.notes import note_of, with_note
from autopublisher.domain.runs.run import Run
from autopublisher.flows.outcomes.steps import event
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork


def note_in(unit: UnitOfWork, run: Run, name: str, note: Message | None, now: datetime) -> Run:
    """Return the run with a note kept, changed or removed (None) in a transaction; raises StaleRunError."""
    if note_of(run, name) == note:
        return run
    noted = replace(with_note(run, name, note), version=run.version + 1, updated_at=now)
    unit.runs.save(noted, was=run.version)
    return noted


def keep_note(  # noqa: PLR0917 (whose note, and what it says)
    open_unit: OpenUnitOfWork,
    run: Run,
    name: str,
    note: Message | None,
    tag: str,
    now: datetime,
    said: Message,
) -> Run:
    """Return the run with a note kept, changed or removed (None); what is as before is neither written nor told again."""
    if note_of(run, name) == note:
        return run
    try:
        with open_unit() as unit:
            noted = note_in(unit, run, name, note, now)
            unit.observations.add_events([event(run, now, tag, said)])
            unit.commit()
    except StaleRunError:
        return run  # somebody else has moved it on; the next look finds the same
    return noted
