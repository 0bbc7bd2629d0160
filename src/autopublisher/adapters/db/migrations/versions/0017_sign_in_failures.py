"""Wrong passwords as all processes count them, so that several together allow no more attempts than one."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table; whatever was counted in the memory of a process is forgotten with it."""
    op.create_table(
        "sign_in_failures",
        sa.Column("key", _NAME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", _MOMENT, nullable=False),
        sa.Column("closed_until", _MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_failed_at", "sign_in_failures", ["failed_at"])


def downgrade() -> None:
    """Count in each process again."""
    op.drop_table("sign_in_failures")
