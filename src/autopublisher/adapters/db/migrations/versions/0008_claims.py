"""What the installation claims: the ad accounts it writes to, and by which start."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Create the table; an account is claimed before it is next written to."""
    op.create_table(
        "claims",
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("nonces", sa.JSON(), nullable=False),
        sa.Column("place", NAME),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("take_over", sa.Boolean(), nullable=False),
        sa.Column("again_at", MOMENT),
        sa.PrimaryKeyConstraint("act_id", name="pk_claims"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("claims")
