"""One installation as a user runs it: ``autopublisher serve`` as a process, spoken to over HTTP, killed, started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx2

from support.pictures import picture

PASSWORD = "correct horse battery staple"
START_SECONDS = 60.0
COMMAND_SECONDS = 120.0
EXAMPLE = Path(__file__).parents[2] / "examples" / "request_example.json"
DEFAULTS: dict[str, Any] = {
    "page_id": "1001",
    "instagram_user_id": "17841400000000001",
    "pixel_id": "2001",
    "conversion_event": "PURCHASE",
    "link_url": "https://shop.example.com/offer",
    "call_to_action": "SHOP_NOW",
    "dsa_beneficiary": "Shop",
    "dsa_payor": "Shop",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Installation:
    """A home folder, a database, and the server process over them; ``served_by`` is what Python runs as the server."""

    start_seconds = START_SECONDS
    command_seconds = COMMAND_SECONDS

    def __init__(
        self,
        home: Path,
        database_url: str | None = None,
        served_by: Sequence[str] = ("-m", "autopublisher", "serve"),
        **variables: str,
    ) -> None:
        self.home = home
        self._served_by = served_by
        self.port = free_port()
        self.kills = 0
        self.token = ""
        self._process: subprocess.Popen[bytes] | None = None
        named = {name: value for name, value in os.environ.items() if not name.startswith(("META_", "STUB_"))}
        self.environment = named | {
            "AUTO_PUBLISHER_HOME": str(home),
            "AUTO_PUBLISHER_PORT": str(self.port),
            "META_API_MODE": "stub",
            "STUB_CLOCK": "jump",
            **({} if database_url is None else {"DATABASE_URL": database_url}),
            **variables,
        }

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        self.command("user", "add", "admin", "--role", "admin", "--password-stdin", text=PASSWORD)
        self.command("user", "add", "manager", "--role", "manager", "--password-stdin", text=PASSWORD)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop the server, and the simulator that a killed one has left."""
        self.stop()
        announced = self.home / "simulator.json"
        if announced.exists():
            os.kill(int(json.loads(announced.read_text("utf-8"))["pid"]), signal.SIGTERM)

    def command(self, *arguments: str, text: str = "") -> str:
        """Run a command of the product and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "autopublisher", *arguments],
            input=text.encode(),
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            check=False,
            timeout=self.command_seconds,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    # --- the process ------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        log = (self.home / "serve.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, *(one.format(port=self.port) for one in self._served_by)],
            env=self.environment,
            cwd=self.home,
            stdout=log,
            stderr=log,
        )
        log.close()
        deadline = time.monotonic() + self.start_seconds
        while not self._answers():
            assert self._process.poll() is None, (self.home / "serve.log").read_text("utf-8")
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a crash would: at once, with nothing put in order."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.kills += 1

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/meta/autopilot/health", timeout=2, trust_env=False).is_success
        except httpx2.HTTPError:
            return False

    # --- over HTTP --------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sign_in(self, name: str) -> dict[str, str]:
        answer = self.call("POST", "/auth/token", json={"username": name, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = httpx2.request(method, f"{self.url}{path}", timeout=60, trust_env=False, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def brief_request(self) -> dict[str, Any]:
        """Register the demo account and two images, and return the brief's request with their ids."""
        admin = self.sign_in("admin")
        account = self.call(
            "POST", "/meta/accounts", headers=admin, json={"act_id": "act_123456789", "defaults": DEFAULTS}
        )
        creatives = [
            self.call(
                "POST",
                "/meta/creatives",
                headers=admin,
                data={"meta_account_id": account["id"], "name": f"Creative {number}"},
                files={"file": (f"{number}.png", picture(number), "image/png")},
            )["id"]
            for number in (1, 2)
        ]
        request: dict[str, Any] = json.loads(EXAMPLE.read_text("utf-8"))
        return request | {"meta_account_id": account["id"], "creative_ids": creatives}

    # --- what Meta holds --------------------------------------------------------------------------

    def simulator(self, path: str, **query: str) -> Any:
        found = json.loads((self.home / "simulator.json").read_text("utf-8"))
        url, headers = found["url"].rstrip("/"), {"Authorization": f"Bearer {found['token']}"}
        asked = httpx2.get(f"{url}/_sim/{path}", params=query, headers=headers, timeout=30, trust_env=False)
        return asked.json()
