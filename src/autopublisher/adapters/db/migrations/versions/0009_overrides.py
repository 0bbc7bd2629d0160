"""Choices against the verdict that an earlier release took for proven winners: they are overrides, and prove nothing."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
RUNS = sa.table("runs", sa.column("id", sa.Text()), sa.column("details", sa.JSON()))
DECISIONS = sa.table(
    "decisions",
    sa.column("run_id", sa.Text()),
    sa.column("sequence", sa.Integer()),
    sa.column("verdict", sa.Text()),
)


def upgrade() -> None:
    """Mark each approval of another variant than the last verdict names, or of one that it found worse, as an override."""
    connection = op.get_bind()
    for run_id, details in connection.execute(sa.select(RUNS.c.id, RUNS.c.details)).all():
        approval = details.get("approval")
        if approval is None or approval.get("override"):
            continue
        named, chosen = _named(connection, run_id), approval["variant"]
        if named not in {None, chosen} or chosen in details.get("eliminated", ()):
            corrected = {**details, "approval": {**approval, "override": True}, "proven": False}
            connection.execute(sa.update(RUNS).where(RUNS.c.id == run_id).values(details=corrected))


def _named(connection: sa.Connection, run_id: str) -> Any:
    """Return the variant that a run's last verdict names; None where it names nobody."""
    last = (
        sa.select(DECISIONS.c.verdict)
        .where(DECISIONS.c.run_id == run_id)
        .order_by(DECISIONS.c.sequence.desc())
        .limit(1)
    )
    verdict = connection.execute(last).scalar()
    return None if verdict is None else json.loads(verdict).get("winner")


def downgrade() -> None:
    """Leave the marks: an earlier release does not read them."""
