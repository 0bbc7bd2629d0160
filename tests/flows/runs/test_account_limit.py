"""The ad account's own spending limit at Meta: a run that it stops says so, waits, and publishes nothing it would stop."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import InvalidRequestError
from autopublisher.domain.meta.object_state import OFF
from autopublisher.domain.request.regional_rules import IDENTITIES
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.dispatcher import EngineConfig, build_watch
from autopublisher.flows.requests.exposure import Exposures
from autopublisher.flows.writes.money_gate import MoneyGate
from autopublisher.ports.work import Tick
from support.simulated import ACCOUNT, ACT, Machine, brief_request

pytestmark = pytest.mark.slow  # runs over the simulator

HOUSING = brief_request(special_ad_categories=("HOUSING",))


def limit(machine: Machine, major: int) -> None:
    """Set the account's own spending limit at the simulated Meta."""
    machine.sim("POST", f"accounts/{ACT}", json={"spend_cap": 100 * major})


def look(machine: Machine) -> None:
    """Have the account looked at."""
    parts = (machine.database.unit_of_work, machine.meta, machine.storage, machine.clock, machine.queue)
    watch = build_watch(*parts, EngineConfig())
    with machine.database.unit_of_work() as unit:
        version = getattr(unit.watches.get(ACT), "version", None)
    assert version is not None
    watch.look(Tick(None, version, ACT))


def test_a_test_larger_than_the_accounts_limit_is_refused(machine: Machine) -> None:
    limit(machine, 30)
    with pytest.raises(
        InvalidRequestError, match=r"problem\.account_limit .*left=30\.00 EUR needed=100\.00 EUR"
    ):
        machine.submit()


def test_a_test_that_stalls_at_the_accounts_limit_says_so(machine: Machine) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.AB_TESTING)
    limit(machine, 30)
    said: set[str] = set()
    while (run := machine.tick(run_id)).status is RunStatus.AB_TESTING:
        said.add(str(run.attention))
    assert str(machine.meta.account(ACT).limit_left) == "0.00 EUR"
    assert any(one.startswith("run.account_limit_short limit=30.00 EUR") for one in said)
    assert any(one.startswith("run.account_limit_reached limit=30.00 EUR") for one in said)
    told = [one for one in machine.view(run_id).events if one.tag.endswith(":not_delivering")]
    assert len(told) == 2, [one.message for one in told]


def test_a_winner_is_not_published_into_a_reached_limit_and_is_published_once_it_is_lifted(
    machine: Machine,
) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.WAITING_APPROVAL)
    limit(machine, 110)
    machine.approvals.publish_winner(run_id, "manager", variant="B")
    for _ in range(6):
        run = machine.tick(run_id)
    assert run.status is RunStatus.SCALING_BUDGET
    assert run.attention is not None
    assert run.attention.code == "run.account_limit_holds"
    assert [row for row in machine.objects("campaign") if row["status"] not in OFF] == []
    limit(machine, 0)
    assert machine.drive(run_id).status is RunStatus.COMPLETED


def test_the_exposure_says_how_the_account_stands_with_meta(machine: Machine) -> None:
    run_id = machine.submit()
    machine.drive(run_id, RunStatus.AB_TESTING)
    limit(machine, 600)
    with machine.database.unit_of_work() as unit:
        unit.watches.add(Watch(ACT, 1, machine.clock.now()))
        unit.commit()
    machine.clock.advance_to(machine.clock.now() + timedelta(hours=6))
    look(machine)
    (found,) = Exposures(machine.database.unit_of_work, machine.clock, MoneyGate()).of(ACCOUNT)
    billing = found.billing
    facts = machine.meta.account(ACT)
    assert billing is not None
    assert (str(billing.spend_cap), billing.status, billing.reached) == ("600.00 EUR", 1, False)
    assert (billing.amount_spent, billing.left) == (facts.amount_spent, facts.limit_left)


@pytest.mark.parametrize("countries", [("US",), ("US", "CA")])
def test_a_special_ad_category_is_taken_by_meta(machine: Machine, countries: tuple[str, ...]) -> None:
    target = replace(HOUSING.targeting_config, countries=countries)
    run_id = machine.submit(replace(HOUSING, targeting_config=target))
    run = machine.drive(run_id, RunStatus.AB_TESTING)
    assert run.status is RunStatus.AB_TESTING, run.ending.why


@pytest.mark.parametrize("country", ["TW", "SG", "TH"])
def test_an_ad_set_for_a_country_with_rules_of_its_own_is_taken_by_meta(
    machine: Machine, country: str
) -> None:
    identities = dict.fromkeys(IDENTITIES, "300000000000001")
    request = brief_request(ad=AdDefaults(regional_identities=identities))
    target = replace(request.targeting_config, countries=(country,))
    run = machine.drive(machine.submit(replace(request, targeting_config=target)), RunStatus.AB_TESTING)
    assert run.status is RunStatus.AB_TESTING, run.ending.why
