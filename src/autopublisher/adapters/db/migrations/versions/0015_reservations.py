"""What runs reserve is stored by days and months; a run that was there is counted from its journal when that is asked.

A count is taken out by triggers, so whoever writes does it: an earlier release beside this one, or a person's statement.
SQLite's go with their table where a later revision changes it in a batch: that has to drop them before and make them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ADDED_UP = ["period", "first", "most", "run_id", "ended_at"]

ON_JOURNAL = ("INSERT", "UPDATE", "DELETE")
UNCOUNT = "UPDATE runs SET counted_by = NULL WHERE counted_by IS NOT NULL AND id"
# A count is stored under the version it was made of, so that storing one does not take it out.
RUN_CHANGED = """NEW.counted_by IS NOT NULL AND (
    NEW.status <> OLD.status OR NEW.ended_at {differs} OLD.ended_at
    OR NEW.act_id <> OLD.act_id OR NEW.currency <> OLD.currency
    OR NEW.version <> OLD.version AND NEW.status IN ('creating_campaigns', 'publishing_final'))"""

POSTGRES = (
    f"""CREATE OR REPLACE FUNCTION uncount_run_of_row() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
    $$ BEGIN {UNCOUNT} IN (OLD.run_id, NEW.run_id); RETURN NULL; END $$""",
    """CREATE OR REPLACE FUNCTION uncount_run() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.counted_by := NULL; RETURN NEW; END $$""",
    f"""CREATE TRIGGER operations_uncount AFTER {" OR ".join(ON_JOURNAL)} ON operations
    FOR EACH ROW EXECUTE FUNCTION uncount_run_of_row()""",
    f"""CREATE TRIGGER runs_uncount BEFORE UPDATE ON runs FOR EACH ROW
    WHEN ({RUN_CHANGED.format(differs="IS DISTINCT FROM")}) EXECUTE FUNCTION uncount_run()""",
)
SQLITE = (
    f"CREATE TRIGGER operations_uncount_insert AFTER INSERT ON operations BEGIN {UNCOUNT} = NEW.run_id; END",
    f"""CREATE TRIGGER operations_uncount_update AFTER UPDATE ON operations
    BEGIN {UNCOUNT} IN (OLD.run_id, NEW.run_id); END""",
    f"CREATE TRIGGER operations_uncount_delete AFTER DELETE ON operations BEGIN {UNCOUNT} = OLD.run_id; END",
    f"""CREATE TRIGGER runs_uncount AFTER UPDATE ON runs WHEN {RUN_CHANGED.format(differs="IS NOT")}
    BEGIN {UNCOUNT} = NEW.id; END""",
)
POSTGRES_AWAY = (
    "DROP TRIGGER operations_uncount ON operations",
    "DROP TRIGGER runs_uncount ON runs",
    "DROP FUNCTION uncount_run_of_row",
    "DROP FUNCTION uncount_run",
)
SQLITE_AWAY = (
    *(f"DROP TRIGGER operations_uncount_{event.lower()}" for event in ON_JOURNAL),
    "DROP TRIGGER runs_uncount",
)


def upgrade() -> None:
    """Make room for the counts, and have every change of what they depend on take them out."""
    moment = sa.TIMESTAMP(timezone=True).with_variant(sa.Text(), "sqlite")
    op.add_column("runs", sa.Column("counted_by", NAME))
    op.create_index("ix_runs_counted_by", "runs", ["act_id", "counted_by", "currency", "ended_at"])
    op.create_table(
        "reservations",
        sa.Column("run_id", NAME, sa.ForeignKey("runs.id", name="fk_reservations_run_id"), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("first", NAME, nullable=False),
        sa.Column("last", NAME, nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("currency", NAME, nullable=False),
        sa.Column("ended_at", moment),
        sa.PrimaryKeyConstraint("run_id", "period", "first", "last", name="pk_reservations"),
    )
    op.create_index("ix_reservations_act_id", "reservations", ["act_id", "currency", "last", *ADDED_UP])
    op.create_index("ix_reservations_currency", "reservations", ["currency", "last", *ADDED_UP])
    _each(POSTGRES if _is_postgres() else SQLITE)


def downgrade() -> None:
    """Drop the counts."""
    _each(POSTGRES_AWAY if _is_postgres() else SQLITE_AWAY)
    op.drop_table("reservations")
    op.drop_index("ix_runs_counted_by", "runs")
    op.drop_column("runs", "counted_by")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _each(statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.execute(statement)
