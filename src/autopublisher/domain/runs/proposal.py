"""Proposal of a run: the writes that a request would lead to, before there is a run, and their digest.

The digest binds a start to what was shown: the request as asked, and every write of the test with the account's defaults and
its creatives in it. Times and the run's own marks are left out, for they come with the start.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import OperationSpec
from autopublisher.domain.past_tests import AccountMemory
from autopublisher.domain.request.ad_rules import effective_ad
from autopublisher.domain.request.longest_test import further_days
from autopublisher.domain.request.request import RunRequest, request_digest
from autopublisher.domain.request.variants import Variant, build_variants
from autopublisher.domain.runs.evidence_inputs import design_of
from autopublisher.domain.runs.longest_test import most_per_variant
from autopublisher.domain.runs.plan import plan_digest, test_plan, total_of
from autopublisher.domain.runs.run import Run, RunStatus, Trial

_NO_RUN = RunId("proposed")
_NO_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Proposal:
    """A checked request as the run it would become, which has no id and no times yet; ``writes`` build its test."""

    run: Run
    variants: tuple[Variant, ...]
    writes: tuple[OperationSpec, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the request and of every write."""
        both = f"{self.run.request_digest} {plan_digest(self.writes)}"
        return hashlib.sha256(both.encode()).hexdigest()

    @property
    def test_money(self) -> Money:
        """What the test may spend at worst."""
        each = most_per_variant(self.run)
        return Money(each.minor * len(self.variants), each.currency)

    @property
    def left_to_publish(self) -> Money:
        """What is left for publishing where the test spends all it may."""
        return total_of(self.run) - self.test_money


def proposed(
    request: RunRequest,
    account: Account,
    creatives: Sequence[Creative],
    memory: AccountMemory | None = None,
) -> Proposal:
    """Return what a checked request would become; ``memory`` is what the account's finished tests say of its criterion."""
    settled = replace(request, ad=effective_ad(request, account))
    ends = _NO_MOMENT + timedelta(hours=request.ab_test_config.test_duration_hours)
    run = Run(
        id=_NO_RUN,
        account_id=account.id,
        act_id=account.act_id,
        currency=account.currency,
        request=settled,
        status=RunStatus.PENDING,
        version=1,
        created_at=_NO_MOMENT,
        created_by="",
        updated_at=_NO_MOMENT,
        next_tick_at=None,
        request_digest=request_digest(request),
        trial=Trial(
            arms_start_at=_NO_MOMENT,
            arms_end_at=ends,
            memory=memory,
            further_days=further_days(request, account.currency),
        ),
    )
    variants = tuple(build_variants(_NO_RUN, settled))
    images = {creative.id: creative.storage_key for creative in creatives}
    return Proposal(run, variants, test_plan(run, variants, images, _NO_MOMENT, ends))


def longest_hours(proposal: Proposal) -> float:
    """Return the hours from the start of delivery to a decision at the latest, waiting for late reports included."""
    return design_of(proposal.run, proposal.variants).settled_hour
