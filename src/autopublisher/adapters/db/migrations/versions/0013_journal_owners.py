"""A row of the journal belongs to a run or to an ad account; those that are there belong to their runs."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Give every row its owner, of which there is exactly one."""
    with op.batch_alter_table("operations") as operations:
        operations.add_column(sa.Column("owner", NAME))
        operations.add_column(sa.Column("act_id", NAME))
    op.execute("UPDATE operations SET owner = run_id")
    with op.batch_alter_table("operations") as operations:
        operations.drop_constraint("uq_operations_run_id_sequence", type_="unique")
        operations.drop_constraint("pk_operations", type_="primary")
        operations.alter_column("owner", existing_type=NAME, nullable=False)
        operations.alter_column("run_id", existing_type=NAME, nullable=True)
        operations.create_primary_key("pk_operations", ["owner", "key"])
        operations.create_unique_constraint("uq_operations_owner_sequence", ["owner", "sequence"])
        operations.create_foreign_key("fk_operations_act_id", "accounts", ["act_id"], ["act_id"])
        operations.create_check_constraint("one_owner", "(run_id IS NULL) <> (act_id IS NULL)")
        operations.create_check_constraint("owner_is_one_of_both", "owner = COALESCE(run_id, act_id)")


def downgrade() -> None:
    """Take the accounts' rows out, which an earlier release has no place for."""
    op.execute("DELETE FROM operations WHERE run_id IS NULL")
    with op.batch_alter_table("operations") as operations:
        operations.drop_constraint(op.f("ck_operations_one_owner"), type_="check")
        operations.drop_constraint(op.f("ck_operations_owner_is_one_of_both"), type_="check")
        operations.drop_constraint("fk_operations_act_id", type_="foreignkey")
        operations.drop_constraint("uq_operations_owner_sequence", type_="unique")
        operations.drop_constraint("pk_operations", type_="primary")
        operations.drop_column("owner")
        operations.drop_column("act_id")
        operations.alter_column("run_id", existing_type=NAME, nullable=False)
        operations.create_primary_key("pk_operations", ["run_id", "key"])
        operations.create_unique_constraint("uq_operations_run_id_sequence", ["run_id", "sequence"])
