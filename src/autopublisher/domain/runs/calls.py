"""Calls that a run is expected to make at Meta until its test is decided, and the time they take under an access tier."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from autopublisher.domain.meta.rules import SCORE_DECAY, SCORE_OF_WRITE, SMALLEST_SCORE
from autopublisher.domain.runs.proposal import Proposal, longest_hours

SWITCHED_ON = 3
"""Objects of an arm that are switched on by a write each: campaign, ad set and ad."""

OF_A_POLL = 3
"""Reads that a run makes when its figures are due: they, its objects, and the account's own numbers."""

SLOWER_WHEN_OVER = 6
"""So many polls of a running test make one of a test that is over and waits for late reports."""


@dataclass(frozen=True)
class Calls:
    """Writes that build a test and switch it on, and reads of its polls until the decision at the latest."""

    writes: int
    reads: int

    @property
    def limited_wait(self) -> timedelta:
        """The least time over which the writes have to be spread on Meta's limited tier."""
        above = max(0, self.writes * SCORE_OF_WRITE - SMALLEST_SCORE)
        return timedelta(seconds=above * SCORE_DECAY / SMALLEST_SCORE)


def calls_of(proposal: Proposal, poll: timedelta) -> Calls:
    """Return what a proposed run is expected to call where its figures are read every ``poll``."""
    delivers = proposal.run.request.ab_test_config.test_duration_hours
    settles = longest_hours(proposal) - delivers
    polls = ceil(timedelta(hours=delivers) / poll) + ceil(
        timedelta(hours=settles) / (SLOWER_WHEN_OVER * poll)
    )
    return Calls(writes=len(proposal.writes) + SWITCHED_ON * len(proposal.variants), reads=OF_A_POLL * polls)
