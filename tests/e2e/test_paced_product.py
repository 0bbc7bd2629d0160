"""The product as it is assembled tells its like how near an account is to Meta's limits."""

from pathlib import Path

import pytest

from autopublisher.bootstrap import Product
from autopublisher.domain.runs.run import RunStatus
from autopublisher.ports.repositories import KeptPacing
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.crashing_processes import World, furnish, wait_until
from support.simulated import ACT, brief_request


@pytest.mark.slow
def test_a_worker_near_a_limit_keeps_the_pacing_in_the_database(tmp_path: Path) -> None:
    with SimulatorThread(SimulatorConfig(scenario="small", seed=7)) as simulator:
        world = World(tmp_path, f"sqlite:///{tmp_path}/product.db", simulator.url)
        furnish(world)
        with Product(world.settings) as product:
            run_id = product.services.intake.submit(brief_request(), "manager").id

            def status() -> RunStatus:
                with product.outside.open_unit() as unit:
                    return unit.runs.get(run_id).status

            def kept() -> KeptPacing | None:
                with product.outside.open_unit() as unit:
                    return unit.pacings.get(ACT)

            wait_until("the run is built", lambda: status() is RunStatus.AB_TESTING or kept() is not None)
            assert kept() is not None
