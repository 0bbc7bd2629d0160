"""Spend guard: an automated rule at Meta that pauses the final campaign once it has spent its budget.

It is a second guard, beside the spend cap or lifetime budget: it works when nothing of ours is running.
"""

from autopublisher.domain.journal.keys import OperationKey, Purpose
from autopublisher.domain.journal.naming import naming_token, tokenised
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationSpec
from autopublisher.domain.runs.final_campaign import part_of, published_keys, published_letters
from autopublisher.domain.runs.optimizer import FinalBudget
from autopublisher.domain.runs.plan import ref
from autopublisher.domain.runs.run import Run, Way

RULE_KEY = OperationKey(Purpose.RULE, kind=ObjectKind.CAMPAIGN.value).text
"""The journal key that creates the rule; no part of the final campaign, for it is never switched on like an ad."""


def rule_spec(run: Run, budget: FinalBudget) -> OperationSpec:
    """Return the write that creates the rule; Meta looks at it every half hour and compares minor units."""
    token = naming_token(run.id, RULE_KEY.replace("/", "."))
    filters = [
        {"field": "entity_type", "operator": "EQUAL", "value": "CAMPAIGN"},
        {
            "field": "id",
            "operator": "IN",
            "value": [ref(key) for key in published_keys(run, ObjectKind.CAMPAIGN)],
        },
        {"field": "time_preset", "operator": "EQUAL", "value": "LIFETIME"},
        {"field": "spent", "operator": "GREATER_THAN", "value": _most(run, budget)},
    ]
    params = {
        "name": tokenised(f"{run.request.campaign_name} - pause above {budget.total}", token),
        "evaluation_spec": {"evaluation_type": "SCHEDULE", "filters": filters},
        "execution_spec": {"execution_type": "PAUSE"},
        "schedule_spec": {"schedule_type": "SEMI_HOURLY"},
        "status": "ENABLED",
    }
    return OperationSpec(RULE_KEY, Action.CREATE, ObjectKind.RULE, params, token=token)


def _most(run: Run, budget: FinalBudget) -> int:
    """Return what a campaign may have spent at most, in minor units; of an arm with what its test has spent."""
    if run.release.way is Way.SCALED:
        return budget.total.minor
    parts = [part_of(run, letter) for letter in published_letters(run)]
    return max(part["total"] + part["before"] for part in parts)
