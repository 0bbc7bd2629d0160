"""Final campaigns, one row each; those of runs that have come to publishing are filled in by what is known of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Written out instead of taken from the code, which will move on while this revision must not.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

# A campaign whose time is over counts as ended wherever it is shown; the first look at its account moves the row on.
PUBLISHED = """
SELECT r.id, r.act_id, r.status, r.details, COALESCE(r.ended_at, r.updated_at) AS since,
    s.meta_id AS ad_set_meta_id, s.spent AS settled, c.meta_id AS campaign_meta_id,
    ad.meta_id AS ad_meta_id, ad.effective_status AS review,
    (mc.status = 'ACTIVE' AND ms.status = 'ACTIVE' AND ad.status = 'ACTIVE') AS is_on,
    i.spend, i.at AS spent_at
FROM runs r
LEFT JOIN operations s ON s.run_id = r.id AND s.key = 'final/adset'
LEFT JOIN operations c ON c.run_id = r.id AND c.key = 'final/campaign'
LEFT JOIN meta_campaigns mc ON mc.run_id = r.id AND mc.key = 'final/campaign'
LEFT JOIN meta_ad_sets ms ON ms.run_id = r.id AND ms.key = 'final/adset'
LEFT JOIN meta_ads ad ON ad.run_id = r.id AND ad.key LIKE 'final/%' AND NOT EXISTS (
    SELECT 1 FROM meta_ads o WHERE o.run_id = r.id AND o.key LIKE 'final/%' AND o.id <> ad.id AND (
        (o.status = 'ACTIVE' AND ad.status <> 'ACTIVE')
        OR ((o.status = 'ACTIVE') = (ad.status = 'ACTIVE') AND o.created_at > ad.created_at)))
LEFT JOIN insight_snapshots i ON i.run_id = r.id AND i.variant = '' AND i.at = (
    SELECT MAX(l.at) FROM insight_snapshots l WHERE l.run_id = r.id AND l.variant = '')
WHERE r.status IN ('publishing_final', 'completed', 'failed', 'cancelled')
"""


def upgrade() -> None:
    """Create the table, and a row for each run that has a final budget."""
    campaigns = op.create_table(
        "campaigns",
        sa.Column("id", NAME, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("act_id", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("currency", NAME, nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger()),
        sa.Column("spent_at", MOMENT),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("campaign_meta_id", NAME),
        sa.Column("ad_set_meta_id", NAME),
        sa.Column("ad_meta_id", NAME),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_campaigns_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("run_id", name="uq_campaigns_run_id"),
    )
    op.create_index("ix_campaigns_act_id_state", "campaigns", ["act_id", "state"])
    connection = op.get_bind()
    for row in connection.execute(sa.text(PUBLISHED)).mappings().all():
        details = json.loads(row["details"]) if isinstance(row["details"], str) else row["details"]
        if details.get("final_budget"):
            filled = _campaign(dict(row), details["final_budget"], connection.dialect.name)
            connection.execute(campaigns.insert().values(**filled))


def _campaign(row: Mapping[str, Any], budget: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    state, reason = _state(row)
    copied = ("act_id", "since", "campaign_meta_id", "ad_set_meta_id", "ad_meta_id", "spent_at")
    spent, settled = row["spend"], row["settled"]
    if settled is not None and settled != (spent or 0) + 1:
        spent = settled  # the unit beside Meta's figure is for its rounding
    return {
        **{name: row[name] for name in copied},
        "id": f"{row['id']}:final",
        "run_id": row["id"],
        "version": 1,
        "state": state,
        "reason": reason,
        "detail": row["review"] if state == "refused" else "",
        "currency": budget["currency"],
        "budget": budget["total"],
        "spent": spent,
        "starts_at": _moment(budget["starts_at"], dialect),
        "ends_at": _moment(budget["ends_at"], dialect),
    }


def _state(row: Mapping[str, Any]) -> tuple[str, str | None]:
    ended = "campaign.run_ended" if row["status"] in {"failed", "cancelled"} else None
    if row["settled"] is not None:
        return "settled", ended
    if ended is not None:
        return "ended", ended
    if row["status"] == "publishing_final":
        return "building", None
    if not row["is_on"]:
        return "paused", "campaign.paused_at_meta"
    if row["review"] in {"DISAPPROVED", "WITH_ISSUES", "PENDING_BILLING_INFO"}:
        return "refused", "campaign.review"
    return ("in_review" if row["review"] in {"PENDING_REVIEW", "IN_PROCESS"} else "delivering"), None


def _moment(text: str, dialect: str) -> datetime | str:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment if dialect == "postgresql" else moment.isoformat(timespec="microseconds")


def downgrade() -> None:
    """Drop the table; the journal has what it was filled from."""
    op.drop_table("campaigns")
