"""Names of the loggers that have files of their own."""

from typing import Final

REQUESTS_LOGGER: Final = "autopublisher.requests"
