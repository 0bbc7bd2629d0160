"""Settings are read from the variables the brief names, and a wrong one is refused by its name."""

from datetime import timedelta
from pathlib import Path

import pytest

from autopublisher.adapters.meta.session import Timeouts
from autopublisher.domain.accounts.stops import LANDS_WITHIN
from autopublisher.domain.errors import ConfigurationError
from autopublisher.domain.messages import said_of
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.settings import (
    STUB_TOKEN,
    MetaMode,
    Settings,
    StubClock,
    unknown_variables,
    unread_env_file,
)
from support.wording import english


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the caller's, and no .env of theirs."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ConfigurationError:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    return caught.value


def test_nothing_needs_to_be_set_in_stub_mode() -> None:
    settings = Settings.load()
    assert (settings.meta_api_mode, settings.stub_clock) == (MetaMode.STUB, StubClock.JUMP)
    assert settings.auto_publisher_enabled
    assert settings.auto_publisher_max_concurrent_runs == 5
    assert settings.access_token == STUB_TOKEN
    assert settings.supervises_simulator


def test_the_default_database_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.load(auto_publisher_home=tmp_path / "home")
    assert settings.database == f"sqlite:///{tmp_path}/home/autopublisher.db"


def test_the_briefs_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "AUTO_PUBLISHER_ENABLED": "false",
        "META_API_MODE": "live",
        "META_DEFAULT_AD_ACCOUNT_ID": "act_42",
        "AUTO_PUBLISHER_MAX_CONCURRENT_RUNS": "9",
        "META_ACCESS_TOKEN": "a-token",
        "DATABASE_URL": "postgresql+asyncpg://user:word@db/name",
        "SECRET_KEY": "Zk3vR8pLw0QmXyT5sHd7BnCf1GjUaEi2",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert not settings.auto_publisher_enabled
    assert settings.meta_default_ad_account_id == "act_42"
    assert settings.auto_publisher_max_concurrent_runs == 9
    assert settings.access_token == "a-token"
    assert settings.database == "postgresql+asyncpg://user:word@db/name"
    assert not settings.supervises_simulator


def test_an_env_file_is_read_where_somebody_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.env"
    file.write_text("STUB_SCENARIO=ordinary\n", "utf-8")
    monkeypatch.setenv("AUTO_PUBLISHER_ENV_FILE", str(file))
    assert Settings.load().stub_scenario == "ordinary"


def test_an_env_file_is_read_from_a_data_folder_that_somebody_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".env").write_text("STUB_SCENARIO=ordinary\n", "utf-8")
    assert Settings.load().stub_scenario == "demo"
    monkeypatch.setenv("AUTO_PUBLISHER_HOME", str(tmp_path / "home"))
    assert Settings.load().stub_scenario == "ordinary"
    assert unread_env_file() is None


def test_an_env_file_of_the_current_folder_is_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "export META_API_MODE=live\nMETA_GRAPH_URL=https://evil.example\n", "utf-8"
    )
    assert Settings.load().is_stub
    assert unread_env_file() == tmp_path / ".env"


def test_an_env_file_of_another_program_is_nobodys_concern(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# AUTO_PUBLISHER_HOME=x\nDJANGO_SECRET=1\n", "utf-8")
    assert unread_env_file() is None


def test_an_env_file_that_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = refusal(monkeypatch, AUTO_PUBLISHER_ENV_FILE=str(tmp_path / "none.env"))
    assert "none.env cannot be read" in english(said_of(error))


@pytest.mark.parametrize("url", ["HTTPS://graph.facebook.com/", "Http://127.0.0.1:9"])
def test_an_address_may_be_written_in_upper_case(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("META_GRAPH_URL", url)
    scheme, _, rest = url.rstrip("/").partition("://")
    assert Settings.load().meta_graph_url == f"{scheme.lower()}://{rest}"


STRONG = "Zk3vR8pLw0QmXyT5sHd7BnCf1GjUaEi2"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("short", "5 characters"),
        ("k" * 40, "1 different characters"),
        ("changeme" + STRONG, "placeholder"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "alphabet"),
    ],
)
def test_live_mode_refuses_a_weak_key(monkeypatch: pytest.MonkeyPatch, key: str, why: str) -> None:
    error = refusal(monkeypatch, META_API_MODE="live", META_ACCESS_TOKEN="token", SECRET_KEY=key)
    assert "SECRET_KEY" in english(said_of(error))
    assert why in english(said_of(error))
    assert key not in english(said_of(error))
    assert Settings.load(needs_key=False).meta_api_mode is MetaMode.LIVE  # the kill switch works all the same


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.facebook.com",
        "https://graph.facebook.com.evil.example",
        "https://graph.facebook.com@evil.example",
        "https://evilfacebook.com",
        "http://10.0.0.8:8000",
    ],
)
def test_live_mode_sends_its_token_nowhere_else(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    live = {"META_API_MODE": "live", "META_ACCESS_TOKEN": "token", "SECRET_KEY": STRONG}
    error = refusal(monkeypatch, META_GRAPH_URL=url, **live)
    assert "META_GRAPH_URL" in english(said_of(error))


@pytest.mark.parametrize(
    "url", ["https://graph.facebook.com", "http://127.0.0.1:9", "http://[::1]:9", "http://localhost:9"]
)
def test_live_mode_is_tested_against_a_simulator_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    live = {"META_API_MODE": "live", "META_ACCESS_TOKEN": "token", "SECRET_KEY": STRONG}
    for name, value in {**live, "META_GRAPH_URL": url}.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().meta_graph_url == url


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_API_MODE", "")
    assert Settings.load().is_stub


def test_an_account_id_may_leave_out_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_DEFAULT_AD_ACCOUNT_ID", "42")
    assert Settings.load().meta_default_ad_account_id == "act_42"


def test_no_timeout_that_is_allowed_outlasts_the_time_in_which_an_unanswered_write_may_land(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("META_TIMEOUT_SECONDS", "90")
    waits = Timeouts(read=Settings.load().meta_timeout_seconds)
    assert timedelta(seconds=waits.connect + waits.read) < LANDS_WITHIN


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("META_API_MODE", "sandbox", "'stub' or 'live'"),
        ("AUTO_PUBLISHER_ENABLED", "perhaps", "boolean"),
        ("AUTO_PUBLISHER_MAX_CONCURRENT_RUNS", "0", "greater than or equal to 1"),
        ("AUTO_PUBLISHER_PORT", "eighty", "integer"),
        ("META_TIMEOUT_SECONDS", "91", "less than or equal to 90"),
        ("META_DEFAULT_AD_ACCOUNT_ID", "shop", "act_ and digits"),
        ("AUTO_PUBLISHER_LOG_LEVEL", "loud", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_variable_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    message = english(said_of(refusal(monkeypatch, **{name: value})))
    assert message.startswith(f"Setting {name}: {value!r}")
    assert allowed in message


def test_an_address_that_is_none_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(monkeypatch, META_GRAPH_URL="graph:secret")
    assert "META_GRAPH_URL" in english(said_of(error))
    assert "secret" not in english(said_of(error))


@pytest.mark.parametrize(
    ("missing", "given"), [("META_ACCESS_TOKEN", "SECRET_KEY"), ("SECRET_KEY", "META_ACCESS_TOKEN")]
)
def test_live_mode_names_the_secret_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str, given: str
) -> None:
    error = refusal(monkeypatch, META_API_MODE="live", **{given: "there"})
    assert missing in english(said_of(error))
    assert missing in english(error.remedy)


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("META_ACCESS_TOKEN", "SECRET_KEY", "META_APP_SECRET"):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hush-hush@host/name")
    assert "hush-hush" not in repr(Settings.load())


def test_a_misspelt_variable_is_noticed() -> None:
    environment = {"AUTO_PUBLISHER_ENABLD": "1", "STUB_SPEED": "2", "PATH": "", "META_API_MODE": "stub"}
    assert unknown_variables(environment) == ("AUTO_PUBLISHER_ENABLD",)


def test_spend_limits_are_read_by_currency_in_minor_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_PUBLISHER_DAILY_LIMIT", "EUR=500.50, JPY=30000")
    monkeypatch.setenv("AUTO_PUBLISHER_MONTHLY_LIMIT", "EUR=9000")
    limits = Settings.load().spend_limits
    assert limits == InstallationLimits({"EUR": 50_050, "JPY": 30_000}, {"EUR": 900_000})


def test_without_spend_limits_nothing_is_limited() -> None:
    assert Settings.load().spend_limits == InstallationLimits()


@pytest.mark.parametrize(
    "text", ["500", "EUR", "EUR=", "EUR=0", "EUR=-5", "EUR=NaN", "XXX=5", "EUR=1,EUR=2", "EUR=1.001"]
)
def test_a_spend_limit_that_cannot_be_understood_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    error = refusal(monkeypatch, AUTO_PUBLISHER_DAILY_LIMIT=text)
    assert "AUTO_PUBLISHER_DAILY_LIMIT" in english(said_of(error))
    assert "EUR=500,USD=300" in english(said_of(error))


@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "user:pass-word@host/name",
        "mysql://user:pass-word@host/name",
        "postgresql+nonsense://user:pass-word@host/name",
        "postgresql://user:pass-word@host:port/name",
        "://user:pass-word@host",
    ],
)
def test_a_database_address_that_is_none_is_refused_by_its_name_and_stays_secret(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    error = refusal(monkeypatch, DATABASE_URL=address)
    assert error.facts["name"] == "DATABASE_URL"
    assert "postgresql://user:password@host" in english(said_of(error))
    assert "DATABASE_URL" in english(error.remedy)
    assert "pass-word" not in english(said_of(error)) + english(error.remedy)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "sqlite"])
def test_the_databases_that_work_are_taken(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}:///name")
    assert Settings.load().database == f"{scheme}:///name"


def test_trusted_hosts_are_names_without_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_PUBLISHER_TRUSTED_HOSTS", "Ads.example.com, *.internal,127.0.0.1,[::1]")
    assert Settings.load().trusted_hosts == ("ads.example.com", "*.internal", "127.0.0.1", "::1")


@pytest.mark.parametrize(
    "value", ["https://ads.example.com", "ads.example.com:8000", "ads.*", "ads.example.com/", "a b"]
)
def test_a_host_that_no_request_could_name_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AUTO_PUBLISHER_TRUSTED_HOSTS", value)
    with pytest.raises(ConfigurationError, match=r"AUTO_PUBLISHER_TRUSTED_HOSTS.*fault.expected_hosts"):
        Settings.load()


def test_trusted_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_PUBLISHER_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8,2001:db8::/32")
    assert Settings.load().trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32")


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8"])
def test_nobody_is_trusted_by_a_slip(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AUTO_PUBLISHER_TRUSTED_PROXIES", value)
    with pytest.raises(ConfigurationError, match="AUTO_PUBLISHER_TRUSTED_PROXIES"):
        Settings.load()
