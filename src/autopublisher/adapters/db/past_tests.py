"""Finished tests: what they have measured is one JSON record each."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select

from autopublisher.adapters.db.session import Row, Session
from autopublisher.adapters.db.tables import finished_tests
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.past_tests import FinishedTest, MeasuredTest

_KEY = ("run_id", "criterion")


class SqlFinishedTests:
    """Implements ``ports.past_tests.FinishedTestRepository``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, tests: Sequence[FinishedTest]) -> None:
        """Insert tests, or overwrite those of the same run and criterion; when they finished stays as it was first."""
        rows = [{**vars(one), "measured": asdict(one.measured)} for one in tests]
        self._session.put_latest(finished_tests, rows, _KEY, kept=("finished_at",))

    def remove(self, run_id: RunId, criteria: Sequence[str]) -> None:
        """Delete what a run has left for these criteria."""
        of_run = finished_tests.c.run_id == run_id
        self._session.change(delete(finished_tests).where(of_run, finished_tests.c.criterion.in_(criteria)))

    def of_account(self, act_id: ActId, criteria: Sequence[str]) -> Sequence[FinishedTest]:
        """Return an account's tests for these criteria, oldest first, then by run and criterion."""
        table = finished_tests.c
        query = select(finished_tests).where(table.act_id == act_id, table.criterion.in_(criteria))
        rows = self._session.rows(query.order_by(table.finished_at, table.run_id, table.criterion))
        return [_test_from_row(row) for row in rows]


def _test_from_row(row: Row) -> FinishedTest:
    measured = row["measured"]
    listed = ("rates", "clicks", "values")
    pairs = {name: tuple(tuple(pair) for pair in measured.get(name, ())) for name in listed}
    return FinishedTest(**{**row, "measured": MeasuredTest(**{**measured, **pairs})})
