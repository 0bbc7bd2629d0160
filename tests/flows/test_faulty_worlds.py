"""Whole runs against a simulator that disturbs every tenth call: each ends right, and nothing is made twice or left on."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from metasim import SimulatorConfig
from metasim.faults import KINDS
from metasim.server import SimulatorThread
from support.simulated import Machine, make_machine
from support.staging import with_test
from support.wording import english

pytestmark = pytest.mark.slow  # runs over the simulator

TOTAL_MINOR = 50_000
PLAN = {"campaign": 3, "adset": 3, "ad": 3}
"""Two arms and the winner's final campaign."""

POST = {"method": "POST"}
SUDDEN = frozenset({"account_disabled", "ad_disapproved"})
"""Not passing faults: what becomes of a run then has tests of its own."""

DETAILS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.001},
    "stale_filter": {"seconds": 3600},
    "read_lag": {"seconds": 45},
}
SELDOM_MET = frozenset(
    {"empty_page_with_next", "partial_list", "stale_filter", "insights_restated", "flake_1487390"}
)
"""Kinds that concern few of a run's calls: they come more often, and lost answers give them lists to spoil."""

UNMET = frozenset({"report_failed", "report_skipped", "report_stuck"})
"""The product reads figures at once and starts no report."""
QUICK = ("commit_then_timeout", "partial_list")


@contextmanager
def world() -> Iterator[Machine]:
    with SimulatorThread(SimulatorConfig(scenario="demo", seed=7)) as simulator:
        machine = make_machine(simulator.url, EngineConfig(poll=timedelta(hours=8)))
        with closing(machine.meta), closing(machine.clock):
            yield machine


def lived(machine: Machine) -> Run:
    """Submit a run and drive it to its end."""
    return ended(machine, machine.run(machine.submit(with_test(settle_hours=6))))


def ended(machine: Machine, run: Run, ticks: int = 1500) -> Run:
    """Drive a run to its end, publishing B when asked."""
    for _ in range(ticks):
        if run.is_final:
            return run
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            machine.approvals.publish_winner(run.id, "manager", variant="B")
        run = machine.tick(run.id)
    raise AssertionError(f"{run.status} after {ticks} ticks: {run.attention}")


def made(machine: Machine) -> dict[str, int]:
    counted = Counter(row["kind"] for row in machine.objects())
    return {kind: counted[kind] for kind in PLAN}


def unaccounted(machine: Machine, run: Run) -> list[str]:
    """Return the ids of what is on at Meta and not confirmed in the run's journal."""
    with machine.database.unit_of_work() as unit:
        known = {row.meta_id for row in unit.journal.of_run(run.id)}
    on = [row["id"] for kind in PLAN for row in machine.objects(kind) if row["status"] == "ACTIVE"]
    return [each for each in on if each not in known]


def disturbed_run(kind: str) -> None:
    with world() as machine:
        seldom = kind in SELDOM_MET
        machine.fault(kind=kind, rate=0.5 if seldom else 0.1, **DETAILS.get(kind, {}))
        if seldom:
            machine.fault(kind="commit_then_timeout", match=POST, rate=0.2)
        run = lived(machine)
        assert kind in {entry["kind"] for entry in machine.sim("GET", "faults")["log"]}
        assert run.status in {RunStatus.COMPLETED, RunStatus.FAILED}, run.attention
        if run.status is RunStatus.COMPLETED:
            assert made(machine) == PLAN
        else:
            assert all(count <= PLAN[name] for name, count in made(machine).items())
        assert machine.exposure(run.id)["peak_total"] <= TOTAL_MINOR
        assert unaccounted(machine, run) == []


@pytest.mark.parametrize("kind", QUICK)
def test_a_run_survives_every_tenth_call(kind: str) -> None:
    disturbed_run(kind)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - SUDDEN - UNMET - set(QUICK)))
def test_a_run_survives_every_tenth_call_whatever_the_fault(kind: str) -> None:
    disturbed_run(kind)


HIDDEN = {
    "a filter that lags for an hour": {"kind": "stale_filter", "seconds": 3600},
    "lists of the account that never show an ad set or ad": {
        "kind": "partial_list",
        "share": 1,
        "times": None,
        "match": {"path_regex": r"/(adsets|ads)$"},
    },
    "empty pages before every list": {"kind": "empty_page_with_next", "rate": 0.5},
}


@pytest.mark.parametrize("name", HIDDEN)
def test_lists_that_do_not_show_a_new_object_do_not_make_it_twice(name: str) -> None:
    with world() as machine:
        machine.fault(kind="commit_then_timeout", match=POST, rate=0.4)
        machine.fault(**HIDDEN[name])
        run = lived(machine)
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert made(machine) == PLAN


def test_a_campaign_that_no_list_shows_for_long_is_made_twice_at_worst_and_never_switched_on_twice() -> None:
    with world() as machine:
        edge = {"path_regex": r"/campaigns$"}
        machine.fault(kind="commit_then_timeout", match={**POST, **edge})
        machine.fault(kind="partial_list", share=1, times=15, match={"method": "GET", **edge})
        run = lived(machine)
        assert run.status is RunStatus.COMPLETED, run.ending.why
        assert made(machine) == {**PLAN, "campaign": 4}
        assert len([row for row in machine.objects("campaign") if row["status"] == "ACTIVE"]) == 1
        assert len(said(machine, run, "duplicate_found")) == 1
        assert machine.exposure(run.id)["peak_total"] <= TOTAL_MINOR


def in_test(machine: Machine) -> Run:
    """Bring a run to the middle of its test, with the first figures read."""
    run_id = machine.submit(with_test(settle_hours=6))
    machine.drive(run_id, RunStatus.AB_TESTING)
    while (run := machine.run(run_id)).trial.starts_at is None:
        machine.tick(run_id)
    return run


def said(machine: Machine, run: Run, action: str) -> list[str]:
    with machine.database.unit_of_work() as unit:
        found = unit.observations.events(run.id)
    return [english(one.message) for one in found if one.tag.endswith(f":{action}")]


def test_an_ad_refused_in_the_middle_of_the_test_is_noticed_at_the_next_poll() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.tick(run.id)
        machine.fault(kind="ad_disapproved", ad="Variant A")
        run = machine.tick(run.id)
        assert (
            english(run.attention)
            == "Meta does not deliver test/a/ad (DISAPPROVED); the test goes on without"
        )
        assert said(machine, run, "not_delivering") == [english(run.attention)]
        machine.tick(run.id)
        assert len(said(machine, run, "not_delivering")) == 1


def test_an_account_disabled_in_the_middle_of_the_test_is_noticed_at_the_next_poll() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.fault(kind="account_disabled")
        run = machine.tick(run.id)
        assert run.attention is not None
        assert "account_status 2" in english(run.attention)


def test_a_run_of_a_disabled_account_asks_for_a_person_and_ends_when_it_is_back() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.fault(kind="account_disabled")
        for _ in range(12):
            run = machine.tick(run.id)
        assert (run.is_final, run.attention is not None) == (False, True)
        machine.sim("POST", "accounts/act_123456789", json={"account_status": 1})
        run = machine.drive(run.id, RunStatus.WAITING_APPROVAL)
        assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
        assert [row for row in machine.objects("campaign") if row["status"] == "ACTIVE"] == []


def test_a_run_waits_for_a_renewed_token_and_goes_on() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.fault(kind="token_expired", times=None)
        for _ in range(4):
            run = machine.tick(run.id)
        assert run.attention is not None
        assert "META_ACCESS_TOKEN" in english(run.attention)
        machine.sim("DELETE", "faults")
        run = ended(machine, run)
        assert (run.status, made(machine)) == (RunStatus.COMPLETED, PLAN), run.ending.why


def test_an_arm_missing_from_one_report_has_no_figures_there_instead_of_none_to_report() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.tick(run.id)
        hidden = {"kind": "partial_list", "share": 0.5, "match": {"path_regex": "insights$"}}
        machine.fault(**hidden, times=2)
        machine.tick(run.id)
        with machine.database.unit_of_work() as unit:
            snapshots = unit.observations.snapshots(run.id)
        assert all(one.figures.impressions > 0 for one in snapshots if one.at > snapshots[0].at)


def test_late_restatements_of_every_report_do_not_break_a_run() -> None:
    with world() as machine:
        machine.fault(kind="insights_restated", rate=1, share=0.05)
        run = lived(machine)
        assert run.status is RunStatus.COMPLETED, run.ending.why


def test_a_lost_permission_is_told_to_people_with_what_to_do() -> None:
    with world() as machine:
        run = in_test(machine)
        machine.fault(kind="permission_lost", times=None, code=294)
        run = machine.tick(run.id)
        assert "ads_management" in str(run.attention)
