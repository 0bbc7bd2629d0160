"""Money decisions stand beside the verdicts they were reached with; those that are there have none."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for them."""
    op.add_column("decisions", sa.Column("money", sa.Text()))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("decisions", "money")
