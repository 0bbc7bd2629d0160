"""Finished tests in memory."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.past_tests import FinishedTest


class MemoryFinishedTests:
    """Implements ``ports.past_tests.FinishedTestRepository``."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, tests: Sequence[FinishedTest]) -> None:
        """Insert tests, or overwrite those of the same run and criterion; when they finished stays as it was first."""
        for one in tests:
            self._tables.need_run(one.run_id)
            first = self._tables.finished_tests.get((one.run_id, one.criterion), one)
            kept = replace(one, finished_at=first.finished_at)
            self._tables.finished_tests[one.run_id, one.criterion] = kept

    def remove(self, run_id: RunId, criteria: Sequence[str]) -> None:
        """Delete what a run has left for these criteria."""
        for criterion in criteria:
            self._tables.finished_tests.pop((run_id, criterion), None)

    def of_account(self, act_id: ActId, criteria: Sequence[str]) -> Sequence[FinishedTest]:
        """Return an account's tests for these criteria, oldest first, then by run and criterion."""
        kept = self._tables.finished_tests.values()
        found = [one for one in kept if one.act_id == act_id and one.criterion in criteria]
        return sorted(found, key=attrgetter("finished_at", "run_id", "criterion"))
