"""A backup put back on another machine while Meta went on: the real commands, two installations, one Meta."""

from pathlib import Path

import pytest

from autopublisher.bootstrap import Product, Work
from autopublisher.domain.ids import RunId
from autopublisher.domain.reconciliation.found import OLDER
from autopublisher.domain.runs.run import FINAL, Run, RunStatus
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.auditor import RemoteAuditor, assert_complete, assert_ended_right, objects
from support.command import CommandLine
from support.crashing_processes import World, furnish, wait_until
from support.simulated import brief_request
from support.under_way import approve
from support.wording import english

pytestmark = pytest.mark.slow


def world_in(folder: Path, auditor: RemoteAuditor) -> World:
    folder.mkdir()
    return World(folder, f"sqlite:///{folder / 'database.sqlite'}", auditor.url)


def variables_of(world: World) -> dict[str, str]:
    return {
        "AUTO_PUBLISHER_HOME": str(world.home),
        "DATABASE_URL": world.database_url,
        "META_GRAPH_URL": world.graph_url,
    }


def told(folder: Path, world: World, *arguments: str) -> str:
    """Run a command of the installation to its end, and return what it said."""
    done = CommandLine(folder).run(*arguments, **variables_of(world))
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def run_of(product: Product, run_id: RunId) -> Run:
    with product.outside.open_unit() as unit:
        return unit.runs.get(run_id)


def test_a_backup_put_back_elsewhere_has_its_run_held_until_a_person_speaks(tmp_path: Path) -> None:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        auditor = RemoteAuditor(simulator.url)
        office, refuge = (world_in(tmp_path / name, auditor) for name in ("office", "refuge"))
        backup = str(tmp_path / "kept.backup")
        furnish(office)
        with Product(office.settings, Work.HERE) as product:
            run_id = product.services.intake.submit(brief_request(), "manager").id
            wait_until("it waits", lambda: run_of(product, run_id).status is RunStatus.WAITING_APPROVAL)
            told(tmp_path, office, "backup", backup)
            approve(product, run_id)
            wait_until("it has ended", lambda: run_of(product, run_id).status in FINAL)
        made = {row["id"] for row in objects(auditor, run_id)}
        assert "Restored 1 run(s)" in told(tmp_path, refuge, "restore", backup, "--take-over")
        with Product(refuge.settings, Work.HERE) as product:
            approve(product, run_id)
            wait_until("it is held", lambda: OLDER in english(run_of(product, run_id).attention))
            assert {row["id"] for row in objects(auditor, run_id)} == made
            product.services.approvals.adopt(run_id, "manager")
            wait_until("it has ended", lambda: run_of(product, run_id).status in FINAL)
            run = run_of(product, run_id)
        assert {row["id"] for row in objects(auditor, run_id)} == made
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert_ended_right(auditor, run)
        assert_complete(auditor, run)
