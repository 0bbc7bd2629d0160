"""What every command begins with: the settings, the log file, and who is acting."""

import getpass

from autopublisher.bootstrap.logs import log_to_file, log_to_terminal
from autopublisher.cli.output import tell
from autopublisher.domain.errors import ConfigurationError
from autopublisher.settings import LogLevel, Settings


def settings_with_log() -> Settings:
    """Read the settings and send this process's log to the data folder; raises ConfigurationError."""
    settings = Settings.load()
    log_to_file(settings.home, settings.auto_publisher_log_level)
    return settings


def settings_to_stop() -> Settings:
    """Read the settings for the kill switch, which works without a log as well."""
    settings = Settings.load()
    try:
        log_to_file(settings.home, settings.auto_publisher_log_level)
    except ConfigurationError as error:
        tell(f"{error.message} The log goes to the terminal.", style="yellow")
        log_to_terminal(LogLevel.WARNING)
    return settings


def local_actor() -> str:
    """Return how a person at this machine's command line appears in the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "cli"
