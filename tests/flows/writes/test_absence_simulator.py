"""Creates whose answers are lost at a Meta that lists new objects late: found again, and never made twice."""

import pytest

from autopublisher.domain.runs.run import RunStatus
from support.simulated import Machine

pytestmark = pytest.mark.slow  # whole runs over the simulator


@pytest.mark.parametrize("edge", ["campaigns", "adsets", "ads"])
def test_a_create_that_meta_lists_only_after_five_minutes_is_not_made_again(
    machine: Machine, edge: str
) -> None:
    machine.fault(kind="read_lag", seconds=300, match={"method": "GET"})
    machine.fault(kind="commit_then_timeout", match={"method": "POST", "path_regex": f"/{edge}$"})
    run = machine.drive(machine.submit(), RunStatus.AB_TESTING)
    assert run.status is RunStatus.AB_TESTING, run.ending.why
    assert len(machine.objects(edge.removesuffix("s"))) == 2
