"""Owners of journal rows: what a write is made for, a run or an ad account.

Most writes are a run's. What no run has asked for, such as the pause of an orphaned object or the label of a claim, is its
account's: it is journaled and gated like every other, and counts in no run's money.
"""

from dataclasses import dataclass

from autopublisher.domain.ids import ActId, RunId


@dataclass(frozen=True)
class RunOwner:
    """The run whose plan or whose objects a write concerns."""

    run_id: RunId

    @property
    def id(self) -> str:
        """What tells it from every other owner."""
        return self.run_id


@dataclass(frozen=True)
class AccountOwner:
    """The ad account of a write that belongs to no run."""

    act_id: ActId

    @property
    def id(self) -> str:
        """What tells it from every other owner."""
        return self.act_id


Owner = RunOwner | AccountOwner
