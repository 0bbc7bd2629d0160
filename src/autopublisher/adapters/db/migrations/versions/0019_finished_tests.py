"""What finished tests leave for those after them; tests that had finished before are counted where somebody asks for it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "finished_tests",
        sa.Column("run_id", _NAME, sa.ForeignKey("runs.id", name="fk_finished_tests_run_id"), nullable=False),
        sa.Column("criterion", _NAME, nullable=False),
        sa.Column("act_id", _NAME, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=False),
        sa.Column("measured", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "criterion", name="pk_finished_tests"),
    )
    op.create_index("ix_finished_tests_act_id_criterion", "finished_tests", ["act_id", "criterion"])


def downgrade() -> None:
    """Forget what accounts remember; it can be counted again from the snapshots."""
    op.drop_table("finished_tests")
