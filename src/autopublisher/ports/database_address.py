"""Schemes of database addresses, for whoever accepts an address and whoever opens it."""

from typing import Final

SQLITE_SCHEMES: Final = frozenset({"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"})
POSTGRES_SCHEMES: Final = frozenset(
    {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
)
"""Whatever driver is named, SQLite is opened by the standard library and PostgreSQL by psycopg 3."""

SCHEMES: Final = SQLITE_SCHEMES | POSTGRES_SCHEMES
