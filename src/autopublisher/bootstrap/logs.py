"""Where log lines go: as JSON, one object a line, into the data folder; the terminal stays quiet."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from autopublisher.domain.errors import ConfigurationError

LOG_FILE = "autopublisher.log"
LARGEST_BYTES = 10_000_000
KEPT_FILES = 3

_OURS = "autopublisher"
_NOISY = ("httpx2", "httpcore2", "urllib3", "alembic", "uvicorn.access")
"""Libraries whose INFO lines repeat what we log, or name addresses nobody needs to read."""


def log_to_file(home: Path, level: str) -> Path:
    """Send everything logged here to the data folder's log file, and return its path; raises ConfigurationError."""
    path = home / LOG_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        unusable = ConfigurationError(
            name="AUTO_PUBLISHER_HOME", reason=f"{home} cannot be written ({error.strerror})."
        )
        unusable.remedy = (
            "Name a folder this user may write, for example: export AUTO_PUBLISHER_HOME=$HOME/.autopublisher"
        )
        raise unusable from error
    handler = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
    _log_with(handler, level)
    return path


def log_to_terminal(level: str) -> None:
    """Send everything logged here to standard error, for what has to be done where no file can be written."""
    _log_with(logging.StreamHandler(), level)


def _log_with(handler: logging.Handler, level: str) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    _replace_handlers(handler, level)
    logging.captureWarnings(capture=True)  # a library's warning belongs in the log, not between our lines
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _replace_handlers(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    handler.set_name(_OURS)
    for present in [one for one in root.handlers if one.get_name() == _OURS]:
        root.removeHandler(present)
        present.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
