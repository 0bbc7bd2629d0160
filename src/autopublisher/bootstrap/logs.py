"""Log configuration: JSON, one object a line, into the data folder; the terminal stays quiet."""

import logging
from collections.abc import Sequence
from pathlib import Path

import structlog

from autopublisher.adapters.private_files import private_folder
from autopublisher.api.loggers import REQUESTS_LOGGER
from autopublisher.bootstrap.log_files import BoundedLog, RepeatFilter
from autopublisher.bootstrap.private_home import unusable_home
from autopublisher.domain.faults import Fault

LOG_FILE = "autopublisher.log"
REQUESTS_FILE = "requests.log"

_OURS = "autopublisher"
_NOISY = ("httpx2", "httpcore2", "urllib3", "alembic", "uvicorn.access")
"""Libraries whose INFO lines repeat what we log, or name addresses nobody needs to read."""


def log_to_file(home: Path, level: str) -> Path:
    """Send everything logged here to the data folder's log file, and return its path; raises ConfigurationError."""
    path = home / LOG_FILE
    try:
        private_folder(home)
        main, requests = BoundedLog(path), BoundedLog(home / REQUESTS_FILE)
    except OSError as error:
        fault = Fault.HOME_UNWRITABLE(home=str(home), why=str(error.strerror))
        if isinstance(error, IsADirectoryError):
            fault = Fault.LOG_IS_FOLDER(home=str(home), path=str(error.filename))
        raise unusable_home(fault) from error
    _log_with(main, level)
    _log_requests(requests)
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
    handler.setFormatter(_formatter(shared))
    handler.addFilter(RepeatFilter())
    _replace_handler(logging.getLogger(), handler)
    logging.getLogger().setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
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


def _log_requests(handler: logging.Handler) -> None:
    """Give requests a file of their own: whoever asks without end must not rotate away what matters."""
    handler.setFormatter(_formatter([]))
    logger = logging.getLogger(REQUESTS_LOGGER)
    logger.propagate = False
    _replace_handler(logger, handler)


def _formatter(foreign: Sequence[structlog.typing.Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _replace_handler(logger: logging.Logger, handler: logging.Handler) -> None:
    handler.set_name(_OURS)
    for present in [one for one in logger.handlers if one.get_name() == _OURS]:
        logger.removeHandler(present)
        present.close()
    logger.addHandler(handler)
