"""A simulator of Meta's Marketing API: the stub world of the product, sharing no code with it."""

from autopublisher.simulator.app import create_app
from autopublisher.simulator.config import SimulatorConfig

__all__ = ["SimulatorConfig", "create_app"]
