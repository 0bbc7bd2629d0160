"""Intake of requests: checked against everything before a cent can be spent, and stored with the run's first tick."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

from autopublisher.domain.accounts.accounts import Account, Creative, MinimumBudgets
from autopublisher.domain.creatives.shapes import shape_warnings
from autopublisher.domain.errors import (
    AutoPublisherError,
    ConflictError,
    DisabledError,
    InvalidRequestError,
    MetaOutcomeUnknownError,
    Problem,
    UnavailableError,
)
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import Message, remedied, said_of
from autopublisher.domain.money.limits import InstallationLimits, check_limits
from autopublisher.domain.money.run_cap import check_run_cap
from autopublisher.domain.request.request import RunRequest, request_digest
from autopublisher.domain.request.rules import check_against_account, check_against_meta, check_request
from autopublisher.domain.request.variants import build_variants
from autopublisher.domain.runs.proposal import proposed
from autopublisher.domain.runs.request_warnings import request_warnings
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.ticks import enqueue_next
from autopublisher.ports.clock import Clock
from autopublisher.ports.meta.reading import ReadingClients
from autopublisher.ports.repositories import OpenUnitOfWork, RunFilter
from autopublisher.ports.work import TickQueue

FURTHEST_START = timedelta(days=366)
"""How far ahead a run may be scheduled; further is a slip of the year."""


@dataclass(frozen=True)
class IntakeLimits:
    """What the installation allows: ``enabled`` is AUTO_PUBLISHER_ENABLED, ``spend`` its limits by currency."""

    enabled: bool = True
    spend: InstallationLimits = field(default_factory=InstallationLimits)


@dataclass(frozen=True)
class Checked:
    """A request that nothing speaks against now, with what was looked up for it and the warnings it starts with."""

    account: Account
    creatives: Sequence[Creative]
    minimums: MinimumBudgets
    warnings: tuple[Message, ...]


class Intake:
    """The way in for runs, whether now or scheduled."""

    def __init__(
        self,
        open_unit: OpenUnitOfWork,
        clients: ReadingClients,
        clock: Clock,
        ticks: TickQueue,
        limits: IntakeLimits | None = None,
    ) -> None:
        self._open_unit = open_unit
        self._clients = clients
        self._clock = clock
        self._ticks = ticks
        self._limits = limits or IntakeLimits()

    def submit(
        self,
        request: RunRequest,
        actor: str,
        idempotency_key: str | None = None,
        plan_digest: str | None = None,
    ) -> Run:
        """Store a run for the request and return it; nothing is created at Meta yet.

        The same ``idempotency_key`` with the same request returns the earlier run. ``plan_digest`` binds the start to the
        plan that was shown. Raises DisabledError, AccountNotFoundError, CreativesNotFoundError, InvalidRequestError with
        every problem found, ConflictError for a key used with another request or where the plan is another one by now, and
        UnavailableError where Meta cannot be asked now.
        """
        if not self._limits.enabled:
            raise DisabledError
        earlier = self._earlier(request, idempotency_key)
        if earlier is not None:
            return earlier
        found = self.check(request)
        if plan_digest is not None:
            digest = proposed(request, found.account, found.creatives).digest
            if digest != plan_digest:
                raise ConflictError(*remedied(Refusal.PLAN_CHANGED(digest=digest[:12])))
        return self._stored(request, found.account, found.warnings, actor, idempotency_key)

    def check(self, request: RunRequest) -> Checked:
        """Return what a start of the request would rest on; raises as ``submit`` where there could be none."""
        account, creatives = self._checked(request)
        warnings, minimums = self._checked_with_meta(request, account)
        shapes = shape_warnings(build_variants(RunId(""), request), creatives)
        return Checked(account, creatives, minimums, (*warnings, *shapes))

    def _earlier(self, request: RunRequest, key: str | None) -> Run | None:
        if key is None:
            return None
        with self._open_unit().reading() as unit:
            found = unit.runs.find(RunFilter(idempotency_key=key, limit=1))
        if not found:
            return None
        if found[0].request_digest != request_digest(request):
            raise ConflictError(*remedied(Refusal.KEY_USED()))
        return found[0]

    def _checked(self, request: RunRequest) -> tuple[Account, Sequence[Creative]]:
        with self._open_unit().reading() as unit:
            account = unit.accounts.get(request.meta_account_id)
            problems = check_request(request) + check_against_account(request, account)
            problems = problems or list(check_limits(request, account, self._limits.spend))
            if problems:
                raise InvalidRequestError(problems)
            creatives = unit.creatives.get_many(request.creative_ids)
            foreign = [creative.id for creative in creatives if creative.account_id != account.id]
        if foreign:
            raise InvalidRequestError(
                [Problem("creative_ids", *remedied(Refusal.FOREIGN_CREATIVES(foreign=tuple(foreign))))]
            )
        self._check_moment(request)
        return account, creatives

    def _check_moment(self, request: RunRequest) -> None:
        now = self._clock.now()
        if request.scheduled_for is not None and request.scheduled_for <= now:
            raise InvalidRequestError([Problem("scheduled_for", *remedied(Refusal.MOMENT_PASSED()))])
        if request.scheduled_for is not None and request.scheduled_for > now + FURTHEST_START:
            raise InvalidRequestError([Problem("scheduled_for", *remedied(Refusal.MOMENT_TOO_FAR()))])

    def _checked_with_meta(
        self, request: RunRequest, account: Account
    ) -> tuple[tuple[Message, ...], MinimumBudgets]:
        """Return the request's warnings and Meta's minima; raises InvalidRequestError for what Meta would refuse."""
        try:
            meta = self._clients.for_account(account.act_id)
            facts, minimums = meta.account(), meta.minimum_budgets()
        except MetaOutcomeUnknownError as error:
            raise UnavailableError(reason=said_of(error)) from error
        problems = check_against_meta(request, account, facts, minimums)
        problems = problems or list(check_run_cap(request, facts, self._limits.spend.run))
        if problems:
            raise InvalidRequestError(problems)
        return request_warnings(request, account, facts, minimums), minimums

    def _stored(
        self,
        request: RunRequest,
        account: Account,
        warnings: tuple[Message, ...],
        actor: str,
        key: str | None,
    ) -> Run:
        now = self._clock.now()
        run = Run(
            id=RunId(str(uuid4())),
            account_id=account.id,
            act_id=account.act_id,
            currency=account.currency,
            request=request,
            status=RunStatus.PENDING,
            version=1,
            created_at=now,
            created_by=actor,
            updated_at=now,
            next_tick_at=now if request.scheduled_for is None else request.scheduled_for,
            idempotency_key=key,
            request_digest=request_digest(request),
            warnings=warnings,
        )
        try:
            with self._open_unit() as unit:
                present = unit.installations.present()
                if present is not None and present.restoration is not None:
                    # Made since the restoring: nothing of it can be older than what Meta shows.
                    run = replace(run, restoration=present.restoration.id)
                unit.runs.add(run)
                unit.observations.add_events(
                    [
                        event(
                            run,
                            now,
                            "submitted",
                            RunMessage.SUBMITTED(name=request.campaign_name),
                            actor=actor,
                        )
                    ]
                )
                enqueue_next(self._ticks, unit_of_work=unit, run=run, clock=self._clock)
                unit.commit()
        except ConflictError:
            return self._raced(request, key)
        return run

    def _raced(self, request: RunRequest, key: str | None) -> Run:
        """Another request with the same key was stored at the same moment: answer with its run."""
        earlier = self._earlier(request, key)
        if earlier is None:
            raise AutoPublisherError
        return earlier
