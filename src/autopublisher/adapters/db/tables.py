"""The tables. Column names are the domain's field names, so most rows need no translation.

Money is whole minor units; a moment is aware UTC; a reference to a run is a foreign key. ``idempotency_key`` and the ids
Meta gave campaigns, ad sets and ads are unique. Image hashes are not: two runs may show the same picture.
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from autopublisher.adapters.db.column_types import NAME, RECORD, SERIAL, Moment, Said, Word, Words
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.claims import ClaimState
from autopublisher.domain.campaigns.campaign import CampaignState, Reason
from autopublisher.domain.journal.operations import Action, ObjectKind, OperationState
from autopublisher.domain.messages import LEGACY
from autopublisher.domain.money.limits import Period
from autopublisher.domain.people import TokenKind
from autopublisher.domain.runs.run import Control, RunStatus

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


_ADDED_UP = ("period", "first", "most", "run_id", "ended_at")


def _run_id() -> Column[str]:
    return Column("run_id", NAME, ForeignKey("runs.id"), nullable=False)


accounts = Table(
    "accounts",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("act_id", NAME, nullable=False, unique=True),
    Column("name", NAME, nullable=False),
    Column("currency", NAME, nullable=False),
    Column("timezone", NAME, nullable=False),
    Column("defaults", RECORD, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("business_id", NAME),
    Column("daily_limit", BigInteger),
    Column("monthly_limit", BigInteger),
    Column("bet_loss_percent", Integer),
)

creatives = Table(
    "creatives",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("account_id", NAME, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", NAME, nullable=False),
    Column("storage_key", NAME, nullable=False),
    Column("sha256", NAME, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("mime_type", NAME, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
)

runs = Table(
    "runs",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("account_id", NAME, ForeignKey("accounts.id"), nullable=False),
    Column("act_id", NAME, nullable=False, index=True),
    Column("currency", NAME, nullable=False),
    Column("total_budget_minor", BigInteger, nullable=False),
    Column("status", Word(RunStatus), nullable=False, index=True),
    Column("version", Integer, nullable=False, index=True),
    Column("control", Word(Control), nullable=False),
    Column("idempotency_key", NAME, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("next_tick_at", Moment, index=True),
    Column("admitted_at", Moment),
    Column("ended_at", Moment),
    Column("request", RECORD, nullable=False),
    Column("details", RECORD, nullable=False),
    # By which rule what it reserves is stored in ``reservations``; NULL where that has to be counted from its journal.
    Column("counted_by", NAME),
    Index(None, "created_at", "id"),
    Index("ix_runs_counted_by", "act_id", "counted_by", "currency", "ended_at"),
)

reservations = Table(
    "reservations",
    METADATA,
    _run_id(),
    Column("period", Word(Period), nullable=False),
    # Days, as ISO text.
    Column("first", NAME, nullable=False),
    Column("last", NAME, nullable=False),
    Column("most", BigInteger, nullable=False),
    # Of the run, so that those of many are added up from an index alone.
    Column("act_id", NAME, nullable=False),
    Column("currency", NAME, nullable=False),
    Column("ended_at", Moment),
    PrimaryKeyConstraint("run_id", "period", "first", "last"),
    Index("ix_reservations_act_id", "act_id", "currency", "last", *_ADDED_UP),
    Index("ix_reservations_currency", "currency", "last", *_ADDED_UP),
)

commitments = Table(
    "commitments",
    METADATA,
    _run_id(),
    Column("record", RECORD, nullable=False),
    PrimaryKeyConstraint("run_id"),
)

operations = Table(
    "operations",
    METADATA,
    # The id of the run or of the account, whichever of the two it belongs to.
    Column("owner", NAME, nullable=False),
    Column("run_id", NAME, ForeignKey("runs.id")),
    Column("act_id", NAME, ForeignKey("accounts.act_id")),
    Column("key", NAME, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("action", Word(Action), nullable=False),
    Column("kind", Word(ObjectKind), nullable=False),
    Column("params", RECORD, nullable=False),
    Column("target", NAME),
    Column("token", NAME),
    Column("variant", NAME),
    Column("reserves", BigInteger, nullable=False),
    Column("state", Word(OperationState), nullable=False, index=True),
    Column("intended_at", Moment, nullable=False),
    Column("meta_id", NAME, index=True),
    Column("sent_at", Moment),
    Column("settled_at", Moment),
    Column("attempts", Integer, nullable=False),
    Column("lookups", Integer, nullable=False),
    Column("look_again_at", Moment),
    Column("error", Said),
    Column("spent", BigInteger),
    PrimaryKeyConstraint("owner", "key"),
    UniqueConstraint("owner", "sequence"),
    CheckConstraint("(run_id IS NULL) <> (act_id IS NULL)", "one_owner"),
    CheckConstraint("owner = COALESCE(run_id, act_id)", "owner_is_one_of_both"),
)

variants = Table(
    "variants",
    METADATA,
    _run_id(),
    Column("letter", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    Column("creative_id", NAME, nullable=False),
    Column("headline", Text, nullable=False),
    Column("primary_text", Text, nullable=False),
    Column("call_to_action", NAME),
    Column("placements", Words, nullable=False),
    PrimaryKeyConstraint("run_id", "letter"),
)


def _meta_table(name: str, meta_id: Column[str]) -> Table:
    return Table(
        name,
        METADATA,
        Column("id", NAME, primary_key=True),
        _run_id(),
        Column("act_id", NAME, nullable=False),
        Column("kind", Word(ObjectKind), nullable=False),
        Column("key", NAME, nullable=False),
        Column("variant", NAME),
        meta_id,
        Column("parent_meta_id", NAME),
        Column("name", Text, nullable=False),
        Column("status", NAME, nullable=False),
        Column("effective_status", NAME, nullable=False),
        Column("created_at", Moment, nullable=False),
        Column("read_at", Moment, nullable=False),
        Column("budget", BigInteger),
        Column("ends_at", Moment),
        Column("baseline", RECORD),
        UniqueConstraint("run_id", "key"),
    )


meta_campaigns = _meta_table("meta_campaigns", Column("meta_id", NAME, nullable=False, unique=True))
meta_ad_sets = _meta_table("meta_ad_sets", Column("meta_id", NAME, nullable=False, unique=True))
meta_ads = _meta_table("meta_ads", Column("meta_id", NAME, nullable=False, unique=True))
meta_creatives = _meta_table("meta_creatives", Column("meta_id", NAME, nullable=False, index=True))

META_TABLES: Mapping[ObjectKind, Table] = {
    ObjectKind.CAMPAIGN: meta_campaigns,
    ObjectKind.AD_SET: meta_ad_sets,
    ObjectKind.AD: meta_ads,
    ObjectKind.CREATIVE: meta_creatives,
    ObjectKind.IMAGE: meta_creatives,
    ObjectKind.RULE: meta_creatives,
    ObjectKind.STUDY: meta_creatives,
}
"""Where the Meta model of each kind lies."""

decisions = Table(
    "decisions",
    METADATA,
    _run_id(),
    Column("sequence", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("sentence_en", Text, nullable=False),
    Column("sentence_es", Text, nullable=False),
    Column("money", Text),
    PrimaryKeyConstraint("run_id", "sequence"),
)

insight_snapshots = Table(
    "insight_snapshots",
    METADATA,
    _run_id(),
    Column("at", Moment, nullable=False),
    Column("variant", NAME, nullable=False),
    Column("spend", BigInteger, nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("clicks", BigInteger, nullable=False),
    Column("conversions", BigInteger, nullable=False),
    Column("revenue", BigInteger, nullable=False),
    Column("engagements", BigInteger, nullable=False),
    PrimaryKeyConstraint("run_id", "variant", "at"),
)

events = Table(
    "events",
    METADATA,
    Column("id", SERIAL, primary_key=True),
    Column("run_id", NAME, ForeignKey("runs.id"), index=True),
    Column("at", Moment, nullable=False),
    Column("tag", NAME, nullable=False),
    Column("actor", NAME, nullable=False),
    # What an earlier release wrote as a sentence; a message has its code and what fills it.
    Column("message", Text, nullable=False),
    Column("data", RECORD, nullable=False),
    Column("code", NAME, nullable=False, server_default=LEGACY),
    Column("params", RECORD, nullable=False, server_default="{}"),
    # Numbers of deleted rows are never given out again, so a gap stays visible.
    sqlite_autoincrement=True,
)

stops = Table(
    "stops",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("act_id", NAME, ForeignKey("accounts.act_id")),
    Column("reason", Text, nullable=False),
    Column("by", NAME, nullable=False),
    Column("at", Moment, nullable=False),
    Column("lifted_at", Moment, index=True),
    Column("lifted_by", NAME),
    Column("lift_reason", Text, nullable=False),
    Column("reactivate", Boolean, nullable=False),
    Column("report", RECORD),
)

watches = Table(
    "watches",
    METADATA,
    Column("act_id", NAME, ForeignKey("accounts.act_id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("next_look_at", Moment, nullable=False, index=True),
    Column("looked_at", Moment),
    Column("tries", Integer, nullable=False),
    Column("report", RECORD, nullable=False),
)

campaigns = Table(
    "campaigns",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("run_id", NAME, ForeignKey("runs.id"), nullable=False, unique=True),
    Column("act_id", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Word(CampaignState), nullable=False),
    Column("since", Moment, nullable=False),
    Column("reason", Word(Reason)),
    Column("detail", Text, nullable=False),
    Column("currency", NAME, nullable=False),
    Column("budget", BigInteger, nullable=False),
    Column("spent", BigInteger),
    Column("spent_at", Moment),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("campaign_meta_id", NAME),
    Column("ad_set_meta_id", NAME),
    Column("ad_meta_id", NAME),
    Index(None, "act_id", "state"),
)

finished_tests = Table(
    "finished_tests",
    METADATA,
    _run_id(),
    Column("criterion", NAME, nullable=False),
    Column("act_id", NAME, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("measured", RECORD, nullable=False),
    PrimaryKeyConstraint("run_id", "criterion"),
    Index(None, "act_id", "criterion"),
)

files = Table(
    "files",
    METADATA,
    Column("key", NAME, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("written_at", Moment, nullable=False),
)

pacing = Table(
    "pacing",
    METADATA,
    Column("subject", NAME, primary_key=True),
    Column("state", RECORD, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

listing_lags = Table(
    "listing_lags",
    METADATA,
    Column("seen_at", Moment, primary_key=True),
    Column("milliseconds", BigInteger, nullable=False),
)

installation = Table(
    "installation",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", NAME, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("restoration", RECORD),
)

claims = Table(
    "claims",
    METADATA,
    Column("act_id", NAME, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("nonces", Words, nullable=False),
    Column("place", NAME),
    Column("state", Word(ClaimState), nullable=False),
    # What an earlier release wrote as a sentence; a message stands in ``said``.
    Column("why", Text, nullable=False),
    Column("said", RECORD),
    Column("take_over", Boolean, nullable=False),
    Column("again_at", Moment),
)

users = Table(
    "users",
    METADATA,
    Column("id", NAME, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("role", Word(Role), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("active", Boolean, nullable=False),
    # The newest networks the person signed in from.
    Column("addresses", RECORD, nullable=False, server_default="[]"),
)

# Of no person in particular: a key is the hash of a name, of an address, or of both.
sign_in_failures = Table(
    "sign_in_failures",
    METADATA,
    Column("key", NAME, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Moment, nullable=False, index=True),
    Column("closed_until", Moment),
)

tokens = Table(
    "tokens",
    METADATA,
    Column("hash", NAME, primary_key=True),
    Column("user_id", NAME, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", Word(TokenKind), nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)
