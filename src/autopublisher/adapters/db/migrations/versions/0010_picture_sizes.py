"""Sizes of pictures in pixels, so that a request can be judged by where they are to be shown."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAMES = ("width", "height")


def upgrade() -> None:
    """Add the columns; of what was uploaded before, no size is known."""
    for name in NAMES:
        op.add_column("creatives", sa.Column(name, sa.Integer()))


def downgrade() -> None:
    """Forget the sizes."""
    with op.batch_alter_table("creatives") as creatives:
        for name in NAMES:
            creatives.drop_column(name)
