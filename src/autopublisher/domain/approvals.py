"""What a person approves, in one short word: the choice and the money that the approval is for."""

import hashlib
import json

from autopublisher.domain.run import Run


def approval_digest(run: Run) -> str:
    """Return what an approval is bound to: the run, its choice and its money, as a short SHA-256."""
    facts = {
        "run": run.id,
        "winner": run.winner,
        "leader": run.leader,
        "plan": run.plan_digest,
        "total": str(run.request.budget_config.total_budget),
        "scaling": str(run.request.budget_config.scaling_factor),
        "maximum": str(run.request.budget_config.max_daily_budget),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
