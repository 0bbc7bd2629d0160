"""The signal by which a phase ends its run: everything of ours is then stopped before the run is FAILED."""

from autopublisher.domain.messages import Message


class RunFailed(Exception):  # noqa: N818 - an outcome of the run, handled by the orchestrator
    """The run cannot succeed any more; the message says why, for people."""

    def __init__(self, said: Message) -> None:
        super().__init__(str(said))
        self.said = said
