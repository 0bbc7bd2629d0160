"""Finished tests as their ad accounts remember them."""

from collections.abc import Sequence
from typing import Protocol

from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.past_tests import FinishedTest


class FinishedTestRepository(Protocol):
    """Finished tests: one for each run and criterion, however often it is put."""

    def put(self, tests: Sequence[FinishedTest]) -> None:
        """Insert tests, or overwrite those of the same run and criterion; when they finished stays as it was first."""
        ...

    def remove(self, run_id: RunId, criteria: Sequence[str]) -> None:
        """Delete what a run has left for these criteria."""
        ...

    def of_account(self, act_id: ActId, criteria: Sequence[str]) -> Sequence[FinishedTest]:
        """Return an account's tests for these criteria, oldest first, then by run and criterion."""
        ...
