"""Alembic's home: how to connect, the template of a new revision, and the revisions."""
