"""What every command begins with: the settings, the log file, and who is acting."""

import getpass

from autopublisher.bootstrap.logs import log_to_file
from autopublisher.settings import Settings


def settings_with_log() -> Settings:
    """Read the settings and send this process's log to the data folder; raises ConfigurationError."""
    settings = Settings.load()
    log_to_file(settings.home, settings.auto_publisher_log_level)
    return settings


def local_actor() -> str:
    """Return how a person at this machine's command line appears in the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "cli"
