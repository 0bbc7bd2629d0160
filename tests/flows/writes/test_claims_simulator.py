"""Two products on one simulated ad account: the second makes nothing, and a run's money stays one installation's."""

import secrets
from copy import deepcopy
from datetime import timedelta

import pytest

from autopublisher.domain.access import Role
from autopublisher.domain.accounts.claims import CLAIM_MARK
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.accounts.watches import PROBLEM
from autopublisher.domain.ids import InstallationId, RunId
from autopublisher.domain.journal.operations import ObjectKind, OperationState
from autopublisher.domain.messages import Message
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig, TickDispatcher, build_orchestrator, build_watch
from autopublisher.flows.writes.claims import AccountClaims
from support.crashing_machine import START
from support.direct import DirectMachine
from support.simulated import ACT, brief_request
from support.wording import english

pytestmark = pytest.mark.slow


class ClaimedMachine(DirectMachine):
    """A machine that claims its account, as the product does."""

    name = "first"
    place = "file of the first"

    def start(self) -> None:
        super().start()
        with self.database.unit_of_work() as unit:
            unit.installations.add(Installation(InstallationId(self.name), START))
            unit.commit()
        known = (self.open_unit, self.meta, self.clock, self.place, self.pace.look)
        claims = AccountClaims(*known, nonce=lambda: secrets.token_hex(6))
        parts = (self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace)
        self.advance = TickDispatcher(
            build_orchestrator(*parts, claims=claims), build_watch(*parts, claims=claims)
        )

    def beside(self, name: str) -> "ClaimedMachine":
        """Return another installation over the same Meta."""
        other = ClaimedMachine.__new__(ClaimedMachine)
        other.name, other.place = name, f"file of {name}"
        ClaimedMachine.__init__(other, self.pace)
        other.simulator = self.simulator
        other.clock = self.clock
        other.start()
        return other

    def copied(self) -> "ClaimedMachine":
        """Return a copy of this database, with a process of its own over the same Meta."""
        other = self.beside("the copy")
        other.database.tables = deepcopy(self.database.tables)
        return other

    def approve(self, run_id: RunId) -> None:
        run = self.run(run_id)
        self.approvals.publish_winner(
            run_id, "manager", None if run.release.is_proven else "A", "as asked", role=Role.MANAGER
        )

    def submitted(self) -> RunId:
        return self.intake.submit(brief_request(), "tester").id

    def driven(self, run_id: RunId, *until: RunStatus, ticks: int = 60) -> RunStatus:
        for _ in range(ticks):
            run = self.tick(run_id)
            if run.status in until or run.is_final:
                return run.status
        return self.run(run_id).status

    def labels(self) -> list[str]:
        return [one.name for one in self.meta.find(ACT, ObjectKind.LABEL, CLAIM_MARK, ("name",))]


@pytest.fixture
def first() -> ClaimedMachine:
    return ClaimedMachine(EngineConfig(poll=timedelta(hours=8)))


def test_a_run_goes_through_under_one_claim(first: ClaimedMachine) -> None:
    assert first.driven(first.submitted(), RunStatus.WAITING_APPROVAL) is RunStatus.WAITING_APPROVAL
    assert len(first.labels()) == 1


def test_the_second_installation_makes_nothing_and_says_whom_it_met(first: ClaimedMachine) -> None:
    first.driven(first.submitted(), RunStatus.AB_TESTING)
    second = first.beside("second")
    run_id = second.submitted()
    made = len(first.simulator.state.nodes)
    second.driven(run_id, RunStatus.AB_TESTING, ticks=5)
    run = second.run(run_id)
    assert run.status is RunStatus.CREATING_CAMPAIGNS
    assert "installation first" in english(run.attention)
    with second.database.unit_of_work() as unit:
        rows = unit.journal.of_run(run_id)
    assert all(row.state is OperationState.INTENDED for row in rows)
    assert len(first.simulator.state.nodes) == made
    problem = Message.from_record(second.look().report["reconciliation"][PROBLEM])
    assert "installation first" in english(problem)


def test_a_copied_database_publishes_no_second_final_campaign(first: ClaimedMachine) -> None:
    run_id = first.submitted()
    first.driven(run_id, RunStatus.WAITING_APPROVAL)
    copy = first.copied()
    first.approve(run_id)
    assert first.driven(run_id) is RunStatus.COMPLETED
    made = len(first.simulator.state.nodes)
    copy.approve(run_id)
    assert copy.driven(run_id, ticks=12) is RunStatus.WAITING_APPROVAL  # held before anything is scaled
    assert copy.run(run_id).attention
    assert len(first.simulator.state.nodes) == made


def test_the_refused_can_still_be_cancelled(first: ClaimedMachine) -> None:
    first.driven(first.submitted(), RunStatus.AB_TESTING)
    second = first.beside("second")
    run_id = second.submitted()
    second.driven(run_id, RunStatus.AB_TESTING, ticks=3)
    second.approvals.cancel(run_id, "ana", "another installation has it")
    assert second.driven(run_id) is RunStatus.CANCELLED


def test_a_label_is_renamed_at_the_simulator(first: ClaimedMachine) -> None:
    first.driven(first.submitted(), RunStatus.AB_TESTING)
    before = first.labels()
    first.meta.close()
    first.start()
    first.driven(first.submitted(), RunStatus.AB_TESTING)
    assert len(first.labels()) == 1
    assert first.labels() != before
