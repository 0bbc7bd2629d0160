"""How late Meta has listed new objects, as far as it was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Create the table; nothing is known of what was seen before."""
    op.create_table(
        "listing_lags",
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seen_at", name="pk_listing_lags"),
    )


def downgrade() -> None:
    """Forget what was seen."""
    op.drop_table("listing_lags")
