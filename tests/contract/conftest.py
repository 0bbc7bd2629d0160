"""One example of everything the database keeps, and an empty database of each kind to keep it in."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
from autopublisher.adapters.db.tables import METADATA
from autopublisher.adapters.db.unit_of_work import SqlUnitOfWork
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials, Timeouts
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.accounts import Account, AdDefaults
from autopublisher.domain.ids import AccountId, ActId, CreativeId, RunId, UserId
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.people import User
from autopublisher.domain.request.request import (
    ABTestConfig,
    BudgetConfig,
    RunRequest,
    Strategy,
    TargetingConfig,
)
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.ports.repositories import OpenUnitOfWork
from support.graph_stub import APP_SECRET, TOKEN, HandClock, Stub, stub_server

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all its tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A PostgreSQL database with all its tables, emptied by each test that used it."""
    server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    engine = open_engine(url.render_as_string(hide_password=False))
    upgrade(engine)
    yield engine
    engine.dispose()
    server.drop_database(url)


@pytest.fixture
def sqlite_engine(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    path = shutil.copy(migrated_file, tmp_path / "contract.db")
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(migrated_postgres: Engine) -> Iterator[Engine]:
    yield migrated_postgres
    with migrated_postgres.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def open_unit(request: pytest.FixtureRequest) -> OpenUnitOfWork:
    """Units of work on a database with all its tables and nothing in them, once of each kind."""
    if request.param == "memory":
        return MemoryDatabase().unit_of_work
    return partial(SqlUnitOfWork, request.getfixturevalue(f"{request.param}_engine"))


@pytest.fixture
def account() -> Account:
    return Account(
        id=AccountId("account-1"),
        act_id=ActId("act_1"),
        name="Shoes",
        currency="EUR",
        timezone="Europe/Madrid",
        defaults=AdDefaults(page_id="77", link_url="https://shoes.example/"),
        created_at=NOW,
    )


@pytest.fixture
def run(account: Account) -> Run:
    request = RunRequest(
        meta_account_id=account.id,
        campaign_name="Spring",
        objective="OUTCOME_TRAFFIC",
        ab_test_config=ABTestConfig(Strategy.COPY_SPLIT, 2, Decimal("50.00"), 24),
        targeting_config=TargetingConfig(countries=("ES",)),
        budget_config=BudgetConfig(total_budget=Decimal("1000.00")),
        creative_ids=(CreativeId("creative-1"),),
        headlines=("One", "Two"),
        primary_texts=("Text",),
    )
    return Run(
        id=RunId("run-1"),
        account_id=account.id,
        act_id=account.act_id,
        currency="EUR",
        request=request,
        status=RunStatus.PENDING,
        version=1,
        created_at=NOW,
        created_by="ana",
        updated_at=NOW,
        next_tick_at=NOW,
    )


@pytest.fixture
def operation(run: Run) -> Operation:
    spec = OperationSpec(
        key="test/a/adset",
        action=Action.CREATE,
        kind=ObjectKind.AD_SET,
        params={"name": "A", "campaign_id": {"$id": "test/a/campaign"}, "targeting": {"countries": ["ES"]}},
        reserves=5000,
    )
    return Operation(RunOwner(run.id), 1, spec, OperationState.INTENDED, NOW)


@pytest.fixture
def user() -> User:
    return User(UserId("user-1"), "ana", Role.MANAGER, "$argon2id$...", NOW, addresses=("192.0.2.7",))


@pytest.fixture
def stored(open_unit: OpenUnitOfWork, account: Account, run: Run) -> Run:
    """The run, stored along with its account."""
    with open_unit() as unit:
        unit.accounts.add(account)
        unit.runs.add(run)
        unit.commit()
    return run


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_server() as stub:
        yield stub


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def client(stub: Stub, hand_clock: HandClock) -> Iterator[SdkMetaAds]:
    """Return the Meta client on the stub, impatient and with small pages."""
    credentials = Credentials(TOKEN, app_id="7", app_secret=APP_SECRET)
    with SdkMetaAds(credentials, hand_clock, stub.url, Timeouts(2.0, 0.3), page_size=2) as client:
        yield client
