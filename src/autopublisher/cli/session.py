"""What every command begins with: the settings, the log file, and who is acting."""

import getpass

from autopublisher.bootstrap.logs import log_to_file, log_to_terminal
from autopublisher.bootstrap.private_home import own_home
from autopublisher.cli.language import language, worded
from autopublisher.cli.output import tell
from autopublisher.domain.errors import ConfigurationError
from autopublisher.messages import error_text
from autopublisher.settings import LogLevel, Settings, unread_env_file


def settings_with_log() -> Settings:
    """Read the settings and send this process's log to the data folder; raises ConfigurationError."""
    settings = Settings.load()
    open_home(settings)
    return settings


def open_home(settings: Settings) -> None:
    """Have the data folder be its owner's alone, and send this process's log there; raises ConfigurationError."""
    found = own_home(settings)
    log_to_file(settings.home, settings.auto_publisher_log_level)
    for path in found.closed:
        tell(worded("closed_to_others", path=str(path)), style="yellow")
    for path in found.left_open:
        tell(worded("open_to_others", path=str(path)), style="yellow")
    unread = unread_env_file()
    if unread is not None:
        tell(
            worded("env_file_unread", unread=str(unread)),
            style="yellow",
        )


def settings_to_stop() -> Settings:
    """Read the settings for the kill switch, which works without a log as well."""
    settings = Settings.load(needs_key=False)
    try:
        open_home(settings)
    except ConfigurationError as error:
        tell(worded("log_to_terminal", problem=error_text(error, language())), style="yellow")
        log_to_terminal(LogLevel.WARNING)
    return settings


def local_actor() -> str:
    """Return how a person at this machine's command line appears in the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "cli"
