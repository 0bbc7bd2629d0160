"""A simulator of Meta's Marketing API: the stub world of the product, sharing no code with it."""

from metasim.app import create_app
from metasim.config import SimulatorConfig

__all__ = ["SimulatorConfig", "create_app"]
