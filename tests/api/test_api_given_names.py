"""What people name, link to and spend is refused where it could not be read, clicked or meant."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.adapters.memory.work import MemoryTickQueue
from autopublisher.api.exact_json import read_json
from autopublisher.api.schemas import RunRequestIn
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.errors import InvalidRequestError
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.flows.requests.intake import Intake, IntakeLimits
from autopublisher.flows.requests.people import People

Headers = dict[str, str]
UNREADABLE = ["summer\u202egnirps", "\u200b\u200d", "\u3164", "a\u2028b", "\u2066x\u2069"]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 24


@pytest.fixture
def admin(bearer: Callable[[Role], Headers]) -> Headers:
    return bearer(Role.ADMIN)


def fields_of(answer: Any) -> tuple[int, list[str]]:
    return answer.status_code, [one["field"] for one in answer.json()["errors"]]


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_campaign_has_a_readable_name(
    client: TestClient, manager: Headers, body: dict[str, Any], name: str
) -> None:
    answer = client.post("/meta/autopilot/run", json=body | {"campaign_name": name}, headers=manager)
    assert fields_of(answer) == (422, ["campaign_name"])


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_account_has_a_readable_name(client: TestClient, admin: Headers, name: str) -> None:
    answer = client.post("/meta/accounts", json={"act_id": "act_123456789", "name": name}, headers=admin)
    assert fields_of(answer) == (422, ["name"])


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_creative_has_a_readable_name(
    client: TestClient, admin: Headers, account: Account, name: str
) -> None:
    form = {"meta_account_id": account.id, "name": name}
    answer = client.post("/meta/creatives", data=form, files={"file": ("a.png", PNG)}, headers=admin)
    assert fields_of(answer) == (422, ["name"])


@pytest.mark.parametrize("name", UNREADABLE)
def test_people_and_tokens_have_readable_names(people: People, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        people.add_user(name, "correct horse battery", Role.VIEWER)
    with pytest.raises(InvalidRequestError):
        people.issue_token(people.user("admin"), name, None)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "ftp://shop.example.com", "//shop"]
)
def test_an_accounts_link_is_a_web_address(
    client: TestClient, admin: Headers, account: Account, link: str
) -> None:
    defaults = {"defaults": {"link_url": link}}
    changed = client.patch(f"/meta/accounts/{account.id}", json=defaults, headers=admin)
    assert fields_of(changed) == (422, ["defaults.link_url"])
    made = client.post("/meta/accounts", json={"act_id": "act_5"} | defaults, headers=admin)
    assert fields_of(made) == (422, ["defaults.link_url"])


def total(body: dict[str, Any], amount: int) -> dict[str, Any]:
    return body | {"budget_config": body["budget_config"] | {"total_budget": amount}}


def test_a_slip_of_the_keyboard_is_no_budget(
    client: TestClient, manager: Headers, body: dict[str, Any]
) -> None:
    answer = client.post("/meta/autopilot/run", json=total(body, 10_001), headers=manager)
    assert fields_of(answer) == (422, ["budget_config.total_budget"])
    assert answer.json()["detail"] == "10,001.00 EUR is above 10,000.00 EUR, the most one run may cost here."
    assert client.post("/meta/autopilot/run", json=total(body, 10_000), headers=manager).status_code == 202


def test_who_means_it_sets_the_limit(
    database: MemoryDatabase,
    meta: MemoryMetaAds,
    clock: ManualClock,
    ticks: MemoryTickQueue,
    body: dict[str, Any],
) -> None:
    limits = IntakeLimits(spend=InstallationLimits(run={"EUR": 2_000_000}))
    intake = Intake(database.unit_of_work, meta, clock, ticks, limits)
    asked = read_json(json.dumps(total(body, 15_000)).encode())
    assert intake.submit(RunRequestIn.model_validate(asked).to_domain(), "ana").request.budget_config
