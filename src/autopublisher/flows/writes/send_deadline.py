"""Send deadline: a write is held back if its worker froze between marking it sent and sending it.

Whoever replaces that worker looks for the object, and believes it absent once nothing that was sent can land any more
(``domain.accounts.stops.LANDS_WITHIN``). That holds only if what leaves at all leaves soon after its row has become SENT.
"""

from autopublisher.domain.journal.write_messages import WriteMessage
from autopublisher.ports.clock import Stopwatch
from autopublisher.ports.meta.writing import LastCheck

SEND_WITHIN_SECONDS = 5.0
"""Real seconds between the row's becoming SENT and the request: far more than a commit takes, far less than a take-over."""


class SendDeadlineExceeded(Exception):  # noqa: N818 - a signal that nothing was sent, handled by the executor
    """The request was held back: ``seconds`` had passed since its row was about to become SENT."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"held back {seconds:.1f} s after it was written down")
        self.seconds = seconds
        self.said = WriteMessage.TOO_LATE(seconds=round(seconds, 1))


def deadline_from_now(stopwatch: Stopwatch) -> LastCheck:
    """Return a check that raises SendDeadlineExceeded from SEND_WITHIN_SECONDS after now on."""
    began = stopwatch()

    def check() -> None:
        passed = stopwatch() - began
        if passed > SEND_WITHIN_SECONDS:
            raise SendDeadlineExceeded(passed)

    return check
