"""Notes on a run that has ended: sentences that come and go, and together are its attention.

Each has a name, so that what one check has found is not lost by another's. What the run's end itself had to say is first.
"""

from dataclasses import replace

from autopublisher.domain.runs.run import Run

NOTES = "notes"
"""The entry of an ended run's report that keeps them."""

REVIEW = "review"
"""The name of the note on a run whose final ad Meta does not deliver."""

CURRENCY = "currency"
"""The name of the note on a run whose account now has another currency."""

TIME_ZONE = "time_zone"
"""The name of the note on a run whose account now has another time zone."""

_END = "end"


def note_of(run: Run, name: str) -> str | None:
    """Return the note of this name; None where there is none."""
    notes: dict[str, str] = (run.report or {}).get(NOTES, {})
    return notes.get(name)


def with_note(run: Run, name: str, sentence: str | None) -> Run:
    """Return the run with this note, or without it, and its attention accordingly."""
    report = dict(run.report or {})
    kept = report.pop(NOTES, {_END: run.attention} if run.attention else {})
    notes = {known: text for known, text in kept.items() if known != name}
    if sentence is not None:
        notes[name] = sentence
    if notes.keys() - {_END}:
        report[NOTES] = notes
    return replace(run, attention=". ".join(notes.values()) or None, report=report or None)
