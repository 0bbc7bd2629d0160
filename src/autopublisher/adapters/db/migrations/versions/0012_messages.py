"""What is said has a code and what fills it; what earlier releases wrote as a sentence stays one."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# Written out instead of taken from the code, which will move on while this revision must not.
RUNS = sa.table("runs", sa.column("id", sa.Text()), sa.column("details", sa.JSON()))


def upgrade() -> None:
    """Add the columns; of what was written before, every sentence is ``legacy``."""
    op.add_column("events", sa.Column("code", NAME, nullable=False, server_default="legacy"))
    op.add_column("events", sa.Column("params", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("claims", sa.Column("said", sa.JSON()))


def downgrade() -> None:
    """Drop them; of what was written meanwhile an earlier release shows the code."""
    op.execute("UPDATE events SET message = code WHERE message = ''")
    with op.batch_alter_table("events") as events:
        events.drop_column("params")
        events.drop_column("code")
    with op.batch_alter_table("claims") as claims:
        claims.drop_column("said")
    connection = op.get_bind()
    for run_id, details in connection.execute(sa.select(RUNS.c.id, RUNS.c.details)).all():
        told = {name: _sentence(details.get(name)) for name in ("attention", "failure")}
        warnings = [_sentence(one) for one in details.get("warnings", ())]
        changed = {**details, **told, "warnings": warnings}
        connection.execute(sa.update(RUNS).where(RUNS.c.id == run_id).values(details=changed))


def _sentence(stored: Any) -> Any:
    """Return what an earlier release reads: the sentence of its own, the code of a later message."""
    if not isinstance(stored, dict):
        return stored
    return stored["params"]["sentence"] if stored["code"] == "legacy" else stored["code"]
