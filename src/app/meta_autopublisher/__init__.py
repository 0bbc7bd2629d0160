"""The brief's name for ``autopublisher``; ``--cov=app.meta_autopublisher`` measures that."""

from autopublisher import __version__

__all__ = ["__version__"]
