"""A PostgreSQL that lets us do too little is a sentence with a remedy, whatever the command."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from support.command import Prompt

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

COMMANDS = (("db", "upgrade"), ("runs",), ("account", "list"))


def run(folder: Path, url: str) -> list[tuple[int, str]]:
    ends = [
        Prompt(folder).run(*command, DATABASE_URL=url, AUTO_PUBLISHER_HOME=str(folder))
        for command in COMMANDS
    ]
    return [(one.exit_code, one.stderr) for one in ends]


def execute(url: str, *statements: sql.Composed) -> None:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_user_without_rights_is_told(postgres_url: str, tmp_path: Path) -> None:
    name = f"poor_{make_url(postgres_url).database}"
    role = sql.Identifier(name)
    execute(
        postgres_url,
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'word'").format(role),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC").format(),
    )
    url = make_url(postgres_url).set(username=name, password="word")
    try:
        for code, said in run(tmp_path, url.render_as_string(hide_password=False)):
            assert (code, "its user lacks the right" in said) == (5, True), said
    finally:
        execute(postgres_url, sql.SQL("DROP ROLE {}").format(role))


def test_a_read_only_database_is_told(postgres_url: str, tmp_path: Path) -> None:
    name = sql.Identifier(str(make_url(postgres_url).database))
    execute(postgres_url, sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    for code, said in run(tmp_path, postgres_url):
        assert (code, "it is read-only" in said) == (5, True), said
