"""What the address of a database may begin with, for whoever accepts one and whoever opens it."""

from typing import Final

SQLITE_SCHEMES: Final = frozenset({"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"})
POSTGRES_SCHEMES: Final = frozenset(
    {"postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2"}
)
"""Whatever driver is named, SQLite is opened by the standard library and PostgreSQL by psycopg 3."""

SCHEMES: Final = SQLITE_SCHEMES | POSTGRES_SCHEMES
