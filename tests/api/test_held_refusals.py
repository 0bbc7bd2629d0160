"""The refusal of a sign-in is kept back; nothing else waits, and no crowd of refusals holds more than its share."""

from http import HTTPStatus

import anyio
import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from autopublisher.api.middleware import REFUSAL_SECONDS, SIGN_INS, HeldRefusals

REFUSED = HTTPStatus.TOO_MANY_REQUESTS


class Door:
    """An application that answers every request with one status, behind a wait that ends when it is told to."""

    def __init__(self, status: int, most: int = 400) -> None:
        self.waiting: list[float] = []
        self.told: list[int] = []
        self.ended = anyio.Event()
        self.app = HeldRefusals(self.answer, most, self.wait)
        self.status = status

    async def answer(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def wait(self, seconds: float) -> None:
        self.waiting.append(seconds)
        await self.ended.wait()

    async def ask(self, method: str = "POST", path: str = "/auth/token") -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.told.append(message["status"])

        async def receive() -> Message:
            return {"type": "http.request"}

        await self.app({"type": "http", "method": method, "path": path}, receive, send)


@pytest.mark.parametrize("path", ["/auth/token", "/login"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_refused_sign_in_has_its_answer_later(status: int, path: str) -> None:
    async def asked() -> None:
        door = Door(status)
        async with anyio.create_task_group() as group:
            group.start_soon(door.ask, "POST", path)
            await anyio.wait_all_tasks_blocked()
            least, most = REFUSAL_SECONDS
            assert [least <= one <= most for one in door.waiting] == [True]
            assert door.told == []
            door.ended.set()
        assert door.told == [status]

    anyio.run(asked)


@pytest.mark.parametrize(
    ("status", "method", "path"),
    [
        (200, "POST", "/auth/token"),
        (401, "POST", "/auth/token"),
        (303, "POST", "/login"),
        (429, "GET", "/login"),
        (503, "POST", "/meta/autopilot/stop"),
    ],
)
def test_nothing_else_waits(status: int, method: str, path: str) -> None:
    door = Door(status)
    anyio.run(door.ask, method, path)
    assert (door.waiting, door.told) == ([], [status])


def test_only_so_many_are_kept_back_at_once() -> None:
    async def asked() -> None:
        door = Door(REFUSED, most=3)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(door.ask)
            await anyio.wait_all_tasks_blocked()
            assert (len(door.waiting), door.told) == (3, [REFUSED] * 2)
            door.ended.set()
        assert door.told == [REFUSED] * 5
        await door.ask()
        assert len(door.waiting) == 4

    anyio.run(asked)


def test_one_that_goes_away_leaves_its_place() -> None:
    async def asked() -> None:
        door = Door(REFUSED, most=1)
        with anyio.CancelScope() as gone:
            async with anyio.create_task_group() as group:
                group.start_soon(door.ask)
                await anyio.wait_all_tasks_blocked()
                gone.cancel()
        door.ended.set()
        await door.ask()
        assert len(door.waiting) == 2

    anyio.run(asked)


@pytest.mark.parametrize(("method", "path"), sorted(SIGN_INS))
def test_people_sign_in_where_refusals_are_kept_back(client: TestClient, method: str, path: str) -> None:
    assert client.request(method, path).status_code not in {404, 405}
