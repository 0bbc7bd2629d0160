"""Approvals: the digest of what was approved, and whether the choice overrides the verdict."""

import hashlib
import json

from autopublisher.domain.journal.records import Decision
from autopublisher.domain.runs.run import Run

PROVING_KINDS = frozenset({"winner", "safe_pick"})
"""Kinds of verdict that prove what they name, as a stored decision writes them."""


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


def overrides_verdict(run: Run, named: str | None, variant: str) -> bool:
    """Tell whether releasing ``variant`` goes against the evidence: another one is ``named``, or it was proven worse."""
    return variant in run.trial.eliminated or named not in {None, variant}
