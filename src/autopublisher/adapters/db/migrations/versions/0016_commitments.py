"""What runs have committed is stored with their counts; those that are there are of another version, and made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make room for them."""
    op.create_table(
        "commitments",
        sa.Column("run_id", NAME, sa.ForeignKey("runs.id", name="fk_commitments_run_id"), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_commitments"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("commitments")
