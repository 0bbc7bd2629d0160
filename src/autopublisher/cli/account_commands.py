"""All commands on ad accounts: those of its modules, which add themselves to the group when they are loaded."""

from autopublisher.cli import account_memory, account_set
from autopublisher.cli.registry import account_app

__all__ = ["account_app", "account_memory", "account_set"]
