"""The signal by which a phase ends its run: everything of ours is then stopped before the run is FAILED."""


class RunFailed(Exception):  # noqa: N818 - an outcome of the run, handled by the orchestrator
    """The run cannot succeed any more; the text says why, for people."""
