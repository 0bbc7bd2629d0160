"""Notes on a run that has ended: messages that come and go, and together are its attention.

Each has a name, so that what one check has found is not lost by another's. What the run's end itself had to say is first.
"""

from collections.abc import Sequence
from dataclasses import replace

from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import Run
from autopublisher.domain.runs.run_messages import RunMessage

NOTES = "notes"
"""The entry of an ended run's report that keeps them."""

REVIEW = "review"
"""The name of the note on a run whose final ad Meta does not deliver."""

CURRENCY = "currency"
"""The name of the note on a run whose account now has another currency."""

TIME_ZONE = "time_zone"
"""The name of the note on a run whose account now has another time zone."""

_END = "end"


def note_of(run: Run, name: str) -> Message | None:
    """Return the note of this name; None where there is none."""
    found = (run.report or {}).get(NOTES, {}).get(name)
    return None if found is None else Message.from_record(found)


def with_note(run: Run, name: str, said: Message | None) -> Run:
    """Return the run with this note, or without it, and its attention accordingly."""
    report = dict(run.report or {})
    kept = report.pop(NOTES, {_END: run.attention.to_record()} if run.attention else {})
    notes = {known: text for known, text in kept.items() if known != name}
    if said is not None:
        notes[name] = said.to_record()
    if notes.keys() - {_END}:
        report[NOTES] = notes
    return replace(
        run,
        attention=_together([Message.from_record(note) for note in notes.values()]),
        report=report or None,
    )


def _together(notes: Sequence[Message]) -> Message | None:
    """Return several notes as one message."""
    if len(notes) > 1:
        return RunMessage.NOTES(notes=tuple(notes))
    return notes[0] if notes else None
