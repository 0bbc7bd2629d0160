"""The settings: environment variables and an env file, checked once; a refusal names the variable and a remedy.

A field's name is its variable's name in lower case; README.md has the table.
"""

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from autopublisher.domain.accounts.stops import LONGEST_TIMEOUT
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import ConfigurationError, UnknownCurrencyError
from autopublisher.domain.faults import Fault
from autopublisher.domain.messages import Message, refusal
from autopublisher.domain.money.exposure import DAY_STRETCH
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.secret_keys import KEY_MAKER, SHORTEST, weakness
from autopublisher.ports.database_address import SCHEMES

LIVE_GRAPH_URL = "https://graph.facebook.com"
META_HOSTS = ".facebook.com"
STUB_TOKEN = "stub-token"  # noqa: S105 - the simulator's own token, known to everybody
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
OUR_PREFIXES = ("AUTO_PUBLISHER_", "META_", "STUB_")


class MetaMode(StrEnum):
    """Whose Marketing API is called: the simulator's or Meta's."""

    STUB = "stub"
    LIVE = "live"


class StubClock(StrEnum):
    """How simulated time moves: from one due moment to the next, N times as fast, or only when told."""

    JUMP = "jump"
    SPEED = "speed"
    MANUAL = "manual"


class LogLevel(StrEnum):
    """From which severity on a line is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class _UnexpectedError(ValueError):
    """A value that a setting cannot have; ``said`` is what it expects instead."""

    def __init__(self, said: Message) -> None:
        super().__init__(str(said))
        self.said = said


def _act_id(value: str) -> str:
    digits = value.removeprefix("act_")
    if not digits.isdecimal():
        raise _UnexpectedError(Fault.EXPECTED_ACT_ID())
    return f"act_{digits}"


def _amounts(value: str) -> Mapping[str, int]:
    """Return the minor units per currency that a text like ``EUR=500,USD=300`` names."""
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    found: dict[str, int] = {}
    for currency, _, amount in pairs:
        try:
            found[currency.strip()] = Money.from_major(Decimal(amount.strip()), currency.strip()).minor
        except (UnknownCurrencyError, ArithmeticError, ValueError):
            raise _UnexpectedError(Fault.EXPECTED_AMOUNTS()) from None
    if len(found) != len(pairs) or any(minor <= 0 for minor in found.values()):
        raise _UnexpectedError(Fault.EXPECTED_AMOUNTS())
    return found


def _amounts_text(value: str) -> str:
    _amounts(value)
    return value


def _networks(value: str) -> tuple[str, ...]:
    """Return the addresses and networks a text like ``10.0.0.5,192.168.0.0/16`` names."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return tuple(str(ip_network(part)) for part in parts)
    except ValueError:
        raise _UnexpectedError(Fault.EXPECTED_NETWORKS()) from None


def _networks_text(value: str) -> str:
    _networks(value)
    return value


def _hosts(value: str) -> tuple[str, ...]:
    """Return the names a text like ``ads.example.com,*.internal,[::1]`` lists, as requests are compared with them."""
    return tuple(_host(part.strip().lower()) for part in value.split(",") if part.strip())


def _host(name: str) -> str:
    if _HOST.fullmatch(name):
        return name
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise _UnexpectedError(Fault.EXPECTED_HOSTS()) from None


def _hosts_text(value: str) -> str:
    _hosts(value)
    return value


def _database_address(value: SecretStr) -> SecretStr:
    try:
        driver = make_url(value.get_secret_value()).drivername
    except (ArgumentError, ValueError):
        # The parser's own message repeats the address, and with it the password.
        raise _UnexpectedError(Fault.EXPECTED_DATABASE()) from None
    if driver not in SCHEMES:
        raise _UnexpectedError(Fault.EXPECTED_DATABASE())
    return value


def _web_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme.lower() not in {"http", "https"} or not rest:
        raise _UnexpectedError(Fault.EXPECTED_WEB_ADDRESS())
    return f"{scheme.lower()}://{rest.rstrip('/')}"


class Settings(BaseSettings):
    """Every setting of the product; secrets never print."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    auto_publisher_enabled: bool = True
    auto_publisher_home: Path = Path(".autopublisher")
    auto_publisher_env_file: Path | None = None
    auto_publisher_host: str = "127.0.0.1"
    auto_publisher_port: int = Field(default=8000, ge=0, le=65535)
    auto_publisher_trusted_hosts: Annotated[str, AfterValidator(_hosts_text)] = ""
    auto_publisher_trusted_proxies: Annotated[str, AfterValidator(_networks_text)] = ""
    auto_publisher_max_concurrent_runs: int = Field(default=5, ge=1, le=10_000)
    auto_publisher_poll_minutes: int = Field(default=60, ge=15, le=24 * 60)
    auto_publisher_watch_minutes: int = Field(default=15, ge=1, le=24 * 60)
    auto_publisher_approval_hours: int = Field(default=72, ge=1, le=24 * 30)
    auto_publisher_absent_minutes: int = Field(default=15, ge=3, le=24 * 60)
    auto_publisher_daily_limit: Annotated[str, AfterValidator(_amounts_text)] = ""
    auto_publisher_monthly_limit: Annotated[str, AfterValidator(_amounts_text)] = ""
    auto_publisher_run_limit: Annotated[str, AfterValidator(_amounts_text)] = ""
    auto_publisher_native_rule: bool = True
    auto_publisher_split_tests: bool = True
    auto_publisher_daily_stretch_percent: int = Field(default=DAY_STRETCH, ge=100, le=700)
    auto_publisher_log_level: LogLevel = LogLevel.INFO

    meta_api_mode: MetaMode = MetaMode.STUB
    meta_default_ad_account_id: Annotated[str, AfterValidator(_act_id)] | None = None
    meta_access_token: SecretStr | None = None
    meta_app_id: str | None = None
    meta_app_secret: SecretStr | None = None
    meta_graph_url: Annotated[str, AfterValidator(_web_address)] | None = None
    meta_timeout_seconds: float = Field(default=30.0, gt=0, le=LONGEST_TIMEOUT.total_seconds())

    database_url: Annotated[SecretStr, AfterValidator(_database_address)] | None = None
    secret_key: SecretStr | None = None

    stub_clock: StubClock = StubClock.JUMP
    stub_speed: float = Field(default=3600.0, gt=0, le=1_000_000)
    stub_scenario: str = "demo"
    stub_seed: int = Field(default=7, ge=0)

    @classmethod
    def load(cls, *, needs_key: bool = True, **overrides: Any) -> Self:
        """Read the environment and the file of ``env_file``, ``overrides`` first; raises ConfigurationError."""
        try:
            settings = cls(**{"_env_file": env_file(), **overrides})
        except ValidationError as error:
            raise _refusal(error.errors()[0]) from None
        settings.check_secrets(needs_key=needs_key)
        return settings

    def check_secrets(self, *, needs_key: bool = True) -> None:
        """Raise ConfigurationError where live mode lacks a secret, has a weak one, or would send one elsewhere.

        The kill switch needs no key and is not kept from working by a weak one.
        """
        if self.is_stub:
            return
        if self.meta_access_token is None:
            raise _refused("META_ACCESS_TOKEN", Fault.ACCESS_MISSING())
        if not _is_trusted(self.meta_graph_url or LIVE_GRAPH_URL):
            raise _refused("META_GRAPH_URL", Fault.GRAPH_UNTRUSTED(url=LIVE_GRAPH_URL))
        if not needs_key:
            return
        if self.secret_key is None:
            raise _refused("SECRET_KEY", Fault.KEY_MISSING(number=SHORTEST, maker=KEY_MAKER))
        self._check_strength(self.secret_key.get_secret_value())

    @staticmethod
    def _check_strength(key: str) -> None:
        found = weakness(key)
        if found is not None:
            raise _refused("SECRET_KEY", found)

    @property
    def is_stub(self) -> bool:
        """Whether Meta is simulated."""
        return self.meta_api_mode is MetaMode.STUB

    @property
    def spend_limits(self) -> InstallationLimits:
        """What the whole installation may spend a day and a month, by currency."""
        return InstallationLimits(
            _amounts(self.auto_publisher_daily_limit),
            _amounts(self.auto_publisher_monthly_limit),
            _amounts(self.auto_publisher_run_limit),
        )

    @property
    def trusted_hosts(self) -> tuple[str, ...]:
        """The names this installation may be called by; empty where any is taken."""
        return _hosts(self.auto_publisher_trusted_hosts)

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Whose word on a caller's address and on TLS is taken."""
        return _networks(self.auto_publisher_trusted_proxies)

    @property
    def home(self) -> Path:
        """The data folder, absolute, so that processes started from it agree on it."""
        return self.auto_publisher_home.expanduser().absolute()

    @property
    def files_folder(self) -> Path:
        """The folder of pictures, unless the database keeps them."""
        return self.home / "storage"

    @property
    def database(self) -> str:
        """The database's URL: DATABASE_URL, or a SQLite file in the data folder."""
        if self.database_url is None:
            return f"sqlite:///{self.home / 'autopublisher.db'}"
        return self.database_url.get_secret_value()

    @property
    def database_file(self) -> Path | None:
        """The database's file; None where it is not SQLite."""
        address = make_url(self.database)
        return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None

    @property
    def supervises_simulator(self) -> bool:
        """Whether the product runs a simulator of its own: stub mode without an address of another."""
        return self.is_stub and self.meta_graph_url is None

    @property
    def access_token(self) -> str:
        """The token sent to Meta; in stub mode the simulator's unless another is set."""
        return STUB_TOKEN if self.meta_access_token is None else self.meta_access_token.get_secret_value()


def unknown_variables(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return set variables that look like ours and are none of ours: most likely misspelt."""
    known = {name.upper() for name in Settings.model_fields}
    names = os.environ if environment is None else environment
    return tuple(sorted(name for name in names if name.startswith(OUR_PREFIXES) and name not in known))


def env_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that settings are read from beside the environment; raises ConfigurationError where it is missing.

    It is the one that ``--env-file`` (AUTO_PUBLISHER_ENV_FILE) names, or ``.env`` of a data folder that the environment
    names: whoever can put a file into the current folder must not decide where a token is sent.
    """
    known = os.environ if environment is None else environment
    named, home = known.get("AUTO_PUBLISHER_ENV_FILE"), known.get("AUTO_PUBLISHER_HOME")
    if named:
        file = Path(named).expanduser()
        if not os.access(file, os.R_OK) or not file.is_file():
            raise _refused("AUTO_PUBLISHER_ENV_FILE", Fault.ENV_FILE(path=str(file)))
        return file
    beside = Path(home).expanduser() / ".env" if home else None
    return beside if beside is not None and beside.is_file() else None


def unread_env_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the ``.env`` of the current folder where it sets something of ours and is not what is read."""
    here, read = Path(".env").absolute(), env_file(environment)
    if not here.is_file() or (read is not None and here.samefile(read)):
        return None
    names = {line.removeprefix("export ").partition("=")[0].strip().upper() for line in _lines(here)}
    return None if names.isdisjoint(name.upper() for name in Settings.model_fields) else here


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _is_trusted(url: str) -> bool:
    """Tell whether an access token may be sent there: to Meta, never in the clear, or to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return parts.scheme == "https" and f".{host}".endswith(META_HOSTS)


def _refusal(error: ErrorDetails) -> ConfigurationError:
    name = str(error["loc"][0]).upper() if error["loc"] else "?"
    secret = name.endswith(("TOKEN", "SECRET", "KEY", "URL"))
    reason = error.get("ctx", {}).get("error")
    expected = (
        reason.said if isinstance(reason, _UnexpectedError) else error["msg"].removeprefix("Input should be ")
    )
    if secret:
        return _refused(name, Fault.SETTING_HIDDEN(name=name, expected=expected))
    return _refused(name, Fault.SETTING_VALUE(name=name, shown=repr(error["input"]), expected=expected))


def _refused(name: str, fault: Message) -> ConfigurationError:
    return refusal(ConfigurationError, fault, name=name)
