"""Accounts, creatives and signing in over HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message

from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account
from support.pictures import drawn

Headers = dict[str, str]
Bearer = Callable[[Role], Headers]
PNG, JPEG = drawn(600, 600, "PNG"), drawn(600, 600)


def upload(
    client: TestClient, headers: Headers, account: Account, content: bytes, **more: str | list[str]
) -> Any:
    return client.post(
        "/meta/creatives",
        headers=headers,
        data={"meta_account_id": account.id, "name": "Summer", **more},
        files={"file": ("summer.png", content, "application/octet-stream")},
    )


def test_an_account_is_registered_with_what_meta_says_of_it(client: TestClient, bearer: Bearer) -> None:
    answer = client.post("/meta/accounts", json={"act_id": "act_123456789"}, headers=bearer(Role.ADMIN))
    told = answer.json()
    assert answer.status_code == 201
    assert (told["name"], told["currency"], told["timezone"]) == ("Shop at Meta", "EUR", "Europe/Madrid")


def test_an_account_is_registered_once(client: TestClient, account: Account, bearer: Bearer) -> None:
    answer = client.post("/meta/accounts", json={"act_id": account.act_id}, headers=bearer(Role.ADMIN))
    assert answer.status_code == 409


@pytest.mark.parametrize("act_id", ["123", "act_", "act_12x", "act_1\n", ""])
def test_what_is_no_account_id_of_meta_is_refused(client: TestClient, bearer: Bearer, act_id: str) -> None:
    answer = client.post("/meta/accounts", json={"act_id": act_id}, headers=bearer(Role.ADMIN))
    assert answer.status_code == 422


def test_a_patch_changes_what_it_names_and_leaves_the_rest(
    client: TestClient, account: Account, bearer: Bearer
) -> None:
    changes = {"defaults": {"page_id": "1002", "call_to_action": None}}
    told = client.patch(f"/meta/accounts/{account.id}", json=changes, headers=bearer(Role.ADMIN)).json()
    defaults = told["defaults"]
    assert (defaults["page_id"], defaults["call_to_action"], defaults["pixel_id"]) == ("1002", None, "2001")


def test_an_account_that_meta_does_not_show_is_refused_by_field(client: TestClient, bearer: Bearer) -> None:
    answer = client.post("/meta/accounts", json={"act_id": "act_1"}, headers=bearer(Role.ADMIN))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "act_id")


def test_accounts_are_listed(client: TestClient, account: Account, bearer: Bearer) -> None:
    told = client.get("/meta/accounts", headers=bearer(Role.VIEWER)).json()
    assert [one["id"] for one in told["accounts"]] == [account.id]


@pytest.mark.parametrize(("content", "mime"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_an_image_is_known_by_its_content(
    client: TestClient, account: Account, manager: Headers, content: bytes, mime: str
) -> None:
    answer = upload(client, manager, account, content)
    assert (answer.status_code, answer.json()["mime_type"]) == (201, mime)


def test_what_is_no_image_is_refused(client: TestClient, account: Account, manager: Headers) -> None:
    answer = upload(client, manager, account, b"GIF89a")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_an_image")


def test_the_same_image_is_kept_once(client: TestClient, account: Account, manager: Headers) -> None:
    ids = {upload(client, manager, account, PNG).json()["id"] for _ in range(2)}
    assert len(ids) == 1


def test_a_form_field_that_does_not_exist_is_refused_with_those_that_do(
    client: TestClient, account: Account, manager: Headers
) -> None:
    answer = upload(client, manager, account, PNG, title="Summer, blue")
    assert (answer.status_code, answer.json()["detail"]) == (422, "title: There is no such field.")
    (told,) = answer.json()["errors"]
    assert (told["field"], told["code"]) == ("title", "unknown_field")
    assert told["remedy"].endswith("the form has file, meta_account_id, name.")
    listed = client.get(f"/meta/creatives?meta_account_id={account.id}", headers=manager).json()
    assert listed["creatives"] == []


def test_a_form_field_that_comes_twice_is_refused(
    client: TestClient, account: Account, manager: Headers
) -> None:
    answer = upload(client, manager, account, PNG, name=["Summer", "Winter"])
    (told,) = answer.json()["errors"]
    assert (answer.status_code, told["field"], told["remedy"]) == (422, "name", "Send it once.")


def test_an_image_above_metas_limit_is_refused(
    client: TestClient, account: Account, manager: Headers
) -> None:
    answer = upload(client, manager, account, PNG + b"\x00" * (30 * 1024 * 1024))
    assert answer.status_code == 413


def test_a_picture_that_meta_may_blur_is_warned_of(
    client: TestClient, account: Account, manager: Headers
) -> None:
    answer = upload(client, manager, account, drawn(50, 50))
    assert answer.status_code == 201
    assert "may blur or refuse it" in answer.json()["warnings"][0]
    assert upload(client, manager, account, PNG).json()["warnings"] == []


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Bearer nobody")]])
def test_an_upload_of_nobody_is_refused_unread(
    client: TestClient, headers: list[tuple[bytes, bytes]]
) -> None:
    form = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"30000000")]
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/meta/creatives", "headers": [*headers, *form]}
    rest = {
        "query_string": b"",
        "scheme": "http",
        "root_path": "",
        "client": ("10.0.0.1", 1),
        "server": ("x", 80),
    }

    async def ask() -> None:
        await client.app({**scope, **rest, "http_version": "1.1"}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 401


def test_whoever_may_not_upload_is_refused_before_the_body_is_looked_at(
    client: TestClient, bearer: Bearer
) -> None:
    headers = {**bearer(Role.VIEWER), "Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/meta/creatives", content=b"no form at all", headers=headers).status_code == 403


def test_a_body_far_above_metas_limit_is_not_read(
    client: TestClient, account: Account, manager: Headers
) -> None:
    assert upload(client, manager, account, b"\x00" * (32 * 1024 * 1024)).status_code == 413


def test_creatives_are_listed_by_account(client: TestClient, account: Account, manager: Headers) -> None:
    upload(client, manager, account, PNG)
    told = client.get(f"/meta/creatives?meta_account_id={account.id}", headers=manager).json()
    assert [one["name"] for one in told["creatives"]] == ["Summer"]


def test_creatives_of_an_unknown_account_are_404(client: TestClient, manager: Headers) -> None:
    assert client.get("/meta/creatives?meta_account_id=nothing", headers=manager).status_code == 404


def test_a_name_and_its_password_give_a_token_that_works(client: TestClient, manager: Headers) -> None:
    answer = client.post("/auth/token", json={"username": "manager", "password": "correct horse battery"})
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert client.get("/auth/me", headers=headers).json()["role"] == "manager"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    client: TestClient, manager: Headers
) -> None:
    answers = [
        client.post("/auth/token", json={"username": name, "password": "wrong"})
        for name in ("manager", "nobody")
    ]
    assert [one.status_code for one in answers] == [401, 401]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


@pytest.mark.slow
def test_guessing_is_slowed(client: TestClient) -> None:
    guesses = [client.post("/auth/token", json={"username": "x", "password": "y"}) for _ in range(6)]
    assert (guesses[-1].status_code, int(guesses[-1].headers["Retry-After"]) >= 1) == (429, True)


def test_the_password_is_not_repeated_in_an_error(client: TestClient) -> None:
    answer = client.post("/auth/token", json={"username": "x", "password": ["hunter2"]})
    assert "hunter2" not in answer.text


def test_an_admin_says_how_much_a_bet_without_a_person_may_be_expected_to_lose(
    client: TestClient, bearer: Bearer, account: Account
) -> None:
    admin = bearer(Role.ADMIN)
    path = f"/meta/accounts/{account.id}"
    assert client.get("/meta/accounts", headers=admin).json()["accounts"][0]["bet_loss_percent"] is None
    assert client.patch(path, json={"bet_loss_percent": 5}, headers=admin).json()["bet_loss_percent"] == 5
    assert client.patch(path, json={"daily_limit": 100}, headers=admin).json()["bet_loss_percent"] == 5
    refused = client.patch(path, json={"daily_limit": 200, "bet_loss_percent": 21}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "bet_loss_percent")
    assert client.get("/meta/accounts", headers=admin).json()["accounts"][0]["daily_limit"] == 100
    assert (
        client.patch(path, json={"bet_loss_percent": None}, headers=admin).json()["bet_loss_percent"] is None
    )
