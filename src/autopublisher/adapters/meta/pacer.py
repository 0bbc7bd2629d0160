"""Pacer: holds calls back before Meta does, by the usage headers of each account's last answers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock, local

from autopublisher.domain.errors import MetaError, MetaThrottledError, UnavailableError
from autopublisher.domain.meta.pacing import FamilyPacing, Pacing
from autopublisher.domain.meta.rules import (
    MetaHeldBackError,
    Usage,
    pause_seconds,
    read_usage,
    room_of,
    throttle_seconds,
)
from autopublisher.ports.clock import Clock

_Family = tuple[str, bool]
"""An ad account, and whether the call asks for insights: Meta meters those apart from everything else."""


class _Caller(local):
    """For which ad account the present thread works; the empty text where nobody has said."""

    act_id: str = ""


class Pacer:
    """Knows for each account when the next call may be made; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._families: dict[_Family, FamilyPacing] = {}
        self._owners: dict[str, str] = {}
        self._shared: set[str] = set()
        self._caller = _Caller()

    @contextmanager
    def working_for(self, act_id: str) -> Iterator[None]:
        """Have calls of this thread on objects of unknown owner count as the account's."""
        before, self._caller.act_id = self._caller.act_id, act_id
        try:
            yield
        finally:
            self._caller.act_id = before

    def pacing(self, act_id: str) -> Pacing:
        """Return what is known of an account."""
        with self._lock:
            return Pacing(*(self._families.get((act_id, one), FamilyPacing()) for one in (False, True)))

    def recall(self, act_id: str, pacing: Pacing) -> None:
        """Go on from what another process has learnt of an account, forgetting what this one knew."""
        with self._lock:
            self._families[act_id, False] = pacing.management
            self._families[act_id, True] = pacing.insights

    def owns(self, act_id: str, meta_id: str) -> None:
        """Remember that an object belongs to an account, so that calls on the object count as the account's."""
        with self._lock:
            self._owners[meta_id] = act_id

    def shares(self, business_id: str) -> None:
        """Remember that a node belongs to no single account: calls on it count for themselves."""
        with self._lock:
            self._shared.add(business_id)

    def owner_of(self, meta_id: str) -> str | None:
        """Return the account of an object, as far as known."""
        with self._lock:
            return self._owners.get(meta_id)

    def last_usage(self, act_id: str) -> Usage | None:
        """Return what the account's last answers said, the fuller of management and insights; None before any."""
        known = self.pacing(act_id)
        usages = [one.usage for one in (known.management, known.insights) if one.usage.percents]
        return max(usages, key=pause_seconds, default=None)

    def room(self, act_id: str) -> int:
        """Return how many writes on an account may leave together."""
        return room_of(self.pacing(act_id).management.usage)

    def admit(self, subject: str, *, insights: bool = False) -> None:
        """Let a call on an account or object pass, or raise MetaHeldBackError saying when it may be made."""
        family = (self._account(subject), insights)
        with self._lock:
            known = self._families.get(family, FamilyPacing())
        if known.held_until is not None and self._is_ahead(known.held_until):
            message = f"{known.usage.highest:.0f}% of a limit of {family[0] or 'the token'} is used"
            raise MetaHeldBackError(message, retry_at=known.held_until)

    def heard(self, path: str, headers: Mapping[str, str], error: MetaError | None) -> MetaError | None:
        """Take in an answer's usage headers; return its error, with the time to retry if it is a throttle."""
        usage = read_usage(headers)
        subject, insights = _subject(path), path.rstrip("/").endswith("/insights")
        self._learn((self._account(subject, usage), insights), usage)
        if isinstance(error, MetaThrottledError):
            return _dated(error, self._after(throttle_seconds(error, usage)))
        return error

    def _learn(self, family: _Family, usage: Usage) -> None:
        if not usage.percents:
            return
        with self._lock:
            known = self._families.get(family, FamilyPacing()).after(usage)
            self._families[family] = known
        if known.hold_seconds <= 0:
            return
        # Only a nearly used-up limit is worth asking the time for.
        held = replace(known, held_until=self._after(known.hold_seconds))
        with self._lock:
            self._families[family] = held

    def _after(self, seconds: float) -> datetime | None:
        """Return a moment from now; None without a clock, for a good answer must not be lost to that."""
        try:
            return self._clock.now() + timedelta(seconds=seconds)
        except UnavailableError:
            return None

    def _is_ahead(self, moment: datetime) -> bool:
        """Whether a moment is still to come; not so where the time is unknown, for then Meta may decide."""
        try:
            return self._clock.now() < moment
        except UnavailableError:
            return False

    def _is_shared(self, subject: str) -> bool:
        with self._lock:
            return subject in self._shared

    def _account(self, subject: str, usage: Usage | None = None) -> str:
        """Return the account a call counts for; the empty text stands for calls of no known account."""
        if subject.startswith("act_") or self._is_shared(subject):
            return subject
        owner = self.owner_of(subject)
        if owner is None and subject.isdigit():
            owner = self._caller.act_id or self._owner_by_usage(subject, usage)
        return owner or ""

    def _owner_by_usage(self, meta_id: str, usage: Usage | None) -> str | None:
        """Return the account whose meters an object's answer told of, if it told of one, and remember it."""
        if usage is None or len(usage.business_ids) != 1:
            return None
        owner = f"act_{next(iter(usage.business_ids))}"
        self.owns(owner, meta_id)
        return owner


def _subject(path: str) -> str:
    """Return the node of ``/v26.0/<node>/<edge>``."""
    parts = [part for part in path.split("/") if part]
    return parts[1] if len(parts) > 1 else ""


def _dated(error: MetaThrottledError, retry_at: datetime | None) -> MetaThrottledError:
    return MetaThrottledError(
        str(error.facts["message"]),
        retry_at=retry_at,
        code=error.code,
        subcode=error.subcode,
        user_message=error.user_message,
    )
