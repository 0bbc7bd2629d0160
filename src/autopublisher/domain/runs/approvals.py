"""Approvals: the digest of what was approved, and whether the choice overrides the verdict."""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from autopublisher.domain.journal.records import Decision
from autopublisher.domain.runs.run import Run

PROVING_KINDS = frozenset({"winner", "safe_pick"})
"""Kinds of verdict that prove what they name, as a stored decision writes them."""

_PUBLISH, _KEEP, _NOTHING = "publish", "keep_split", "spend_nothing"
"""The choices of a stored money decision that name a variant to be published, keep all, and advise against all."""


class Basis(StrEnum):
    """What the selection of a variant rests on.

    Proof; the money decision, or `decide` mode, which prove nothing; a person where the evidence named nobody, or against
    it.
    """

    PROVEN = "proven"
    MONEY_BET = "money_bet"
    BEST_BET = "best_bet"
    CHOICE = "choice"
    OVERRIDE = "override"


def approval_digest(run: Run) -> str:
    """Return what an approval is bound to: the run, its choice and its money, as a short SHA-256."""
    facts = {
        "run": run.id,
        "winner": run.release.winner,
        "leader": run.release.leader,
        "plan": run.plan_digest,
        "total": str(run.request.budget_config.total_budget),
        "scaling": str(run.request.budget_config.scaling_factor),
        "maximum": str(run.request.budget_config.max_daily_budget),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def named_by_verdict(run: Run, decision: Decision | None) -> str | None:
    """Return the variant that the latest verdict names as proven or as its best bet; None where it names nobody."""
    named: str | None = None if decision is None else json.loads(decision.verdict).get("winner")
    return named or (run.release.winner if run.release.is_proven else None)


def money_said(decision: Decision | None) -> Mapping[str, Any] | None:
    """Return the money decision kept beside a verdict as JSON values; None where there is none."""
    return None if decision is None or decision.money is None else json.loads(decision.money)


def bet_of(decision: Decision | None) -> str | None:
    """Return the variant that the money decision would publish; None where it would publish none."""
    said = money_said(decision)
    return str(said["variant"]) if said is not None and said["choice"] == _PUBLISH else None


def advises_to_keep_all(decision: Decision | None) -> bool:
    """Tell whether by the money decision nothing is worth more than an equal split of what is left."""
    said = money_said(decision)
    return said is not None and said["choice"] == _KEEP


def overrides_evidence(run: Run, decision: Decision | None, variant: str | None) -> bool:
    """Tell whether releasing ``variant``, or with None keeping all, goes against the evidence.

    It does where a variant was proven worse, where verdict or money decision name something else and not this, and where
    nothing is proven and spending nothing more is worth most.
    """
    named = {named_by_verdict(run, decision), bet_of(decision)} - {None}
    said, keeps = money_said(decision), advises_to_keep_all(decision)
    is_against_all = not named and said is not None and said["choice"] == _NOTHING
    if variant is None:
        return not keeps and (is_against_all or bool(named))
    is_other = variant not in named and (bool(named) or keeps)
    return variant in run.trial.eliminated or is_against_all or is_other


def basis_of(run: Run, decision: Decision | None) -> Basis | None:
    """Return what the selection of a variant rests on; None where none is selected."""
    chosen, given = run.release.winner, run.release.approval
    if chosen is None:
        return None
    if given is not None and given.override:
        return Basis.OVERRIDE
    if run.release.is_proven:
        return Basis.PROVEN
    if chosen == bet_of(decision):
        return Basis.MONEY_BET
    return Basis.BEST_BET if chosen == named_by_verdict(run, decision) else Basis.CHOICE
