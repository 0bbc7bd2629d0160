"""Finished tests: one for each run and criterion, the oldest first, restated in place."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autopublisher.domain.errors import ConflictError
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.past_tests import FinishedTest, MeasuredTest
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import OpenUnitOfWork

MEASURED = MeasuredTest(
    rates=((0.1 + 0.2, 1 / 3), (-0.3, 0.02)),
    clicks=((0.0, 1e-9), (5e-324, 0.1)),
    days=1.0,
    events=45.0,
    moved=True,
    value_dispersion=1.25,
)


def test_tests_come_back_as_they_were_by_account_and_criterion(
    open_unit: OpenUnitOfWork, stored: Run, now: datetime
) -> None:
    roas = FinishedTest(stored.id, stored.act_id, "roas", now, MEASURED)
    earlier = replace(stored, id=RunId("run-0"))
    before = replace(roas, run_id=earlier.id, finished_at=now - timedelta(days=1))
    with open_unit() as unit:
        unit.runs.add(earlier)
        unit.finished_tests.put([roas, replace(roas, criterion="cpa"), before])
        unit.commit()
    with open_unit() as unit:
        assert unit.finished_tests.of_account(stored.act_id, ["roas"]) == [before, roas]
        assert [one.criterion for one in unit.finished_tests.of_account(stored.act_id, ["roas", "cpa"])] == [
            "roas",
            "cpa",
            "roas",
        ]
        assert unit.finished_tests.of_account(ActId("act_2"), ["roas"]) == []


def test_a_restated_test_takes_its_place_and_keeps_its_turn(
    open_unit: OpenUnitOfWork, stored: Run, now: datetime
) -> None:
    first = FinishedTest(stored.id, stored.act_id, "roas", now, MEASURED)
    restated = replace(first, finished_at=now + timedelta(days=3), measured=replace(MEASURED, events=46.0))
    with open_unit() as unit:
        unit.finished_tests.put([first])
        unit.finished_tests.put([restated])
        assert unit.finished_tests.of_account(stored.act_id, ["roas"]) == [replace(restated, finished_at=now)]
        unit.finished_tests.remove(stored.id, ["cpa", "roas"])
        assert unit.finished_tests.of_account(stored.act_id, ["roas"]) == []


def test_a_test_of_no_run_is_refused(open_unit: OpenUnitOfWork, now: datetime) -> None:
    stray = FinishedTest(RunId("nobody"), ActId("act_1"), "roas", now, MEASURED)
    with open_unit() as unit, pytest.raises(ConflictError):
        unit.finished_tests.put([stray])
