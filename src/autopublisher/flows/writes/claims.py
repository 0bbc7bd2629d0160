"""Claims of ad accounts: made before the first write of each start, and checked against those of others.

The label at Meta is written without a journal row, for it belongs to no run: the claim in the database is saved first, what
was written is read back, and writing it again is harmless. Three calls a start and account, and one more when an account is
claimed for the first time; none while nothing is written.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from autopublisher.domain.accounts.claims import (
    CLAIM_LISTED,
    CLAIM_MARK,
    CLAIM_SHOWS,
    Claim,
    ClaimLabel,
    ClaimMessage,
    ClaimState,
    is_shown,
    label_name,
    labels_in,
    needs_no_claim,
    own_labels,
    why_not,
)
from autopublisher.domain.errors import (
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    UnavailableError,
)
from autopublisher.domain.ids import ActId, InstallationId
from autopublisher.domain.journal.naming import MARK
from autopublisher.domain.journal.operations import ObjectKind, OperationSpec
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message
from autopublisher.flows.outcomes.deferred import Deferred
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.client import MetaAds
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

_FIELDS = ("id", "name", "created_time")
_LOOK_AGAIN = timedelta(minutes=1)
_LOOKS = 2  # one may be late
_REFUSED_AGAIN = timedelta(minutes=15)


def check_claim(unit: UnitOfWork, act_id: ActId, spec: OperationSpec) -> None:
    """Raise Deferred, in the transaction that sends a write, where the account is not ours to write to."""
    claim = unit.claims.of(act_id)
    if claim is not None and claim.state is not ClaimState.HELD and not needs_no_claim(spec):
        raise Deferred(claim.again_at, claim.attention if claim.why else None)


class AccountClaims:
    """One start of the installation: ``place`` says where its database lies, ``look`` how often accounts are looked at.

    ``nonce`` makes a short word that no other start has.
    """

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        meta: MetaAds,
        clock: Clock,
        place: str,
        look: timedelta,
        *,
        nonce: Callable[[], str],
    ) -> None:
        self._open_unit = open_unit
        self._meta = meta
        self._clock = clock
        self._place = place
        self._notices_within = _LOOKS * look
        self._nonce = nonce
        self._written_at: dict[ActId, datetime] = {}
        self._nonces: dict[ActId, str] = {}
        self._proved_at: dict[ActId, datetime] = {}

    def need(self, act_id: ActId) -> None:
        """Return once this start holds the account; raises Deferred until then, and the Meta errors: no write without it."""
        claim, now = self._claim(act_id), self._clock.now()
        if claim.state is ClaimState.HELD and self._is_fresh(act_id, now):
            return
        if claim.state is ClaimState.REFUSED and not claim.take_over and not _is_due(claim, now):
            raise Deferred(claim.again_at, claim.attention)
        try:
            self._advance(claim, now)
        except MetaRefusedError as error:  # of the label, not of what the run wants to write
            why = f"{error.message} {error.user_message}".strip()
            said = ClaimMessage.REFUSED(act_id=act_id, why=why)
            raise Deferred(now + _REFUSED_AGAIN, said) from error

    def look(self, act_id: ActId) -> tuple[Claim | None, Sequence[ClaimLabel]]:
        """Compare the account's labels with the claim; return it as it stands, and the labels of other installations.

        None where the account was never claimed. Where it is to be taken over this goes on with that.
        """
        with self._open_unit().reading() as unit:
            claim = unit.claims.of(act_id)
        if claim is None:
            return None, ()
        if claim.take_over:
            with suppress(Deferred):
                self.need(act_id)
            return self._claim(act_id), ()
        labels, installation, now = self._listed(act_id), self._installation(), self._clock.now()
        why = why_not(claim, labels, installation, self._place)
        if why is not None:
            claim = self._refuse(claim, why)
        elif claim.state is ClaimState.REFUSED:  # the other has gone
            claim = self._save(replace(claim, state=ClaimState.PENDING, why=None, again_at=now))
        elif claim.state is ClaimState.HELD and not own_labels(
            labels, installation
        ):  # nobody else could be told by it
            claim = self._let_go(claim, now)
        elif act_id in self._proved_at:
            self._proved_at[act_id] = now
        return claim, [label for label in labels if label.installation != installation]

    def may_judge(self, act_id: ActId) -> bool:
        """Tell whether the account was this start's so lately that it may be judged without its labels."""
        with self._open_unit().reading() as unit:
            claim = unit.claims.of(act_id)
        if claim is None or (claim.state is ClaimState.HELD and claim.place == self._place):
            return claim is None or self._is_fresh(act_id, self._clock.now())
        return False

    def _is_fresh(self, act_id: ActId, now: datetime) -> bool:
        """Tell whether the labels were compared lately: a process that was frozen must not go on from what it knew."""
        proved_at = self._proved_at.get(act_id)
        return proved_at is not None and now - proved_at <= self._notices_within

    # --- becoming the one that writes -----------------------------------------------------------------

    def _advance(self, claim: Claim, now: datetime) -> None:
        act_id, installation = claim.act_id, self._installation()
        written = self._written_at.get(act_id) if claim.place == self._place else None
        if written is not None and now < (readable := self._readable_from(claim, written)):
            raise Deferred(readable)
        labels = self._listed(act_id)
        why = why_not(claim, labels, installation, self._place)
        if why is not None and not claim.take_over:
            refused = self._refuse(claim, why)
            raise Deferred(refused.again_at, refused.attention)
        if written is None:
            self._nonces[act_id] = self._nonce()  # what is written once more is the same start's
            self._write(claim, labels, now)
        elif is_shown(claim, labels, installation):
            self._prove(claim, labels)
        elif own_labels(labels, installation) or now >= written + CLAIM_LISTED:
            self._write(claim, labels, now)  # the change was lost
        else:
            raise Deferred(now + _LOOK_AGAIN)

    def _readable_from(self, claim: Claim, written: datetime) -> datetime:
        return max(written + self._shows(), claim.again_at or written)

    def _write(self, claim: Claim, labels: Sequence[ClaimLabel], now: datetime) -> None:
        """Save the claim of this start, then have Meta show it; raises Deferred until it can be read back."""
        own = own_labels(labels, self._installation())
        epoch = max([claim.epoch, *(label.epoch for label in labels)]) + 1
        restarts = claim.state is ClaimState.HELD and not claim.take_over
        shown = own[-1].nonce if own else None
        nonce = self._nonces[claim.act_id]
        started = claim.started(nonce, epoch, self._place, shown, keeps_state=restarts)
        # Whoever wrote here before compares the labels as often as we do, and may write until then.
        notices = claim.take_over or (claim.is_new and self._has_campaigns(claim.act_id))
        wait = self._shows() + (self._notices_within if notices else timedelta(0))
        started = self._save(replace(started, again_at=max(now + wait, claim.again_at or now)))
        self._written_at[claim.act_id] = now
        name = label_name(self._installation(), started)
        with suppress(MetaOutcomeUnknownError):  # reading it back tells
            if claim.take_over:
                self._remove([label for label in labels if label not in own])
            if own:
                self._meta.update(own[-1].meta_id, {"name": name})
            else:
                self._meta.create(claim.act_id, ObjectKind.LABEL, {"name": name})
        raise Deferred(started.again_at)

    def _prove(self, claim: Claim, labels: Sequence[ClaimLabel]) -> None:
        own = own_labels(labels, self._installation())
        # Of a create that was taken twice, and what a take-over may have left.
        self._remove([label for label in labels if label is not own[-1]] if claim.take_over else own[:-1])
        self._proved_at[claim.act_id] = self._clock.now()
        held = replace(claim, state=ClaimState.HELD, why=None, take_over=False, again_at=None)
        if held != claim:
            self._save(held, ClaimMessage.HELD(act_id=claim.act_id, epoch=str(claim.epoch)))

    def _remove(self, labels: Sequence[ClaimLabel]) -> None:
        for label in labels:
            with suppress(MetaNotFoundError):
                self._meta.delete(label.meta_id)

    def _let_go(self, claim: Claim, now: datetime) -> Claim:
        """Take back what was proved: the label is gone, so it is written and read back before anything else is."""
        self._proved_at.pop(claim.act_id, None)
        self._written_at.pop(claim.act_id, None)
        said = ClaimMessage.LABEL_GONE(act_id=claim.act_id)
        return self._save(replace(claim, state=ClaimState.PENDING, again_at=now), said)

    def _refuse(self, claim: Claim, why: Message) -> Claim:
        self._proved_at.pop(claim.act_id, None)
        self._written_at.pop(claim.act_id, None)
        refused = claim.refused(why, self._clock.now())
        is_news = claim.state is not ClaimState.REFUSED or claim.why != why
        return self._save(refused, refused.attention if is_news else None)

    # --- what is stored and what is listed ------------------------------------------------------------

    def _claim(self, act_id: ActId) -> Claim:
        with self._open_unit().reading() as unit:
            return unit.claims.of(act_id) or Claim(act_id)

    def _save(self, claim: Claim, said: Message | None = None) -> Claim:
        with self._open_unit() as unit:
            unit.claims.put(claim)
            if said is not None:
                tag = f"installation:account:{claim.state}"
                data = {"act_id": claim.act_id, "epoch": claim.epoch}
                unit.observations.add_events([Event(self._clock.now(), tag, SYSTEM, said, None, data)])
            unit.commit()
        return claim

    def _installation(self) -> InstallationId:
        with self._open_unit().reading() as unit:
            present = unit.installations.present()
        if present is None:
            raise UnavailableError(reason="the database does not say which installation it is of")
        return present.id

    def _listed(self, act_id: ActId) -> Sequence[ClaimLabel]:
        return labels_in(self._meta.find(act_id, ObjectKind.LABEL, CLAIM_MARK, _FIELDS))

    def _has_campaigns(self, act_id: ActId) -> bool:
        """Tell whether some installation has been at work here, whether or not its label is left."""
        return bool(self._meta.find(act_id, ObjectKind.CAMPAIGN, MARK, ("id",)))

    def _shows(self) -> timedelta:
        with self._open_unit().reading() as unit:
            return max(CLAIM_SHOWS, 2 * unit.listing_lags.longest())


def _is_due(claim: Claim, now: datetime) -> bool:
    return claim.again_at is None or claim.again_at <= now
