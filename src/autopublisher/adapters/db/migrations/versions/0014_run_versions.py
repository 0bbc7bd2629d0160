"""The sum of all runs' versions tells cheaply whether any run has changed."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the versions."""
    op.create_index("ix_runs_version", "runs", ["version"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_runs_version", "runs")
