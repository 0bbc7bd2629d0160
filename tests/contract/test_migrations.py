"""The migrations lead to exactly the tables the code uses, whoever runs them and however many at once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from autopublisher.adapters.clock_system import SystemClock
from autopublisher.adapters.db import migrations
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
from autopublisher.adapters.db.revisions import current_revision, is_current
from autopublisher.adapters.db.tables import METADATA
from autopublisher.bootstrap.database import units_of
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.campaigns.shown import following
from autopublisher.domain.errors import NewerDatabaseError
from autopublisher.domain.ids import RunId
from autopublisher.domain.messages import LEGACY
from autopublisher.domain.moments import in_zone
from autopublisher.domain.reconciliation.campaign_shown import shown_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.reports import Reports
from autopublisher.messages import render
from autopublisher.ports.repositories import RunFilter
from support.older import load

pytestmark = pytest.mark.slow

UPGRADE = """
import sys
from autopublisher.adapters.db.engine import open_engine
from autopublisher.adapters.db.migrate import upgrade
print("ready", flush=True)
sys.stdin.readline()
upgrade(open_engine(sys.argv[1]))
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_an_empty_database_is_at_no_revision(engine: Engine) -> None:
    assert (current_revision(engine), is_current(engine)) == (None, False)


def test_upgrading_leads_to_the_tables_the_code_uses(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_an_upgraded_database_is_current(engine: Engine) -> None:
    upgrade(engine)
    assert is_current(engine)


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        columns = "id, name, role, password_hash, created_at, active"
        values = "'u', 'ana', 'admin', 'h', '2026-01-01', TRUE"
        connection.execute(text(f"INSERT INTO users ({columns}) VALUES ({values})"))  # noqa: S608 - no input
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM users")).scalar() == 1


def test_downgrading_leaves_nothing_behind(engine: Engine) -> None:
    upgrade(engine)
    settings = Config()
    settings.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    settings.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_of_a_picture_that_an_earlier_release_kept_no_size_is_known(
    engine: Engine, database_url: str
) -> None:
    load("0003", database_url)
    upgrade(engine)
    with units_of(engine)() as unit:
        kept = [one for account in unit.accounts.all() for one in unit.creatives.of_account(account.id)]
    assert {(one.width, one.height) for one in kept} == {(None, None)}


def test_the_campaigns_of_an_earlier_release_are_those_that_a_look_would_find(
    engine: Engine, database_url: str
) -> None:
    load("0010", database_url)
    upgrade(engine)
    with units_of(engine)() as unit:
        runs = {run.id: run for run in unit.runs.find(RunFilter())}
        kept = unit.campaigns.of_runs(list(runs))
        for run_id, campaign in kept.items():
            rows, objects = unit.journal.of_run(run_id), unit.records.objects(run_id)
            shown = shown_of(campaign, runs[run_id], rows, {one.key: one for one in objects})
            assert [one.state for one in following(campaign, shown, campaign.since)] in ([], [campaign.state])
    assert {runs[run_id].status: one.state for run_id, one in kept.items()} == {
        RunStatus.PUBLISHING_FINAL: CampaignState.BUILDING,
        RunStatus.COMPLETED: CampaignState.DELIVERING,
    }


def test_what_an_earlier_release_said_is_shown_as_it_stands(engine: Engine, database_url: str) -> None:
    load("0010", database_url)
    with engine.connect() as connection:
        stored = [row.message for row in connection.execute(text("SELECT message FROM events ORDER BY id"))]
    upgrade(engine)
    with units_of(engine)() as unit:
        runs = unit.runs.find(RunFilter())
        said = [event.message for run in runs for event in unit.observations.events(run.id)]
    assert {one.code for one in (*said, *(warning for run in runs for warning in run.warnings))} == {LEGACY}
    assert {render(one, "en") for one in said} <= {in_zone(sentence, UTC) for sentence in stored}


@pytest.mark.parametrize(
    ("named", "eliminated", "is_override"), [("B", [], True), ("A", [], False), (None, ["A"], True)]
)
def test_an_earlier_approval_against_the_verdict_becomes_an_override_and_proves_nothing(
    engine: Engine, database_url: str, named: str | None, eliminated: list[str], *, is_override: bool
) -> None:
    load("0003", database_url)
    run_id = _approved(engine, named, eliminated)
    upgrade(engine)
    view = Reports(units_of(engine), SystemClock()).view(run_id)
    run = view.run
    assert run.release.approval is not None
    assert (run.release.approval.override, run.release.is_proven, run.release.winner) == (
        is_override,
        not is_override,
        "A",
    )
    assert (view.improvement_percentage is None) or not is_override


def _approved(engine: Engine, named: str | None, eliminated: list[str]) -> RunId:
    """Have the older release's completed run say that variant A, which a person chose, is a proven winner."""
    with engine.begin() as connection:
        found = connection.execute(text("SELECT id, details FROM runs WHERE status = 'completed'")).first()
        assert found is not None
        run_id = RunId(found.id)
        details = json.loads(found.details) if isinstance(found.details, str) else found.details
        details |= {"winner": "A", "proven": True, "eliminated": eliminated}
        details["approval"]["variant"] = "A"
        change = text("UPDATE runs SET details = :details WHERE id = :id")
        connection.execute(change, {"details": json.dumps(details), "id": run_id})
        asked = text("SELECT sequence, verdict FROM decisions WHERE run_id = :id ORDER BY sequence DESC")
        last = connection.execute(asked, {"id": run_id}).first()
        assert last is not None
        verdict = json.dumps(json.loads(last.verdict) | {"winner": named, "leader": named or "B"})
        change = text("UPDATE decisions SET verdict = :verdict WHERE run_id = :id AND sequence = :sequence")
        connection.execute(change, {"verdict": verdict, "id": run_id, "sequence": last.sequence})
    return run_id


def test_a_database_of_a_later_release_is_refused(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabaseError, match="revision 9999") as caught:
        upgrade(engine)
    assert "Install the newer release" in caught.value.remedy


def test_references_are_enforced_again_after_upgrading(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)foreign key"):
        connection.execute(
            text(
                "INSERT INTO creatives VALUES ('c', 'nobody', 'n', 'k', 's', '2026-01-01', 'image/png', 9, 9)"
            )
        )


def test_processes_that_upgrade_at_once_all_succeed(engine: Engine, database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    complaints = [process.communicate()[1] for process in processes]
    assert ([process.returncode for process in processes], complaints) == ([0, 0], ["", ""])
    assert is_current(engine)
