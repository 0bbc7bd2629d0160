"""Snapshots are kept by arm, so that the last of each is found however many there are before it."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the arm before the moment in the key."""
    _keyed("run_id", "variant", "at")


def downgrade() -> None:
    """Put the moment first again."""
    _keyed("run_id", "at", "variant")


def _keyed(*columns: str) -> None:
    with op.batch_alter_table("insight_snapshots") as table:
        table.drop_constraint("pk_insight_snapshots", type_="primary")
        table.create_primary_key("pk_insight_snapshots", list(columns))
