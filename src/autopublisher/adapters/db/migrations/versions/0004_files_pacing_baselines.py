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

# The first release settled what an arm had spent to the nearest minor unit, though half of one more may be hidden by
# Meta's rounding; one unit more than is needed sets a little too much aside, which harms nobody before the final
# campaign's budget is computed.
SETTLED_ON_THE_SAFE_SIDE = """
UPDATE operations SET spent = spent + 1
WHERE spent > 0 AND spent < reserves
    AND run_id IN (
        SELECT id FROM runs
        WHERE status IN ('ab_testing', 'analyzing_results', 'selecting_winner', 'waiting_approval', 'scaling_budget')
    )
"""

SHOWN = ("meta_campaigns", "meta_ad_sets", "meta_ads", "meta_creatives")


def upgrade() -> None:
    """Create both tables, and settle on the safe side what was spent; what was made before has no baseline."""
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
    op.execute(SETTLED_ON_THE_SAFE_SIDE)


def downgrade() -> None:
    """Drop both tables and the baselines; what is set aside stays."""
    for table in SHOWN:
        op.drop_column(table, "baseline")
    op.drop_table("pacing")
    op.drop_table("files")
