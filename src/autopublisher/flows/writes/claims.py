"""Claims of ad accounts: made before the first write of each start, and checked against those of others.

The label is a write of the account's own: the claim in the database is saved in the transaction that sends it, the listing
that shows it settles its row, and writing it again is harmless. Three calls a start and account, and one more when an
account is claimed for the first time; none while nothing is written.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
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
    own_labels,
    why_not,
)
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.errors import (
    MetaNotFoundError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    StaleOperationError,
    UnavailableError,
)
from autopublisher.domain.faults import Fault
from autopublisher.domain.ids import ActId, InstallationId
from autopublisher.domain.journal.keys import OperationKey, Purpose, change_key
from autopublisher.domain.journal.naming import MARK
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message
from autopublisher.domain.meta.answers import said_by_meta
from autopublisher.flows.outcomes.deferred import Deferred, Unclaimed
from autopublisher.flows.outcomes.steps import SYSTEM
from autopublisher.flows.writes.account_writes import AccountWrites, given_up, open_or_next_key
from autopublisher.ports.clock import Clock, Stopwatch
from autopublisher.ports.meta.client import MetaClients
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork

_FIELDS = ("id", "name", "created_time")
_LOOK_AGAIN = timedelta(minutes=1)
_LOOKS = 2  # one may be late
_REFUSED_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True)
class _Known:
    """The claim as it is stored, whose database this is, and the writes of labels that are not settled yet."""

    claim: Claim
    was_claimed: bool
    present: Installation | None
    begun: Sequence[Operation]


@dataclass(frozen=True)
class _Found:
    """Labels of an account, whose database this is, and the writes of labels that they do not show to be done."""

    labels: Sequence[ClaimLabel]
    installation: InstallationId
    begun: Sequence[Operation]

    @property
    def own(self) -> Sequence[ClaimLabel]:
        """The labels of this installation, the latest start last."""
        return own_labels(self.labels, self.installation)


class AccountClaims:
    """One start of the installation: ``place`` says where its database lies, ``look`` how often accounts are looked at.

    ``nonce`` makes a short word that no other start has.
    """

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: MetaClients,
        clock: Clock,
        place: str,
        look: timedelta,
        *,
        nonce: Callable[[], str],
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._open_unit = open_unit
        self._writes = AccountWrites(open_unit, clients, clock, stopwatch)
        self._clients = clients
        self._clock = clock
        self._place = place
        self._notices_within = _LOOKS * look
        self._nonce = nonce
        self._written_at: dict[ActId, datetime] = {}
        self._nonces: dict[ActId, str] = {}
        self._proved_at: dict[ActId, datetime] = {}

    def need(self, act_id: ActId) -> None:
        """Return once this start holds the account; raises Deferred until then, and the Meta errors: no write without it.

        While the labels were compared lately nothing is asked: what sends a write asks the claim itself, in its transaction.
        """
        if not self._is_fresh(act_id, self._clock.now()):
            self._acquire(self._known(act_id))

    @contextmanager
    def held(self, act_id: ActId) -> Iterator[None]:
        """Write within the block, which begins as ``need`` lets it; what finds the claim not held has it proved anew."""
        self.need(act_id)
        try:
            yield
        except Unclaimed:
            self._proved_at.pop(act_id, None)
            raise

    def _acquire(self, known: "_Known") -> None:
        claim, now = known.claim, self._clock.now()
        if claim.state is ClaimState.REFUSED and not claim.take_over and not _is_due(claim, now):
            raise Deferred(claim.again_at, claim.attention)
        try:
            self._advance(known, now)
        except MetaRefusedError as error:  # of the label, not of what the run wants to write
            said = ClaimMessage.REFUSED(act_id=claim.act_id, why=said_by_meta(error))
            raise Deferred(now + _REFUSED_AGAIN, said) from error

    def look(self, act_id: ActId) -> tuple[Claim | None, Sequence[ClaimLabel]]:
        """Compare the account's labels with the claim; return it as it stands, and the labels of other installations.

        None where the account was never claimed. Where it is to be taken over this goes on with that.
        """
        known = self._known(act_id)
        claim = known.claim
        if not known.was_claimed:
            return None, ()
        if claim.take_over:
            with suppress(Deferred):
                self._acquire(known)
            return self._known(act_id).claim, ()
        found, now = self._compared(known), self._clock.now()
        labels, installation = found.labels, found.installation
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

    def _advance(self, known: "_Known", now: datetime) -> None:
        claim, act_id = known.claim, known.claim.act_id
        written = self._written_at.get(act_id) if claim.place == self._place else None
        if written is not None and now < (readable := self._readable_from(claim, written)):
            raise Deferred(readable)
        found = self._compared(known)
        labels, installation = found.labels, found.installation
        why = why_not(claim, labels, installation, self._place)
        if why is not None and not claim.take_over:
            refused = self._refuse(claim, why)
            raise Deferred(refused.again_at, refused.attention)
        if written is None:
            self._nonces[act_id] = self._nonce()  # what is written once more is the same start's
            self._write(claim, found, now)
        elif is_shown(claim, labels, installation):
            self._prove(claim, found)
        elif found.own or now >= written + CLAIM_LISTED:
            self._write(claim, found, now)  # the change was lost
        else:
            raise Deferred(now + _LOOK_AGAIN)

    def _readable_from(self, claim: Claim, written: datetime) -> datetime:
        return max(written + self._shows(), claim.again_at or written)

    def _write(self, claim: Claim, found: "_Found", now: datetime) -> None:
        """Save the claim of this start and have Meta show it; raises Deferred until it can be read back."""
        act_id, own = claim.act_id, found.own
        epoch = max([claim.epoch, *(label.epoch for label in found.labels)]) + 1
        restarts = claim.state is ClaimState.HELD and not claim.take_over
        shown = own[-1].nonce if own else None
        started = claim.started(self._nonces[act_id], epoch, self._place, shown, keeps_state=restarts)
        # Whoever wrote here before compares the labels as often as we do, and may write until then.
        notices = claim.take_over or (claim.is_new and self._has_campaigns(act_id))
        wait = self._shows() + (self._notices_within if notices else timedelta(0))
        started = replace(started, again_at=max(now + wait, claim.again_at or now))
        spec = _label_write(label_name(found.installation, started), epoch, own[-1] if own else None)

        def along(unit: UnitOfWork) -> None:
            unit.claims.put(started)
            for row in found.begun:
                if row.purpose is not Purpose.DELETE:
                    unit.journal.advance(given_up(row, now), row, None)

        def saved() -> None:
            self._written_at[act_id] = now

        try:
            with suppress(MetaOutcomeUnknownError):  # reading it back tells
                if claim.take_over:  # first, so that whoever is shown the new label finds no other beside it
                    self._remove(act_id, [label for label in found.labels if label not in own])
                self._writes.send(act_id, spec, along, own[-1].meta_id if own else None, saved)
        except StaleOperationError as stale:  # another worker is claiming the account right now
            self._written_at.pop(act_id, None)
            raise Deferred(now + _LOOK_AGAIN) from stale
        raise Deferred(started.again_at)

    def _prove(self, claim: Claim, found: "_Found") -> None:
        own = found.own
        # Of a create that was taken twice, and what a take-over may have left.
        others = [label for label in found.labels if label is not own[-1]]
        self._remove(claim.act_id, others if claim.take_over else own[:-1])
        self._proved_at[claim.act_id] = self._clock.now()
        held = replace(claim, state=ClaimState.HELD, why=None, take_over=False, again_at=None)
        if held != claim:
            self._save(held, ClaimMessage.HELD(act_id=claim.act_id, epoch=str(claim.epoch)))

    def _remove(self, act_id: ActId, labels: Sequence[ClaimLabel]) -> None:
        rows = self._writes.rows(act_id) if labels else ()
        for label in labels:
            target = OperationKey(Purpose.LABEL, label.meta_id).text
            key = open_or_next_key(rows, Purpose.DELETE, target)
            spec = OperationSpec(key, Action.DELETE, ObjectKind.LABEL, target=target)
            with suppress(MetaNotFoundError, StaleOperationError):  # it is gone, or another worker removes it
                self._writes.send(act_id, spec, lambda _: None, label.meta_id)

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

    def _known(self, act_id: ActId) -> "_Known":
        with self._open_unit().reading() as unit:
            claim, present = unit.claims.of(act_id), unit.installations.present()
            rows = unit.journal.of_account(act_id)
        begun = [row for row in rows if row.spec.kind is ObjectKind.LABEL and not row.is_settled]
        return _Known(claim or Claim(act_id), claim is not None, present, begun)

    def _save(self, claim: Claim, said: Message | None = None) -> Claim:
        with self._open_unit() as unit:
            unit.claims.put(claim)
            if said is not None:
                tag = f"installation:account:{claim.state}"
                data = {"act_id": claim.act_id, "epoch": claim.epoch}
                unit.observations.add_events([Event(self._clock.now(), tag, SYSTEM, said, None, data)])
            unit.commit()
        return claim

    def _compared(self, known: "_Known") -> "_Found":
        """List the account's labels, and settle the writes of labels that they show to be done."""
        labels = labels_in(
            self._clients.for_account(known.claim.act_id).find(ObjectKind.LABEL, CLAIM_MARK, _FIELDS)
        )
        if known.present is None:
            raise UnavailableError(reason=Fault.WITHOUT_INSTALLATION())
        done = [(row, self._confirmed(row, labels)) for row in known.begun]
        settled = [(was, now) for was, now in done if now is not None]
        if settled:
            with suppress(StaleOperationError), self._open_unit() as unit:  # another worker may be quicker
                for was, now in settled:
                    unit.journal.advance(now, was, None)
                unit.commit()
        return _Found(labels, known.present.id, [was for was, now in done if now is None])

    def _confirmed(self, row: Operation, labels: Sequence[ClaimLabel]) -> Operation | None:
        """Return a row CONFIRMED where the account's labels show what was asked for; None where they do not."""
        if row.state is OperationState.INTENDED:
            return None
        named = {label.name: label.meta_id for label in labels}
        meta_id = named.get(str(row.spec.params.get("name")))
        if row.spec.action is Action.DELETE:
            meta_id = None if row.meta_id in named.values() else row.meta_id
        if meta_id is None:
            return None
        return row.to(OperationState.CONFIRMED, meta_id=meta_id, settled_at=self._clock.now(), error=None)

    def _has_campaigns(self, act_id: ActId) -> bool:
        """Tell whether some installation has been at work here, whether or not its label is left."""
        return bool(self._clients.for_account(act_id).find(ObjectKind.CAMPAIGN, MARK, ("id",)))

    def _shows(self) -> timedelta:
        with self._open_unit().reading() as unit:
            return max(CLAIM_SHOWS, 2 * unit.listing_lags.longest())


def _label_write(name: str, epoch: int, own: ClaimLabel | None) -> OperationSpec:
    """Return the write that makes the label of a start, or has the label that is there tell it."""
    if own is None:
        key = OperationKey(Purpose.LABEL, str(epoch)).text
        return OperationSpec(key, Action.CREATE, ObjectKind.LABEL, {"name": name})
    target = OperationKey(Purpose.LABEL, own.meta_id).text
    key = change_key(Purpose.RENAME, target, epoch)
    return OperationSpec(key, Action.UPDATE, ObjectKind.LABEL, {"name": name}, target=target)


def _is_due(claim: Claim, now: datetime) -> bool:
    return claim.again_at is None or claim.again_at <= now
