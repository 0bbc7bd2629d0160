"""The kill switch's stops, and a watch for each ad account."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Create both tables and give every account that is there its watch, due at once."""
    op.create_table(
        "stops",
        sa.Column("id", NAME, nullable=False),
        sa.Column("act_id", NAME),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT),
        sa.Column("lifted_by", NAME),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.Column("reactivate", sa.Boolean(), nullable=False),
        sa.Column("report", sa.JSON()),
        sa.ForeignKeyConstraint(["act_id"], ["accounts.act_id"], name="fk_stops_act_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stops"),
    )
    op.create_index("ix_stops_lifted_at", "stops", ["lifted_at"])
    op.create_table(
        "watches",
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_look_at", MOMENT, nullable=False),
        sa.Column("looked_at", MOMENT),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["act_id"], ["accounts.act_id"], name="fk_watches_act_id"),
        sa.PrimaryKeyConstraint("act_id", name="pk_watches"),
    )
    op.create_index("ix_watches_next_look_at", "watches", ["next_look_at"])
    op.execute(
        "INSERT INTO watches (act_id, version, next_look_at, tries, report) "
        "SELECT act_id, 1, created_at, 0, '{}' FROM accounts"
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("watches")
    op.drop_table("stops")
