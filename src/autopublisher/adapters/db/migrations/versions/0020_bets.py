"""Accounts may let bets be published without a person; those that are there do not."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for how far."""
    op.add_column("accounts", sa.Column("bet_loss_percent", sa.Integer()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("accounts", "bet_loss_percent")
