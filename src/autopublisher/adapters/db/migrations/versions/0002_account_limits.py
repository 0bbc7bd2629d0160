"""What an ad account may spend a day and a month."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIMITS = ("daily_limit", "monthly_limit")


def upgrade() -> None:
    """Add both limits, in minor units; an account that has none stays without."""
    for name in LIMITS:
        op.add_column("accounts", sa.Column(name, sa.BigInteger()))


def downgrade() -> None:
    """Forget the limits."""
    for name in LIMITS:
        op.drop_column("accounts", name)
