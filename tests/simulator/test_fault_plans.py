"""Planning faults: at rates, by seed, limited, from a scenario and from a command line; and the log of what happened."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from metasim import SimulatorConfig
from metasim.engine import Simulator
from metasim.faults import KINDS, read_fault
from metasim.page import Table, page
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser, RefusedError

LOOKS = 200


def outcomes(advertiser: Advertiser, count: int = LOOKS) -> list[bool]:
    """Look at the account so often; tell which looks were disturbed."""
    found = []
    for _ in range(count):
        try:
            advertiser.get(ACCOUNT)
            found.append(False)
        except RefusedError:
            found.append(True)
    return found


def planned(**plan: Any) -> Advertiser:
    advertiser = Advertiser()
    advertiser.simulator.faults.plan({"kind": "transient", **plan})
    return advertiser


def test_a_rate_disturbs_about_that_share_of_requests() -> None:
    assert 0.05 < sum(outcomes(planned(rate=0.1), 1000)) / 1000 < 0.15


def test_the_same_seed_disturbs_the_same_requests() -> None:
    assert outcomes(planned(rate=0.3)) == outcomes(planned(rate=0.3))


def test_another_seed_disturbs_others() -> None:
    assert outcomes(planned(rate=0.3, seed=1)) != outcomes(planned(rate=0.3, seed=2))


def test_two_plans_at_a_rate_are_independent() -> None:
    advertiser = planned(rate=0.5)
    advertiser.simulator.faults.plan({"kind": "unknown_error", "rate": 0.5})
    outcomes(advertiser)
    assert {entry["kind"] for entry in advertiser.simulator.faults.log} == {"transient", "unknown_error"}


def test_times_limit_what_comes_at_a_rate() -> None:
    assert sum(outcomes(planned(rate=0.5, times=3))) == 3


def test_a_rate_has_no_limit_of_its_own_and_counts_only_what_comes_after() -> None:
    found = outcomes(planned(rate=1, after=10))
    assert (found[:10], found[10:]) == ([False] * 10, [True] * (LOOKS - 10))


def test_forever_is_a_number_of_times() -> None:
    assert all(outcomes(planned(times="forever")))


def test_what_happened_is_logged_with_plan_request_and_moment() -> None:
    advertiser = planned(after=1)
    outcomes(advertiser, 3)
    (entry,) = advertiser.simulator.faults.log
    assert entry == {
        "number": 1,
        "fault": 1,
        "kind": "transient",
        "method": "GET",
        "path": ACCOUNT,
        "request": 2,
        "at": advertiser.moment(),
    }


def test_the_log_and_the_plans_can_be_read_at_their_address_and_on_the_page() -> None:
    with SimulatorThread(SimulatorConfig(faults=("transient:rate=1,path=^act_",))) as simulator:
        httpx2.get(f"{simulator.url}/v26.0/{ACCOUNT}", headers={"Authorization": "Bearer stub-token"})
        listing = httpx2.get(f"{simulator.url}/_sim/faults").json()
        shown = httpx2.get(f"{simulator.url}/_sim/").text
        assert '<a href="">Reload</a>' in shown
        assert "http-equiv" not in shown
    assert [(plan["rate"], plan["seen"], plan["fired"]) for plan in listing["data"]] == [(1, 1, 1)]
    assert [entry["path"] for entry in listing["log"]] == [ACCOUNT]
    assert "Faults that happened" in shown


def test_nothing_on_the_page_is_markup_that_somebody_sent() -> None:
    assert "<b>" not in page(
        "<b>", {"<b>": "<b>"}, [Table("<b>", [{"<b>": "<b>"}], ""), Table("", [], "<b>")]
    )


def test_plans_and_log_survive_a_restart_and_go_on_where_they_were(tmp_path: Path) -> None:
    whole = outcomes(planned(rate=0.3), 40)
    config = SimulatorConfig(state_path=tmp_path / "state.db", faults=("transient:rate=0.3",))
    first = Advertiser(config)
    before = outcomes(first, 20)
    first.simulator.close()
    second = Advertiser(config)
    assert before + outcomes(second, 20) == whole
    assert [entry["number"] for entry in second.simulator.faults.log] == [*range(1, sum(whole) + 1)]
    assert len(second.simulator.faults.faults) == 1
    second.simulator.close()


SCENARIO = """
[[accounts]]
id = "act_123456789"

[[fault]]
kind = "throttle"
rate = 1
code = 613
match = { method = "GET", path_regex = "^act_" }
"""


def test_a_scenario_may_plan_faults(tmp_path: Path) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(SCENARIO, "utf-8")
    with pytest.raises(RefusedError) as refused:
        Advertiser(SimulatorConfig(scenario=str(file))).get(ACCOUNT)
    assert refused.value.codes == (613, 1487742)


TEXTS: dict[str, dict[str, Any]] = {
    "slow": {"kind": "slow"},
    "throttle:rate=0.1,path=/ads$": {"kind": "throttle", "rate": 0.1, "match": {"path_regex": "/ads$"}},
    "html_502:commit=true,method=POST,times=2": {
        "kind": "html_502",
        "commit": True,
        "times": 2,
        "match": {"method": "POST"},
    },
    '{"kind": "slow", "match": {"path_regex": "a{1,2}"}}': {
        "kind": "slow",
        "match": {"path_regex": "a{1,2}"},
    },
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_fault_can_be_written_on_a_command_line(text: str) -> None:
    assert read_fault(text) == TEXTS[text]


REFUSED: dict[str, dict[str, Any]] = {
    "an unknown key": {"kind": "throttle", "rates": 0.1},
    "an unknown match": {"kind": "throttle", "match": {"path": "ads"}},
    "a rate of nothing": {"kind": "throttle", "rate": 0},
    "a rate above all": {"kind": "throttle", "rate": 1.1},
    "a broken pattern": {"kind": "throttle", "match": {"path_regex": "("}},
    "a reason Meta does not know": {"kind": "token_invalid", "subcode": 1},
    "a permission Meta does not know": {"kind": "permission_lost", "code": 1},
    "a share above all": {"kind": "partial_list", "share": 2},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_plan_that_would_not_do_what_it_says_is_refused(case: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Advertiser().simulator.faults.plan(REFUSED[case])


@pytest.mark.parametrize("text", ["throttle:rate", "earthquake", "{"])
def test_a_command_line_nobody_understands_keeps_the_simulator_from_starting(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Simulator(SimulatorConfig(faults=(text,)))


def test_every_kind_can_be_planned_by_its_name_alone() -> None:
    book = Advertiser().simulator.faults
    assert [book.plan({"kind": kind}).kind for kind in KINDS] == list(KINDS)
