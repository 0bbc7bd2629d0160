"""Servers as processes: answers to one client and to many, beside an exposure, and of several servers beside workers."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property

from benchmarks.api.clients import Clients, cost_of, percentile
from benchmarks.databases import POSTGRES
from benchmarks.installations import NAME, PatientInstallation, seeded
from benchmarks.measuring import Line, Setting, ratio, resident_megabytes, seconds_of
from benchmarks.seeding import run_id_of

from autopublisher.domain.runs.run import RunStatus

STATUS = f"/meta/autopilot/status/{run_id_of(1)}"
EXPOSURE = "/meta/autopilot/exposure"
MANY = 8
SERVERS, WORKERS = 3, 2
BARE = ("-m", "autopublisher", "serve", "--no-work")


class Site:
    """Servers over one seeded database, and what they and it have cost so far."""

    def __init__(self, setting: Setting, kind: str, name: str, runs: int, servers: int = 1) -> None:
        home = setting.databases.folder / f"{name} {kind}"
        url = setting.databases.address(kind) if kind == POSTGRES else None
        self.servers = [PatientInstallation(home, url, BARE, STUB_CLOCK="manual") for _ in range(servers)]
        self._home = home
        self._workers: list[subprocess.Popen[bytes]] = []
        self.database = seeded(setting, home, *self.servers, url=url, runs=runs, status=RunStatus.AB_TESTING)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers of a manager."""
        return self.servers[0].sign_in(NAME)

    @property
    def ports(self) -> Sequence[int]:
        return [one.port for one in self.servers]

    def seconds(self) -> float:
        """Return the processor time of the servers and the database; the workers' is not theirs."""
        return sum(seconds_of(one.pid) for one in self.servers) + self.database.server_seconds()

    def add_worker(self) -> None:
        """Start a worker beside the servers."""
        with (self._home / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "autopublisher", "worker"]
            environment = self.servers[0].environment
            self._workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))  # noqa: S603

    def end(self) -> None:
        for worker in self._workers:
            worker.terminate()
            worker.wait()
        for server in self.servers:
            server.stop()
        with suppress(FileNotFoundError, ProcessLookupError):
            self.servers[0].end()


@contextmanager
def site(  # noqa: PLR0917 - what is served, by how many
    setting: Setting, kind: str, name: str, runs: int, servers: int = 1, workers: int = 0
) -> Iterator[Site]:
    """Serve a seeded database for the length of the block."""
    made = Site(setting, kind, name, runs, servers)
    with ExitStack() as undo:
        undo.callback(made.end)
        for server in made.servers:
            server.start()
        for _ in range(workers):
            made.add_worker()
        yield made


def answers(made: Site, case: str, path: str, clients: int, setting: Setting) -> Iterator[Line]:
    """Yield what answers cost so many clients, and how long they took."""
    seconds = setting.sizes((4,), (15,))[0]
    Clients(made.ports, path, made.headers, len(made.ports)).ask_for(0.5)
    cost, taken = cost_of(made.seconds, Clients(made.ports, path, made.headers, clients), seconds)
    yield Line(f"{case}, {clients} clients", "CPU ms", (cost,), None, {"answers": float(len(taken))})
    yield Line(f"{case}, {clients} clients", "p50 ms", (percentile(taken, 50),))
    yield Line(f"{case}, {clients} clients", "p99 ms", (percentile(taken, 99),))


def served(setting: Setting) -> Iterator[Line]:
    """Statuses over HTTP: processor time of server and database an answer, for one client and for eight."""
    for kind in setting.kinds:
        with site(setting, kind, "status", runs=20) as made:
            yield from answers(made, f"status, {kind}", STATUS, 1, setting)
            many = list(answers(made, f"status, {kind}", STATUS, MANY, setting))
            yield from many
            yield ratio(f"p99 to p50 of {MANY} clients, {kind}", many[2], many[1])


def beside(setting: Setting) -> Iterator[Line]:
    """Statuses for one client alone, and while another asks for the exposure of many runs again and again."""
    for kind in setting.kinds:
        with site(setting, kind, "beside", runs=setting.sizes((100,), (1_000,))[0]) as made:
            alone = list(answers(made, f"status alone, {kind}", STATUS, 1, setting))
            exposures = Clients(made.ports, EXPOSURE, made.headers, 1)
            exposures.start()
            busy = list(answers(made, f"status beside exposure, {kind}", STATUS, 1, setting))
            exposures.stop()
            yield from (*alone, *busy)
            yield ratio(f"p50 beside an exposure to alone, {kind}", busy[1], alone[1])


def several(setting: Setting) -> Iterator[Line]:
    """Statuses of three ``serve --no-work`` beside two workers on one PostgreSQL, for eight clients."""
    if POSTGRES not in setting.kinds:
        return
    with site(setting, POSTGRES, "several", runs=20, servers=SERVERS, workers=WORKERS) as made:
        yield from answers(made, f"status, {SERVERS} servers, {WORKERS} workers", STATUS, MANY, setting)


def memory(setting: Setting) -> Iterator[Line]:
    """Memory of a server once it has started and answered."""
    for kind in setting.kinds:
        with site(setting, kind, "memory", runs=20) as made:
            Clients(made.ports, STATUS, made.headers, 1).ask_for(1.0)
            yield Line(f"serve, {kind}", "MB", (resident_megabytes(made.servers[0].pid),))
