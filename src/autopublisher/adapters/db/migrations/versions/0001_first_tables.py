"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create every table; those that others refer to come first."""
    _accounts()
    _users()
    _creatives()
    _runs()
    _tokens()
    _decisions()
    _events()
    _insight_snapshots()
    _operations()
    _variants()
    for name in ("meta_campaigns", "meta_ad_sets", "meta_ads"):
        _meta_models(name, sa.UniqueConstraint("meta_id", name=f"uq_{name}_meta_id"))
    _meta_models("meta_creatives")
    op.create_index("ix_meta_creatives_meta_id", "meta_creatives", ["meta_id"])


def downgrade() -> None:
    """Drop every table; those that refer to others go first."""
    for name in ("meta_creatives", "meta_ads", "meta_ad_sets", "meta_campaigns"):
        op.drop_table(name)
    for name in ("variants", "operations", "insight_snapshots", "events", "decisions"):
        op.drop_table(name)
    for name in ("tokens", "runs", "creatives", "users", "accounts"):
        op.drop_table(name)


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", NAME, nullable=False),
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("currency", NAME, nullable=False),
        sa.Column("timezone", NAME, nullable=False),
        sa.Column("defaults", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("business_id", NAME),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("act_id", name="uq_accounts_act_id"),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )


def _creatives() -> None:
    op.create_table(
        "creatives",
        sa.Column("id", NAME, nullable=False),
        sa.Column("account_id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("storage_key", NAME, nullable=False),
        sa.Column("sha256", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("mime_type", NAME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_creatives_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_creatives"),
    )
    op.create_index("ix_creatives_account_id", "creatives", ["account_id"])


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", NAME, nullable=False),
        sa.Column("account_id", NAME, nullable=False),
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("currency", NAME, nullable=False),
        sa.Column("total_budget_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("idempotency_key", NAME),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("next_tick_at", MOMENT),
        sa.Column("admitted_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_runs_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("idempotency_key", name="uq_runs_idempotency_key"),
    )
    op.create_index("ix_runs_act_id", "runs", ["act_id"])
    op.create_index("ix_runs_created_at_id", "runs", ["created_at", "id"])
    op.create_index("ix_runs_next_tick_at", "runs", ["next_tick_at"])
    op.create_index("ix_runs_status", "runs", ["status"])


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("hash", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_tokens"),
    )
    op.create_index("ix_tokens_user_id", "tokens", ["user_id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("sentence_en", sa.Text(), nullable=False),
        sa.Column("sentence_es", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_decisions_run_id"),
        sa.PrimaryKeyConstraint("run_id", "sequence", name="pk_decisions"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("run_id", NAME),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("tag", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_events_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_run_id", "events", ["run_id"])


def _insight_snapshots() -> None:
    op.create_table(
        "insight_snapshots",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("variant", NAME, nullable=False),
        sa.Column("spend", sa.BigInteger(), nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("conversions", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("engagements", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_insight_snapshots_run_id"),
        sa.PrimaryKeyConstraint("run_id", "at", "variant", name="pk_insight_snapshots"),
    )


def _operations() -> None:
    op.create_table(
        "operations",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("target", NAME),
        sa.Column("token", NAME),
        sa.Column("variant", NAME),
        sa.Column("reserves", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intended_at", MOMENT, nullable=False),
        sa.Column("meta_id", NAME),
        sa.Column("sent_at", MOMENT),
        sa.Column("settled_at", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lookups", sa.Integer(), nullable=False),
        sa.Column("look_again_at", MOMENT),
        sa.Column("error", sa.Text()),
        sa.Column("spent", sa.BigInteger()),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_operations_run_id"),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_operations"),
        sa.UniqueConstraint("run_id", "sequence", name="uq_operations_run_id_sequence"),
    )
    op.create_index("ix_operations_meta_id", "operations", ["meta_id"])
    op.create_index("ix_operations_state", "operations", ["state"])


def _variants() -> None:
    op.create_table(
        "variants",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("letter", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("creative_id", NAME, nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("primary_text", sa.Text(), nullable=False),
        sa.Column("call_to_action", NAME),
        sa.Column("placements", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_variants_run_id"),
        sa.PrimaryKeyConstraint("run_id", "letter", name="pk_variants"),
    )


def _meta_models(name: str, *more: sa.UniqueConstraint) -> None:
    op.create_table(
        name,
        sa.Column("id", NAME, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("variant", NAME),
        sa.Column("meta_id", NAME, nullable=False),
        sa.Column("parent_meta_id", NAME),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("effective_status", NAME, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("budget", sa.BigInteger()),
        sa.Column("ends_at", MOMENT),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=f"fk_{name}_run_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("run_id", "key", name=f"uq_{name}_run_id_key"),
        *more,
    )
