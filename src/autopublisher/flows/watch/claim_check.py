"""Account check of the claim: that the account is still this installation's, and no other's to judge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from autopublisher.domain.accounts.claims import ClaimLabel, ClaimMessage, ClaimState
from autopublisher.domain.accounts.watches import PROBLEM
from autopublisher.domain.errors import MetaError
from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import Message, said_of
from autopublisher.flows.watch.account_check import AccountCheck, Outcome
from autopublisher.flows.writes.claims import AccountClaims


class ClaimCheck:
    """Implements ``AccountCheck``; where the account is another's, what ``then`` does is left to that other."""

    def __init__(self, claims: AccountClaims, then: AccountCheck) -> None:
        self._claims = claims
        self._then = then

    @property
    def name(self) -> str:
        """The name of the check that follows."""
        return self._then.name

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome | None:
        """Compare the labels, then do the check that follows unless somebody else holds the account."""
        try:
            claim, others = self._claims.look(act_id)
        except MetaError as error:
            if not self._claims.may_judge(act_id):
                raise
            done = self._then(act_id, before, now)
            return done and _with_problems(done, [ClaimMessage.LABELS_UNREAD(why=said_of(error))])
        if claim is not None and claim.state is ClaimState.REFUSED:
            return Outcome({PROBLEM: claim.attention.to_record()})
        done = self._then(act_id, before, now)
        return done and _with_problems(
            done,
            [_told(label) for label in others],
        )


def _told(label: ClaimLabel) -> Message:
    return ClaimMessage.OTHER_LABEL(installation=label.installation, epoch=str(label.epoch))


def _with_problems(done: Outcome, lines: Sequence[Message]) -> Outcome:
    if not lines:
        return done
    added = [line.to_record() for line in lines]
    known = [line for line in done.record.get("problems", ()) if line not in added]
    return replace(done, record={**done.record, "problems": [*known, *added]})
