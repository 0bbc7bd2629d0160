"""Processes of the product that crash at an exact point, and whose successors go on with what they left.

Each life is forked from a server that has everything imported, so that a start costs little more than its database.
"""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from autopublisher.adapters.storage_obstore import ObstoreStorage
from autopublisher.bootstrap import Product
from autopublisher.bootstrap.database import opened_units
from autopublisher.bootstrap.logs import log_to_file
from autopublisher.bootstrap.product import Outside
from autopublisher.cli.signals import end_in_order_on_signals, serve_until_signal
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.settings import Settings, StubClock
from support.crashing_adapters import CrashingClient, CrashingSqlUnit
from support.crashing_machine import START, CrashPlan
from support.installation import DEFAULTS
from support.pictures import picture
from support.simulated import ACCOUNT, ACT, CREATIVES
from support.under_way import approve

PATIENCE_SECONDS = 120.0
HOUSEKEEPING = "autopublisher-"
"""How the names of threads begin that do something else than what is being killed."""


class ProcessKiller(CrashPlan):
    """Ends this process, as a power cut does, or freezes it, at the n-th moment of work; housekeeping is not counted."""

    def __init__(self, crash_at: int = 0, last_signal: int = signal.SIGKILL) -> None:
        super().__init__(crash_at)
        self._signal = last_signal

    def strike(self) -> None:
        if not threading.current_thread().name.startswith(HOUSEKEEPING):
            super().strike()

    def kill(self) -> None:
        os.kill(os.getpid(), self._signal)


@dataclass(frozen=True)
class World:
    """Where a product lives: its folder, its database, its Meta."""

    home: Path
    database_url: str
    graph_url: str
    runs_at_once: int = 5

    @property
    def settings(self) -> Settings:
        return Settings(
            auto_publisher_home=self.home,
            auto_publisher_max_concurrent_runs=self.runs_at_once,
            auto_publisher_poll_minutes=8 * 60,
            database_url=SecretStr(self.database_url),
            meta_graph_url=self.graph_url,
            stub_clock=StubClock.JUMP,
        )


class CrashingProduct(Product):
    """The product as it is assembled, over a client and units of work with crash points."""

    def __init__(self, world: World, crash_plan: CrashPlan) -> None:
        super().__init__(world.settings)
        self.crash_plan = crash_plan

    def _outside(self, undo: ExitStack) -> Outside:
        real = super()._outside(undo)
        meta = CrashingClient(self.meta_url, real.clock, lambda: self.crash_plan)
        undo.callback(meta.close)
        return replace(real, meta=meta, open_unit=lambda: CrashingSqlUnit(real.engine, self.crash_plan))

    def run(self, run_id: RunId) -> Run:
        with self.outside.open_unit() as unit:
            return unit.runs.get(run_id)


@dataclass(frozen=True)
class CrashCase:
    """A run to see to its end, and the moment of it at which the process dies; 0: none."""

    key: str
    request: RunRequest
    crash_at: int = 0


# --- within the process ------------------------------------------------------------------------------


def live(world: World, errands: Sequence[CrashCase], diary: Path) -> None:
    """See errands to their ends, one after the other, until death."""
    keep_quiet(world.home)
    with CrashingProduct(world, ProcessKiller()) as product:
        for crash_case in errands:
            product.crash_plan = ProcessKiller(crash_case.crash_at)
            run = seen_through(product, crash_case)
            note(
                diary,
                key=crash_case.key,
                run_id=run.id,
                status=run.status,
                moments=product.crash_plan.moments,
            )


def keep_quiet(home: Path) -> None:
    """Send everything this process says to files of its home, for its streams are the tests' own."""
    log_to_file(home, "INFO")
    said = os.open(home / "streams.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)


def seen_through(product: CrashingProduct, crash_case: CrashCase) -> Run:
    """Ask for the run (again, as somebody who got no answer does), approve it when it waits, return it ended."""
    run_id = product.services.intake.submit(crash_case.request, "manager", crash_case.key).id
    while not (run := product.run(run_id)).is_final:
        if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
            approve(product, run_id)
        time.sleep(0.05)
    return run


def work(world: World, freezes_at: int = 0) -> None:
    """Run ticks until a signal comes, as ``autopublisher worker`` does; freeze at the n-th moment (0: never)."""
    keep_quiet(world.home)
    end_in_order_on_signals()
    with CrashingProduct(world, ProcessKiller(freezes_at, signal.SIGSTOP)):
        serve_until_signal(lambda: None)


def note(diary: Path, **entry: Any) -> None:
    """Write a line that outlives the process."""
    with diary.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, default=str) + "\n")


# --- from outside ------------------------------------------------------------------------------------


def nursery() -> ForkServerContext:
    """Return the context whose processes are forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    # Not this module: the server's path has the product, and the libraries, but not the tests.
    context.set_forkserver_preload(["autopublisher.cli", "autopublisher.bootstrap.product", "dbos"])
    return context


@contextmanager
def alive(target: Any, *arguments: Any) -> Iterator[ForkServerProcess]:
    """Run a function in a process of its own; killed at the end of the block if it still lives."""
    process = nursery().Process(target=target, args=arguments)
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join(PATIENCE_SECONDS)


def entries(diary: Path) -> list[dict[str, Any]]:
    """Return what the lives have written."""
    if not diary.exists():
        return []
    return [json.loads(line) for line in diary.read_text("utf-8").splitlines()]


def is_stopped(process: ForkServerProcess) -> bool:
    """Tell whether a process is frozen."""
    state = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    return state == "T"


def wait_until(what: str, holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.05)


def lived(world: World, errands: Sequence[CrashCase], diary: Path) -> int:
    """Let processes live one after the other until all errands are done; return how many were killed."""
    kills, left = 0, list(errands)
    while left:
        with alive(live, world, left, diary) as process:
            process.join(PATIENCE_SECONDS)
            assert not process.is_alive(), f"still at {left[0].key}, moment {left[0].crash_at}"
        done = {entry["key"] for entry in entries(diary)}
        left = [crash_case for crash_case in left if crash_case.key not in done]
        if process.exitcode == 0:
            assert not left
            break
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        assert left[0].crash_at, f"{left[0].key} was killed by somebody else"
        kills += 1
        left[0] = replace(left[0], crash_at=0)
    return kills


def furnish(world: World, accounts: Sequence[tuple[AccountId, ActId, str, str]] = ()) -> None:
    """Prepare the database and register ad accounts (id, Meta's id, currency, time zone) with two creatives each."""
    world.home.mkdir(parents=True, exist_ok=True)
    # On PostgreSQL this is where earlier releases kept pictures, and where they must still be found.
    storage = ObstoreStorage.in_folder(world.settings.files_folder)
    with opened_units(world.database_url) as open_unit, open_unit() as unit:
        for account_id, act_id, currency, zone in accounts or ((ACCOUNT, ACT, "EUR", "Europe/Madrid"),):
            unit.accounts.add(
                Account(account_id, act_id, act_id, currency, zone, AdDefaults(**DEFAULTS), START)
            )
            for number in range(2):
                key = f"creatives/{account_id}-{number}"
                storage.write(key, picture(number))
                name = creative_of(account_id, number)
                unit.creatives.add(
                    Creative(name, account_id, f"Creative {number}", key, f"{number:064x}", START)
                )
        unit.commit()


def creative_of(account_id: AccountId, number: int) -> CreativeId:
    """Return the id of an account's n-th creative."""
    return (
        CREATIVES[number]
        if account_id == ACCOUNT
        else CreativeId(f"{account_id[:-6]}c{number}{account_id[-4:]}")
    )
