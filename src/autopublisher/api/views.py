"""What callers receive, as pydantic models: the brief's response field for field, then the documented extras."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from autopublisher.api.evidence_views import MoneyDecisionOut, OutcomeOut, VerdictOut
from autopublisher.api.told import Told
from autopublisher.domain.access import Role
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.runs.approvals import Basis
from autopublisher.domain.runs.run import RunStatus, Way

EXAMPLE_RESPONSE: dict[str, Any] = {
    "run_id": "8c0f0a38-9b0a-4c61-8c0a-7a1f6a4b0c55",
    "status": "completed",
    "campaign_ids": ["1f2e3d4c-0000-4000-8000-000000000001", "1f2e3d4c-0000-4000-8000-000000000002"],
    "winner_selection": {
        "winner_variant_id": "8c0f0a38-9b0a-4c61-8c0a-7a1f6a4b0c55:A",
        "winner_name": "Test Campaign - Variant A",
        "winner_metrics": {"spend": 50.0, "roas": 3.5, "conversions": 45},
        "improvement_percentage": 25.5,
        "basis": "proven",
    },
    "overall_roas": 2.8,
    "logs": ["2026-12-01T09:00:00+00:00 The run was accepted."],
}
"""The brief's response; the extras are left out of the example."""


SPENT = "What Meta reports to have been spent, the final campaign's included, in major units."
COULD_STILL_BE_SPENT = "What Meta could still spend at worst, as the exposure has it, in major units."
FINAL_CAMPAIGN = (
    "The campaign that publishes the winner; it is looked after until it has settled, after the run, too."
)
SPENT_AT = "When the figures of `spent` were last read at Meta; null before that."


class WinnerMetricsOut(Told):
    """The winner's figures in the test, money in major units."""

    spend: float
    roas: float | None
    conversions: int


class WinnerSelectionOut(Told):
    """Which variant is published: the proven winner, or a person's choice; what the test found stands in ``verdict``."""

    winner_variant_id: str
    winner_name: str
    winner_metrics: WinnerMetricsOut
    improvement_percentage: float | None = Field(
        description="How much better it is than its nearest rival by the run's criterion, in per cent: the verdict's best"
        " estimate (`verdict.improvement` has range and what was seen); null for a choice that is not the leader."
    )
    basis: Basis | None = Field(
        description="What the selection rests on: proof; the money decision, or `decide` mode, which prove nothing; a person"
        " where the evidence named nobody; or a person against the evidence."
    )


class VariantOut(Told):
    """One variant's figures as last reported, money in major units; rates are null where nothing was divided by."""

    variant_id: str
    letter: str
    name: str
    creative_id: str
    headline: str
    primary_text: str
    state: str
    spend: float
    revenue: float
    impressions: int
    clicks: int
    conversions: int
    roas: float | None
    roas_low: float | None
    roas_high: float | None
    cpa: float | None
    ctr: float | None
    cvr: float | None
    figures_at: datetime | None = Field(description="When Meta reported these figures.")


class ReleaseOut(Told):
    """A person's release of a variant, or their word to keep all."""

    variant_id: str | None = Field(description="Null where all are kept.")
    way: Way = Field(description="How it is published.")
    by: str
    at: datetime
    comment: str
    override: bool = Field(description="Whether it goes against the verdict.")


class ApprovalOut(Told):
    """What a person is, or was, asked to release. ``digest`` names the plan they see."""

    required: bool
    expires_at: datetime | None
    digest: str
    leader: str | None
    winner: str | None
    released: ReleaseOut | None


class LinksOut(Told):
    """Where to go from here."""

    self: str
    publish_winner: str
    cancel: str
    page: str


class ClosingObjectOut(Told):
    """One object at the end of its run."""

    key: str
    kind: str
    meta_id: str | None
    done: str
    state: str | None
    read_at: datetime | None


class FindingOut(Told):
    """One value that somebody else has changed at Meta, as the account's last look found it."""

    key: str
    kind: str
    meta_id: str
    field: str
    wanted: str
    shown: str
    threat: bool = Field(description="Whether more could be spent with it than is set aside.")
    since: datetime
    sentence: str


class ProgressOut(Told):
    """How far a test has come, in shares of what was planned (0 to 1), each with its moment."""

    evidence: float | None = Field(
        description="Spend whose purchases can have been reported, at `evidence_at`."
    )
    evidence_at: datetime | None
    money: float = Field(description="Spend at `figures_at`.")
    time: float = Field(description="Time gone by at `figures_at`.")
    figures_at: datetime
    test_ends_at: datetime
    test_may_last_until: datetime | None = Field(
        description="Until when the test may go on past `test_ends_at`, its money set aside; null where it may not."
    )
    next_analysis_at: datetime | None = Field(
        description="Expected at the present pace; null when the last one was made."
    )


class FoundObjectOut(Told):
    """One object at Meta that this database lacks, or knew otherwise; money in major units, null where it has no budget."""

    key: str
    kind: str
    meta_id: str | None
    name: str
    status: str
    read_at: datetime
    spent: float | None
    possible: float | None = Field(description="What it can have spent in the end, at worst.")


class OlderOut(Told):
    """Why a run is held: its database is older than what Meta shows. ``found_digest`` is what a word to adopt names."""

    sentence: str
    found_digest: str
    currency: str
    objects: list[FoundObjectOut]
    adopt: str


class FinalCampaignOut(Told):
    """The final campaign as its account's watch last found it; money in major units of ``currency``."""

    state: CampaignState
    since: datetime = Field(description="When that state began, as far as it was seen.")
    reason: str | None = Field(description="Why it is refused, paused or over.")
    reason_code: str | None = Field(description="The same as a code, which does not change.")
    currency: str
    budget: float = Field(description="What is set aside for it.")
    spent: float = Field(description="What Meta reports it to have spent.")
    spent_at: datetime | None = Field(description="When Meta last said so; null before that.")
    could_still_be_spent: float
    starts_at: datetime
    ends_at: datetime
    campaign_id: str | None = Field(description="Meta's id, once it is created; so are the next two.")
    ad_set_id: str | None
    ad_id: str | None
    review: str | None = Field(description="Meta's effective status of its ad.")
    read_at: datetime | None = Field(description="When that was read.")


class SaidOut(Told):
    """What is said, beside its sentence: its code in the catalogue, and what fills it."""

    code: str
    params: dict[str, Any] = Field(
        description="Money as `minor` and `currency`, a moment as `at`, a day as `day`, a message within as code and params."
    )


class LogLineOut(SaidOut):
    """A line of the log as a code."""

    at: datetime
    actor: str
    tag: str = Field(description="Source, subject and action.")


class RunSummaryOut(Told):
    """A run in a list; money in major units."""

    run_id: str
    status: RunStatus
    campaign_name: str
    meta_account_id: str
    total_budget: float
    currency: str
    spent: float = Field(description=SPENT)
    could_still_be_spent: float = Field(description=COULD_STILL_BE_SPENT)
    spent_at: datetime | None = Field(description=SPENT_AT)
    final_campaign: FinalCampaignOut | None = Field(description=FINAL_CAMPAIGN)
    created_at: datetime
    created_by: str
    scheduled_for: datetime | None = Field(description="When it begins; null: at once.")
    ended_at: datetime | None
    attention: str | None
    failure: str | None


class RunPageOut(Told):
    """One page of runs, newest first; ``next`` is the cursor of the page after it."""

    runs: list[RunSummaryOut]
    next: str | None


class RunOut(Told):
    """A run: the brief's response, then the extras."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"example": EXAMPLE_RESPONSE})

    run_id: str
    status: RunStatus
    campaign_ids: list[str] = Field(description="Our ids of the run's campaigns.")
    winner_selection: WinnerSelectionOut | None
    overall_roas: float | None
    logs: list[str]

    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    ended_at: datetime | None
    scheduled_for: datetime | None
    campaign_name: str
    meta_account_id: str
    objective: str = Field(description="As it was asked for.")
    meta_objective: str | None = Field(description="Meta's name of it, once the run is planned.")
    warnings: list[str]
    meta_campaign_ids: list[str] = Field(description="Meta's ids of the same campaigns, in the same order.")
    variants: list[VariantOut]
    verdict: VerdictOut | None
    outcome: OutcomeOut | None = Field(
        description="What was expected and what came; null unless published as its money decision says."
    )
    money_decision: MoneyDecisionOut | None = Field(
        description="What deciding is worth in money, beside the verdict; null before the first full day."
    )
    proven: bool = Field(description="Whether the variant selected is a proven winner; an override never is.")
    override: bool = Field(description="Whether a person selected it against the verdict; see ``approval``.")
    randomised: bool | None = Field(
        description="Whether Meta divides, or divided, people at random between the variants; null until decided."
    )
    currency: str
    total_budget: float
    spent: float = Field(description=SPENT)
    could_still_be_spent: float = Field(description=COULD_STILL_BE_SPENT)
    spent_at: datetime | None = Field(description=SPENT_AT)
    final_campaign: FinalCampaignOut | None = Field(description=FINAL_CAMPAIGN)
    approval: ApprovalOut
    test_starts_at: datetime | None
    test_ends_at: datetime | None
    figures_at: datetime | None = Field(
        description="When Meta reported the figures that `spent` and rates rest on."
    )
    progress: ProgressOut | None = Field(
        description="How far the test has come; null before its first figures."
    )
    cancelling: bool = Field(
        description="Whether a person has asked for an end that is still being carried out."
    )
    failure: str | None
    attention: str | None
    closing: list[ClosingObjectOut] = Field(
        description="Once the run has ended: every object it made, what was done with it, what Meta showed of it then."
    )
    findings: list[FindingOut] = Field(description="What somebody else has changed at Meta and is so still.")
    events: list[LogLineOut] = Field(description="The lines of `logs` as codes.")
    warning_codes: list[SaidOut] = Field(description="`warnings` as codes.")
    attention_code: SaidOut | None = Field(description="`attention` as a code.")
    failure_code: SaidOut | None = Field(description="`failure` as a code.")
    older: OlderOut | None = Field(
        description="Set while the run is held because its database is older than what Meta shows."
    )
    links: LinksOut


class TokenOut(Told):
    """A fresh bearer token; it is shown once and kept only as a hash."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the scheme (RFC 6750), no secret
    expires_in: int = Field(description="Seconds.")


class UserOut(Told):
    """Who a token belongs to."""

    id: str
    username: str
    role: Role
    permissions: list[str]


class AdDefaultsOut(Told):
    """What the ads of an account carry besides their creative."""

    page_id: str | None
    instagram_user_id: str | None
    pixel_id: str | None
    conversion_event: str | None
    link_url: str | None
    call_to_action: str | None
    dsa_beneficiary: str | None
    dsa_payor: str | None
    regional_identities: dict[str, str] | None


class AccountOut(Told):
    """An ad account we may act on."""

    id: str
    act_id: str
    name: str
    currency: str
    timezone: str
    business_id: str | None
    daily_limit: float | None = Field(description="The most it may spend a day at worst, in major units.")
    monthly_limit: float | None = Field(description="The same for a calendar month.")
    bet_loss_percent: int | None = Field(
        description="What a bet may be expected to lose, in per cent of a run's total budget, that is published without a"
        " person; null: a person is always asked."
    )
    defaults: AdDefaultsOut
    created_at: datetime


class AccountsOut(Told):
    """All ad accounts, by name."""

    accounts: list[AccountOut]


class CreativeOut(Told):
    """An image that runs can test."""

    id: str
    meta_account_id: str
    name: str
    mime_type: str
    sha256: str
    created_at: datetime


class AddedCreativeOut(CreativeOut):
    """A creative that was uploaded now."""

    warnings: list[str] = Field(description="What Meta may do to a picture of this size where it is shown.")


class CreativesOut(Told):
    """An account's creatives, oldest first."""

    creatives: list[CreativeOut]


class WorkOut(Told):
    """The work engine of this process."""

    running: bool
    executor_id: str
    waiting: int
    in_flight: int


class HeldOut(Told):
    """A stop that holds, in brief; without ``act_id`` it stops everything."""

    stop_id: str
    act_id: str | None
    reason: str
    by: str
    at: datetime


class LookOut(Told):
    """The last look at an account and what it left open."""

    act_id: str
    looked_at: datetime | None
    open: list[str]


class HealthDetailsOut(Told):
    """What is checked for those who may know; a failing part says why."""

    now: datetime | None
    database: str
    work: WorkOut | None
    work_error: str | None
    meta: str = Field(description="What the last looks at the accounts found; Meta is not asked for this.")
    meta_at: datetime | None = Field(description="When that was found; null before the first look.")
    runs_by_status: dict[RunStatus, int]
    overdue_runs: int
    oldest_overdue_seconds: float | None
    stops: list[HeldOut] = Field(description="The stops that hold.")
    looks: list[LookOut] = Field(description="When each account was last compared with its journals.")


class HealthOut(Told):
    """Whether the system is well; ``details`` only for those who may know them."""

    status: Literal["ok", "degraded"]
    version: str
    mode: str
    enabled: bool
    details: HealthDetailsOut | None = None


class ProblemFieldOut(Told):
    """One thing wrong with the input."""

    field: str
    reason: str
    remedy: str
    code: str


class ProblemOut(Told):
    """An error (RFC 9457): ``detail`` says what happened, ``remedy`` what can be done."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ProblemFieldOut]
    remedy: str
    request_id: str | None = None
