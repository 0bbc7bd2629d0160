"""The database ports on SQLAlchemy: SQLite in one process, PostgreSQL for many."""
