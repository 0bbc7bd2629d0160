"""The pacer: remembers what Meta's usage headers said of each account and holds calls back before Meta does."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from autopublisher.domain.errors import MetaError, MetaThrottledError, UnavailableError
from autopublisher.domain.meta_rules import (
    MetaHeldBackError,
    Usage,
    pause_seconds,
    read_usage,
    throttle_seconds,
)
from autopublisher.ports.clock import Clock

BURST = 8
"""Near a limit so many calls go together, after a pause as long as all of theirs: a tick that had to wait before each of
its calls, and begins anew after every wait, would never get to its second."""

_Family = tuple[str, bool]
"""An ad account, and whether the call asks for insights: Meta meters those apart from everything else."""


class Pacer:
    """Knows for each account when the next call may be made; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._usage: dict[_Family, Usage] = {}
        self._held_until: dict[_Family, datetime] = {}
        self._burst_left: dict[_Family, int] = {}
        self._owners: dict[str, str] = {}
        self._shared: set[str] = set()

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
        with self._lock:
            known = [usage for (account, _), usage in self._usage.items() if account == act_id]
        return max(known, key=pause_seconds, default=None)

    def admit(self, subject: str, *, insights: bool = False) -> None:
        """Let a call on an account or object pass, or raise MetaHeldBackError saying when it may be made."""
        family = (self._account(subject), insights)
        with self._lock:
            held_until = self._held_until.get(family)
            usage = self._usage.get(family, Usage())
        if held_until is not None and self._is_ahead(held_until):
            message = f"{usage.highest:.0f}% of a limit of {family[0] or 'the token'} is used"
            raise MetaHeldBackError(message, retry_at=held_until)

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
        pause = pause_seconds(usage)
        with self._lock:
            self._usage[family] = usage
            self._held_until.pop(family, None)
            left = self._burst_left.pop(family, 0)
            if pause > 0 and left > 1 and not usage.is_exhausted:
                self._burst_left[family] = left - 1
                return
        if pause <= 0:
            return
        # Only a nearly used-up limit is worth asking the time for.
        held_until = self._after(pause if usage.is_exhausted else pause * BURST)
        with self._lock:
            self._burst_left[family] = BURST
            if held_until is not None:
                self._held_until[family] = held_until

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
        if owner is None and subject.isdigit() and usage is not None and len(usage.business_ids) == 1:
            owner = f"act_{next(iter(usage.business_ids))}"
            self.owns(owner, subject)
        return owner or ""


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
