"""Puts the simulator's two faces, Graph API and controls, into one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from metasim.config import SimulatorConfig
from metasim.control import control_routes
from metasim.engine import Simulator
from metasim.http import GraphEndpoint


def create_app(config: SimulatorConfig) -> Starlette:
    """Return the simulator as an ASGI application; `app.state.simulator` is the world behind it.

    Raises:
        FileNotFoundError: there is no such scenario.
        ValueError: the scenario or the saved state cannot be used.
    """
    simulator = Simulator(config)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        simulator.close()

    routes: list[Route | Mount] = [*control_routes(simulator), Mount("/", app=GraphEndpoint(simulator))]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.simulator = simulator
    return app
