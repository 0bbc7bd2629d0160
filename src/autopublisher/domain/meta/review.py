"""Meta's review of an ad, as its effective status tells it."""

IN_REVIEW = frozenset({"PENDING_REVIEW", "IN_PROCESS"})
"""Effective statuses of an ad that Meta has not looked at yet."""

BLOCKED = frozenset({"DISAPPROVED", "WITH_ISSUES", "PENDING_BILLING_INFO"})
"""Effective statuses of an ad that Meta does not deliver until somebody acts."""
