"""Split test: an ad study of the advertiser's business, in which Meta divides people at random between the arms.

Without one the arms are parallel ad sets, and delivery finds each its own people; with one everybody sees at most one arm.
A study needs a business, holds no money and switches nothing on or off.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from autopublisher.domain.journal.keys import OperationKey, Purpose
from autopublisher.domain.journal.naming import naming_token, tokenised
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.request.variants import Variant
from autopublisher.domain.runs.plan import ref, test_key
from autopublisher.domain.runs.run import Run

MOST_STUDIES = 3
"""So often a study is asked for; only one whose start had passed when it reached Meta is asked for again."""

MARGIN = timedelta(minutes=2)
"""A study that is late starts so long after it is asked for: Meta takes no start in the past."""

SPARE = timedelta(days=3)
"""A study is made to last so much longer than its test was to: ads may be in review for so long before it begins."""


def study_spec(
    run: Run, variants: Sequence[Variant], number: int, starts: datetime, ends: datetime
) -> OperationSpec:
    """Return the write that creates the ``number``-th study: one cell per arm, of equal shares of all people.

    Shares are whole per cent, so up to 9 % of people see no arm. Meta takes a study's times as Unix seconds.
    """
    key = OperationKey(Purpose.STUDY, str(number)).text  # no part of the test, for it is never switched on
    token = naming_token(run.id, key.replace("/", "."))
    share = 100 // len(variants)
    cells = [
        {
            "name": f"Variant {variant.letter}",
            "treatment_percentage": share,
            "adsets": [ref(test_key(variant.letter, ObjectKind.AD_SET))],
        }
        for variant in variants
    ]
    params = {
        "name": tokenised(run.request.campaign_name, token),
        "type": "SPLIT_TEST",
        "start_time": seconds(starts),
        "end_time": seconds(ends),
        "cells": cells,
    }
    return OperationSpec(key, Action.CREATE, ObjectKind.STUDY, params, token=token)


def seconds(moment: datetime) -> int:
    """Return a moment as Unix seconds."""
    return int(moment.timestamp())


def studies(rows: Sequence[Operation]) -> list[Operation]:
    """Return the studies that a run has asked for, oldest first."""
    return [row for row in rows if row.purpose is Purpose.STUDY]


def creates_of(rows: Sequence[Operation]) -> list[Operation]:
    """Return whatever created a study, or may have: second ones that were found besides."""
    return [row for row in rows if row.spec.kind is ObjectKind.STUDY and row.spec.action is Action.CREATE]


def study_of(rows: Sequence[Operation]) -> Operation | None:
    """Return the study that exists, as far as the journal knows."""
    return next((row for row in studies(rows) if row.state is OperationState.CONFIRMED), None)


def start_of(row: Operation) -> datetime:
    """Return when a study divides people from."""
    return datetime.fromtimestamp(int(row.spec.params["start_time"]), tz=UTC)


def last_end(rows: Sequence[Operation], row: Operation) -> int:
    """Return the end a study has by its create and the updates that Meta has confirmed, in Unix seconds."""
    ends = [
        each.spec.params["end_time"]
        for each in rows
        if each.spec.target == row.key
        and each.state is OperationState.CONFIRMED
        and "end_time" in each.spec.params
    ]
    return int(ends[-1] if ends else row.spec.params["end_time"])


def came_late(row: Operation) -> bool:
    """Tell whether a study's start had passed when it was sent, which is what Meta may have refused it for."""
    return row.sent_at is not None and seconds(row.sent_at) >= int(row.spec.params["start_time"])
