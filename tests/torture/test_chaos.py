"""Three workers on one PostgreSQL, killed and frozen by chance, over a Meta where one call in ten goes wrong.

Many runs over six accounts; half of them wait for a person. Whatever happens to the workers, every run ends right.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

import pytest

from autopublisher.adapters.work_dbos_lease import FROZEN_AFTER_SECONDS
from autopublisher.bootstrap import Product, Work
from autopublisher.domain.access import Role
from autopublisher.domain.errors import ConflictError, StaleRunError
from autopublisher.domain.ids import AccountId, ActId, RunId
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.repositories import RunFilter
from metasim import SimulatorConfig
from metasim.server import SimulatorThread
from support.auditor import RemoteAuditor, active, assert_within_total, objects, twice
from support.crashing_processes import World, creative_of, furnish, nursery, work
from support.staging import with_test
from support.torture import sized
from support.wording import english

CROWD = Path(__file__).with_name("crowd.toml")
ACCOUNTS = tuple(
    (
        AccountId(f"00000000-0000-4000-8000-0000000009{n:02d}"),
        ActId(f"act_90000000{n}"),
        "EUR",
        "Europe/Madrid",
    )
    for n in range(1, 7)
)
WORKERS = 3
RUNS = sized(6, 50)
KILLS = sized(5, 60)
LIMIT_SECONDS = sized(420, 3600)
LONG_SHARE = 0.3
"""Of the freezes, beside the first, so many are long enough for another worker to take over."""

LONG_SECONDS = (FROZEN_AFTER_SECONDS + 5, FROZEN_AFTER_SECONDS + 10)
AFTERMATH_SECONDS = 3.0
FEWEST_COMPLETED = sized(RUNS - 1, RUNS - RUNS // 10)
FAULTY_SHARE = 0.1
FAULTS = ("transient", "html_502", "drop_before_commit", "commit_then_timeout", "throttle")


class Workers:
    """Worker processes that are replaced when they die, and that others stand in for while they are frozen."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self.happened: Counter[str] = Counter()
        self._living: list[ForkServerProcess] = []
        self._wakes_at: dict[int, float] = {}
        self._woken: set[int | None] = set()

    def __enter__(self) -> Self:
        self._living = [self._born() for _ in range(WORKERS)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._living:
            process.kill()
            process.join()

    def look_after(self) -> None:
        """Replace those that have ended by themselves, as a supervisor does.

        Only one that was frozen for long may: in its start the database has ended its session, and it says so.
        """
        for index, process in enumerate(self._living):
            if process.exitcode is None:
                continue
            said = (self._world.home / "streams.log").read_text("utf-8")
            assert process.pid in self._woken, (
                f"a worker ended by itself ({process.exitcode}): {said[-4000:]}"
            )
            assert "UnavailableError" in said[-4000:], said[-4000:]
            self._living[index] = self._born()
            self.happened["restarts"] += 1

    def _born(self) -> ForkServerProcess:
        process = nursery().Process(target=work, args=(self._world,))
        process.start()
        return process

    def trouble_one(self) -> None:
        """Kill one of them, or freeze one: for a moment, or until ``wake`` finds that its time is over."""
        awake = [index for index in range(WORKERS) if index not in self._wakes_at]
        index = self._chance.choice(awake)
        process = self._living[index]
        if self._chance.random() < 0.5:
            process.kill()
            process.join()
            self._living[index] = self._born()
            self.happened["kills"] += 1
            return
        os.kill(process.pid or 0, signal.SIGSTOP)
        seldom = self.happened["long freezes"] == 0 or self._chance.random() < LONG_SHARE
        if seldom and len(awake) > 1:  # somebody has to go on
            self._wakes_at[index] = time.monotonic() + self._chance.uniform(*LONG_SECONDS)
            self.happened["long freezes"] += 1
        else:
            time.sleep(self._chance.uniform(0.1, 2.0))
            os.kill(process.pid or 0, signal.SIGCONT)
            self.happened["freezes"] += 1

    def wake(self) -> bool:
        """Wake those whose time is over; tell whether all are awake."""
        for index in [one for one, at in self._wakes_at.items() if at <= time.monotonic()]:
            del self._wakes_at[index]
            self._woken.add(self._living[index].pid)
            os.kill(self._living[index].pid or 0, signal.SIGCONT)
        return not self._wakes_at


class Office:
    """The people: they ask for runs and approve what waits for them."""

    def __init__(self, product: Product) -> None:
        self._product = product

    def ask_for_runs(self) -> None:
        for number in range(RUNS):
            account_id = ACCOUNTS[number % len(ACCOUNTS)][0]
            request = replace(
                with_test(settle_hours=6),
                meta_account_id=account_id,
                campaign_name=f"Crowd {number}",
                creative_ids=(creative_of(account_id, 0), creative_of(account_id, 1)),
                require_human_approval=number % 2 == 0,
            )
            self._product.services.intake.submit(request, "manager", f"run {number}")

    def runs(self) -> Sequence[Run]:
        with self._product.outside.open_unit() as unit:
            return unit.runs.find(RunFilter(limit=1000))

    def approve_what_waits(self) -> None:
        for run in self.runs():
            if run.status is RunStatus.WAITING_APPROVAL and run.release.approval is None:
                with suppress(ConflictError, StaleRunError):
                    self._product.services.approvals.publish_winner(
                        run.id, "manager", variant="B", comment="chosen", role=Role.MANAGER
                    )

    def all_ended(self) -> bool:
        self.approve_what_waits()
        return all(run.is_final for run in self.runs())

    def known(self, run_id: RunId) -> set[str]:
        with self._product.outside.open_unit() as unit:
            return {str(row.meta_id) for row in unit.journal.of_run(run_id)}


@pytest.mark.postgres
def test_chaos_costs_nothing_and_doubles_nothing(
    postgres_url: str,
    tmp_path: Path,
    chance: random.Random,
    tell: Callable[[str], None],
) -> None:
    began = time.monotonic()
    with SimulatorThread(SimulatorConfig(scenario=str(CROWD), seed=7)) as simulator, ExitStack() as stack:
        auditor = RemoteAuditor(simulator.url)
        world = World(tmp_path / "home", postgres_url, simulator.url, runs_at_once=12)
        furnish(world, ACCOUNTS)
        office = Office(stack.enter_context(Product(world.settings, Work.NONE)))
        office.ask_for_runs()
        for number, kind in enumerate(FAULTS):
            auditor.ask(
                "POST",
                "faults",
                json={"kind": kind, "rate": FAULTY_SHARE / len(FAULTS), "seed": number, "times": None},
            )
        workers = stack.enter_context(Workers(world, chance))
        while not (workers.wake() and office.all_ended() and workers.happened["kills"] >= KILLS):
            assert time.monotonic() - began < LIMIT_SECONDS, [run.status for run in office.runs()]
            time.sleep(chance.uniform(0.2, 2.5))
            workers.look_after()
            if workers.happened["kills"] < KILLS:
                workers.trouble_one()
        time.sleep(AFTERMATH_SECONDS)  # what woke last does whatever it still would do
        workers.look_after()
        runs = office.runs()
        injected = len(auditor.ask("GET", "faults")["log"])
        ended = Counter(run.status.value for run in runs)
        tell(
            f"{len(runs)} runs {dict(ended)}, {dict(workers.happened)}, {injected} faults, "
            f"{time.monotonic() - began:.0f} s; {[run.ending.why for run in runs if run.ending.why]}",
        )
        assert injected > 0
        assert workers.happened["long freezes"] > 0
        # A write that dies with its process again and again is given up, and its run taken back: a clean end as well.
        assert set(ended) <= {RunStatus.COMPLETED.value, RunStatus.FAILED.value}
        assert ended[RunStatus.COMPLETED.value] >= FEWEST_COMPLETED, [run.ending.why for run in runs]
        assert all("given up" in english(run.ending.why) for run in runs if run.status is RunStatus.FAILED)
        for run in runs:
            assert_within_total(auditor, run)
            made = objects(auditor, run.id)
            assert twice(made) == {}
            assert {row["id"] for row in made if active([row])} <= office.known(run.id)
            final = run.status is RunStatus.COMPLETED
            assert all(final and "-final." in place for place in active(made))
