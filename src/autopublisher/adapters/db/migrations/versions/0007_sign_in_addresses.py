"""The addresses people signed in from, so that nobody is held up by what strangers do to a name."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of whoever signed in before, no address is known."""
    op.add_column("users", sa.Column("addresses", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Forget the addresses."""
    with op.batch_alter_table("users") as users:
        users.drop_column("addresses")
