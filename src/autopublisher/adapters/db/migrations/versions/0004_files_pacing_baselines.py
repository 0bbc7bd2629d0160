"""Pictures for all machines, what Meta's usage headers said, and how Meta first showed what was made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

SHOWN = ("meta_campaigns", "meta_ad_sets", "meta_ads", "meta_creatives")


def upgrade() -> None:
    """Create both tables; what was made before has no baseline."""
    op.create_table(
        "files",
        sa.Column("key", NAME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_files"),
    )
    op.create_table(
        "pacing",
        sa.Column("subject", NAME, nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_pacing"),
    )
    for table in SHOWN:
        op.add_column(table, sa.Column("baseline", sa.JSON()))


def downgrade() -> None:
    """Drop both tables and the baselines."""
    for table in SHOWN:
        op.drop_column(table, "baseline")
    op.drop_table("pacing")
    op.drop_table("files")
