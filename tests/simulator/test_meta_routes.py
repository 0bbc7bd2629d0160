"""Every address a client of the Marketing API may need is served: none is an unknown path."""

from pathlib import Path
from typing import Any

import pytest

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params, Reply
from metasim.testing import ACCOUNT, Advertiser

BUSINESS = "5001"
APP = "700000000000001"
DEMO = Path(__file__).parents[2] / "src/metasim/scenarios/demo.toml"


def open_firm(folder: Path) -> Advertiser:
    """Return a advertiser whose account belongs to a business."""
    text = DEMO.read_text("utf-8")
    path = folder / "business.toml"
    path.write_text(text, "utf-8")
    return Advertiser(SimulatorConfig(scenario=str(path)))


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Advertiser:
    return open_firm(tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="module")
def ids(firm: Advertiser) -> dict[str, str]:
    return furnish(firm)


def furnish(firm: Advertiser) -> dict[str, str]:
    """Make one of everything; return ids by the names the addresses use."""
    made = firm.split_test("AB")
    cells = [
        {"name": each, "treatment_percentage": 50, "adsets": [made[f"set {each}"]]} for each in ("A", "B")
    ]
    times = {"start_time": firm.moment(), "end_time": firm.moment(hours=24)}
    study = firm.post(f"{BUSINESS}/ad_studies", name="S", cells=cells, **times)["id"]
    ads = [{"adset_id": made["set A"], "name": "Later", "creative": {"creative_id": firm.creative()}}]
    rule = {
        "name": "R",
        "evaluation_spec": {
            "evaluation_type": "SCHEDULE",
            "filters": [{"field": "entity_type", "operator": "EQUAL", "value": "AD"}],
        },
        "execution_spec": {"execution_type": "NOTIFICATION"},
        "schedule_spec": {"schedule_type": "DAILY"},
    }
    return {
        "account": ACCOUNT,
        "business": BUSINESS,
        "app": APP,
        "campaign": made["campaign"],
        "adset": made["set A"],
        "ad": made["A"],
        "creative": firm.creative(),
        "label": firm.post(f"{ACCOUNT}/adlabels", name="L")["id"],
        "study": study,
        "set": firm.post(f"{ACCOUNT}/asyncadrequestsets", name="N", ad_specs=ads)["id"],
        "run": firm.post(f"{ACCOUNT}/insights")["report_run_id"],
        "rule": firm.post(f"{ACCOUNT}/adrules_library", **rule)["id"],
    }


READS = """
    me me/adaccounts me/permissions me/accounts debug_token
    {account} {account}/campaigns {account}/adsets {account}/ads {account}/adcreatives {account}/adimages
    {account}/advideos {account}/adlabels {account}/campaignsbylabels {account}/adsetsbylabels
    {account}/adsbylabels {account}/adcreativesbylabels {account}/insights {account}/minimum_budgets
    {account}/asyncadrequestsets {account}/adrules_library {account}/adrules_history
    {campaign} {campaign}/adsets {campaign}/ads {campaign}/insights {campaign}/ad_studies
    {adset} {adset}/ads {adset}/insights {adset}/ad_studies
    {ad} {ad}/insights {ad}/adcreatives {creative} {label}
    {business} {business}/ad_studies {study} {study}/cells
    {set} {set}/requests {run} {run}/insights {rule} {rule}/history
"""
WRITES = """
    {account} {account}/campaigns {account}/adsets {account}/ads {account}/adcreatives {account}/adimages
    {account}/advideos {account}/adlabels {account}/insights {account}/asyncadrequestsets
    {account}/async_batch_requests {account}/adrules_library
    {campaign} {campaign}/copies {campaign}/adlabels {campaign}/insights
    {adset} {adset}/copies {adset}/adlabels {adset}/insights
    {ad} {ad}/copies {ad}/adlabels {ad}/insights {creative} {creative}/adlabels
    {business}/ad_studies {study} {rule} {rule}/execute {app}/instruments
"""
DELETIONS = """
    {account}/campaigns {account}/adimages {label} {set} {rule} {study} {ad} {adset} {campaign} {creative}
"""


def ask(advertiser: Advertiser, method: str, path: str, **params: Any) -> Reply:
    call = Call(method, tuple(path.split("/")), Params(params), "v26.0", "stub-token", "http://sim")
    return advertiser.simulator.handle(call).reply


def is_unknown(reply: Reply) -> bool:
    """Tell whether an answer says that there is no such address."""
    error = reply.body.get("error", {}) if isinstance(reply.body, dict) else {}
    text = str(error.get("message", ""))
    return "is not served" in text or "nonexisting field" in text or error.get("error_subcode") == 33


@pytest.mark.parametrize("path", READS.split())
def test_an_address_can_be_read(firm: Advertiser, ids: dict[str, str], path: str) -> None:
    assert not is_unknown(ask(firm, "GET", path.format(**ids)))


@pytest.mark.parametrize("path", WRITES.split())
def test_an_address_can_be_written(firm: Advertiser, ids: dict[str, str], path: str) -> None:
    reply = ask(firm, "POST", path.format(**ids), execution_options=["validate_only"])
    assert not is_unknown(reply)


@pytest.mark.parametrize("path", DELETIONS.split())
def test_an_address_can_be_deleted(path: str, tmp_path: Path) -> None:
    advertiser = open_firm(tmp_path)
    assert not is_unknown(ask(advertiser, "DELETE", path.format(**furnish(advertiser))))


@pytest.mark.parametrize("name", ["batch", "asyncbatch"])
def test_the_root_takes_batches(firm: Advertiser, name: str) -> None:
    call = Call("POST", (), Params({name: "[]"}), "v26.0", "stub-token")
    assert not is_unknown(firm.simulator.handle(call).reply)


@pytest.mark.parametrize("path", ["dialog/oauth", "oauth/access_token"])
def test_logging_in_needs_no_token(firm: Advertiser, path: str) -> None:
    call = Call(
        "GET", tuple(path.split("/")), Params({"client_id": APP, "redirect_uri": "http://x"}), "v26.0"
    )
    reply = firm.simulator.handle(call).reply
    assert reply.status == 302 or reply.body["error"]["code"] == 100


@pytest.mark.parametrize("path", ["act_123456789/secrets", "{campaign}/secrets", "{adset}/cells"])
def test_what_does_not_exist_is_said_to_be_unknown(firm: Advertiser, ids: dict[str, str], path: str) -> None:
    assert is_unknown(ask(firm, "GET", path.format(**ids)))
