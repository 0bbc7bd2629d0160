"""Decisions of people on a run: approve a variant, adopt what Meta holds, or cancel.

Each only writes the row and nudges; a tick acts on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from autopublisher.domain.access import GRANTS, Permission, Role, allows
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    OverrideForbiddenError,
    Problem,
)
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import Message, remedied
from autopublisher.domain.reconciliation.able_arms import able_arms, was_freed
from autopublisher.domain.reconciliation.found import found_digest, found_in, found_names
from autopublisher.domain.runs.approvals import approval_digest, bet_of, named_by_verdict, overrides_evidence
from autopublisher.domain.runs.final_campaign import published_letters
from autopublisher.domain.runs.run import Approval, Control, Run, RunStatus, Way
from autopublisher.domain.runs.run_messages import RunEnd, RunMessage, ended_by
from autopublisher.flows.outcomes.steps import event
from autopublisher.flows.requests.refusals import Refusal
from autopublisher.flows.ticks import enqueue_next
from autopublisher.ports.clock import Clock
from autopublisher.ports.repositories import OpenUnitOfWork, UnitOfWork
from autopublisher.ports.work import TickQueue

_SEVERAL = 2


class Approvals:
    """Carries approvals, adoptions and cancellations into runs."""

    def __init__(self, open_unit: OpenUnitOfWork, clock: Clock, ticks: TickQueue) -> None:
        self._open_unit = open_unit
        self._clock = clock
        self._ticks = ticks

    def publish_winner(
        self,
        run_id: RunId,
        actor: str,
        variant: str | None = None,
        comment: str = "",
        *,
        digest: str | None = None,
        role: Role | None = None,
        way: Way = Way.SCALED,
    ) -> Run:
        """Release the winner, or the ``variant`` named, for publishing in some ``way``; returns the run.

        Where Meta has refused the final ad, it releases another variant instead, for the same final campaign.
        With ``Way.KEEP_ALL`` no variant is named: all go on that can. ``digest`` is what the approver was shown; a different
        one is refused. Repeating an approval that was given changes nothing. A choice that neither the verdict nor the money
        decision names, where one of them names any, is an override: it needs a ``role`` that may, and a ``comment``.
        Raises RunNotFoundError, ConflictError where the run is not waiting, InvalidRequestError where no winner was
        proven and no variant is named, the variant does not exist or the reason is missing, OverrideForbiddenError.
        """
        with self._open_unit() as unit:
            run = unit.runs.get(run_id)
            if run.release.approval is None or run.is_refused:
                self._check_current(unit, run)
            if run.release.approval is None and not run.is_refused:
                self._check_waiting(run, digest)
            chosen = self._chosen(unit, run, variant, way)
            if run.is_refused:
                self._check_other(unit, run, chosen, digest)
            elif run.release.approval is not None:
                return self._repeated(run, run.release.approval, chosen, variant, way)
            if not run.is_refused:
                _check_arms(unit, run, chosen, way)
            latest = unit.decisions.latest([run.id]).get(run.id)
            named, override = named_by_verdict(run, latest), overrides_evidence(run, latest, chosen)
            if override:
                _check_override(chosen, role, comment)
            now = self._clock.now()
            approval = Approval(chosen, actor, now, approval_digest(run), comment, override)
            proven = run.release.is_proven and not override and chosen is not None
            way = run.release.way if run.is_refused else way
            release = replace(run.release, approval=approval, winner=chosen, is_proven=proven, way=way)
            released = replace(run, release=release)
            if run.is_refused:
                released = replace(released, report=None, attention=None)
            facts = {
                "variant": chosen,
                "override": override,
                "verdict_names": named,
                "money_names": bet_of(latest),
            }
            facts |= {"comment": comment, "way": way.value}
            return self._nudge(
                unit, released, "approved", _release_text(released, approval), actor=actor, facts=facts
            )

    def adopt(self, run_id: RunId, actor: str, digest: str | None = None) -> Run:
        """Have a run whose database is older than Meta go on with what Meta holds of it; returns the run, still held.

        ``digest`` is what the person was shown; without one whatever is known to be there now is meant. Raises
        RunNotFoundError, and ConflictError where the run is not held or more has been found.
        """
        with self._open_unit() as unit:
            run = unit.runs.get(run_id)
            rows = unit.journal.of_run(run_id)
            if not found_in(rows) or run.is_ending or run.control is Control.CANCEL:
                raise ConflictError(*remedied(Refusal.NOT_HELD()))
            if digest is not None and digest != found_digest(rows):
                raise ConflictError(*remedied(Refusal.MORE_FOUND()))
            asked = replace(run, control=Control.ADOPT, control_by=actor, adopts=found_digest(rows))
            said = RunMessage.ADOPT_ASKED(actor=actor, found=tuple(found_names(rows)))
            return self._nudge(unit, asked, "adopt_asked", said, actor=actor)

    def cancel(self, run_id: RunId, actor: str, reason: str = "") -> Run:
        """Ask for the run to end with everything of ours off at Meta; returns the run, not yet ended.

        Raises RunNotFoundError, and ConflictError for a run that has ended.
        """
        with self._open_unit() as unit:
            run = unit.runs.get(run_id)
            if run.control is Control.CANCEL or run.status is RunStatus.CANCELLED:
                return run
            if run.is_final:
                raise ConflictError(*remedied(Refusal.RUN_ENDED(status=run.status.value)))
            why = ended_by(RunEnd.CANCELLED, RunEnd.CANCELLED_BECAUSE, actor, reason)
            return self._ended(unit, run, "cancel_asked", why, actor)

    def reject(self, run_id: RunId, actor: str, reason: str = "") -> Run:
        """Publish none of the variants of a run that waits for approval: it ends as a cancelled one does.

        Raises RunNotFoundError, and ConflictError where the run is not waiting, or has been approved already.
        """
        with self._open_unit() as unit:
            run = unit.runs.get(run_id)
            self._check_waiting(run, None)
            if run.release.approval is not None:
                raise ConflictError(*remedied(_already(run.release.approval)))
            why = ended_by(RunEnd.REJECTED, RunEnd.REJECTED_BECAUSE, actor, reason)
            return self._ended(unit, run, "rejected", why, actor)

    def _ended(self, unit: UnitOfWork, run: Run, action: str, why: Message, actor: str) -> Run:
        ending = replace(run.ending, why=run.ending.why or why)
        asked = replace(run, control=Control.CANCEL, control_by=actor, ending=ending)
        return self._nudge(unit, asked, action, asked.reason or why, actor=actor)

    def _chosen(self, unit: UnitOfWork, run: Run, variant: str | None, way: Way) -> str | None:
        letters = [one.letter for one in unit.records.variants(run.id)]
        names = {one.name: one.letter for one in unit.records.variants(run.id)}
        if way is Way.KEEP_ALL:
            if variant is not None:
                raise InvalidRequestError([Problem("variant_id", *remedied(Refusal.KEEPS_ALL()))])
            return None
        if variant is None and run.release.winner is None and run.status is RunStatus.WAITING_APPROVAL:
            raise InvalidRequestError(
                [Problem("variant_id", *remedied(_not_proven(run, letters)), "not_proven")]
            )
        if variant is None:
            return run.release.winner or ""
        letter = names.get(variant, variant.removeprefix(f"{run.id}:").strip().upper())
        if letter not in letters:
            raise InvalidRequestError(
                [
                    Problem(
                        "variant_id",
                        *remedied(Refusal.NO_SUCH_VARIANT(variant=variant, letters=tuple(letters))),
                    )
                ]
            )
        return letter

    def _repeated(self, run: Run, given: Approval, chosen: str | None, asked: str | None, way: Way) -> Run:
        """Return the run as it is; whoever names no variant means the verdict's, which an override has set aside."""
        means_verdicts = given.override and asked is None and way is not Way.KEEP_ALL
        if given.variant != chosen or way is not run.release.way or means_verdicts:
            raise ConflictError(*remedied(_already(given)))
        return run

    def _check_other(self, unit: UnitOfWork, run: Run, chosen: str | None, digest: str | None) -> None:
        """Let another variant take the place of the one that Meta has refused, if its ad fits into the same ad set."""
        variants = {variant.letter: variant for variant in unit.records.variants(run.id)}
        if run.release.way is not Way.SCALED or chosen is None:
            letters = ", ".join(published_letters(run))
            raise ConflictError(*remedied(Refusal.REFUSED_IN_PLACE(letter=letters)))
        if chosen == run.release.winner:
            raise ConflictError(*remedied(Refusal.FINAL_AD_REFUSED(letter=chosen)))
        shown = [variants[letter].placements for letter in (chosen, run.release.winner or chosen)]
        if shown[0] != shown[1]:
            raise ConflictError(*remedied(Refusal.SHOWN_ELSEWHERE(letter=chosen)))
        _check_digest(run, digest)

    def _check_waiting(self, run: Run, digest: str | None) -> None:
        if run.status is not RunStatus.WAITING_APPROVAL:
            raise ConflictError(*remedied(Refusal.NOT_WAITING(status=run.status.value)))
        if run.control is Control.CANCEL or run.ending.turned_to is not None:
            raise ConflictError(*remedied(Refusal.BEING_CANCELLED()))
        if run.release.expires_at is not None and self._clock.now() >= run.release.expires_at:
            raise ConflictError(*remedied(Refusal.TIME_TO_APPROVE_OVER()))
        _check_digest(run, digest)

    def _check_current(self, unit: UnitOfWork, run: Run) -> None:
        """Refuse a word on a plan that is not the latest: Meta is ahead of it."""
        if found_in(unit.journal.of_run(run.id)):
            raise ConflictError(*remedied(Refusal.RUN_HELD(older=RunMessage.IS_OLDER())))

    def _nudge(
        self,
        unit: UnitOfWork,
        run: Run,
        action: str,
        message: Message,
        *,
        actor: str,
        facts: Mapping[str, Any] | None = None,
    ) -> Run:
        """Save the wish under a new version and enqueue a tick for it at once."""
        now = self._clock.now()
        nudged = replace(run, version=run.version + 1, updated_at=now, next_tick_at=now)
        unit.runs.save(nudged, was=run.version)
        unit.observations.add_events([event(nudged, now, action, message, facts, actor=actor)])
        enqueue_next(self._ticks, unit_of_work=unit, run=nudged, clock=self._clock)
        unit.commit()
        return nudged


def _check_arms(unit: UnitOfWork, run: Run, letter: str | None, way: Way) -> None:
    """Refuse an arm in place that has to stay off, and keeping all where only one could go on."""
    rows = unit.journal.of_run(run.id)
    if way is Way.IN_PLACE and letter is not None and was_freed(rows, letter):
        raise ConflictError(*remedied(Refusal.ARM_WAS_FREED(letter=letter)))
    able = able_arms(run, rows, unit.records.objects(run.id)) if way is Way.KEEP_ALL else ()
    if way is Way.KEEP_ALL and len(able) < _SEVERAL:
        raise ConflictError(*remedied(Refusal.TOO_FEW_ARMS(able=", ".join(able) or "-")))


def _already(given: Approval) -> Message:
    """Return what is said to whoever approves something else than was approved."""
    if given.variant is None:
        return Refusal.KEPT_ALREADY(by=given.by)
    return Refusal.APPROVED_ALREADY(variant=given.variant, by=given.by)


def _check_override(variant: str | None, role: Role | None, comment: str) -> None:
    """Raise OverrideForbiddenError or InvalidRequestError unless this role may override and says why."""
    if role is None or not allows(role, Permission.WINNER_OVERRIDE):
        allowed = ", ".join(sorted(GRANTS[Permission.WINNER_OVERRIDE]))
        raise OverrideForbiddenError(
            variant=variant or Way.KEEP_ALL.value, role=role or "unknown", allowed=allowed
        )
    if not comment.strip():
        said = (
            Refusal.KEEPING_WITHOUT_REASON()
            if variant is None
            else Refusal.OVERRIDE_WITHOUT_REASON(letter=variant)
        )
        raise InvalidRequestError([Problem("comment", *remedied(said), "override_without_reason")])


def _release_text(run: Run, approval: Approval) -> Message:
    """Return the log's line on a release, with its reason; an override always has one."""
    if approval.variant is None:
        return _keeping_text(approval)
    given = {"actor": approval.by, "letter": approval.variant}
    if approval.override:
        return RunMessage.OVERRIDDEN(**given, comment=approval.comment)
    plain, because = (
        (RunMessage.APPROVED, RunMessage.APPROVED_BECAUSE)
        if run.release.is_proven
        else (RunMessage.APPROVED_UNPROVEN, RunMessage.APPROVED_UNPROVEN_BECAUSE)
    )
    return because(**given, comment=approval.comment) if approval.comment else plain(**given)


def _keeping_text(approval: Approval) -> Message:
    if not approval.comment:
        return RunMessage.KEPT_ALL(actor=approval.by)
    said = RunMessage.KEPT_ALL_OVERRIDING if approval.override else RunMessage.KEPT_ALL_BECAUSE
    return said(actor=approval.by, comment=approval.comment)


def _not_proven(run: Run, letters: Sequence[str]) -> Message:
    if run.release.leader is None:
        return Refusal.NOT_PROVEN(letters=tuple(letters))
    return Refusal.NOT_PROVEN_WITH_LEADER(letters=tuple(letters), leader=run.release.leader)


def _check_digest(run: Run, digest: str | None) -> None:
    if digest is not None and digest != approval_digest(run):
        raise ConflictError(*remedied(Refusal.OTHER_PLAN()))
