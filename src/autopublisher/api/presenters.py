"""From what the flows return to what callers receive."""

from datetime import datetime

from autopublisher.api.evidence_presenter import (
    major,
    present_money_decision,
    present_outcome,
    present_verdict,
    variant_id,
    variant_of,
)
from autopublisher.api.views import (
    AccountOut,
    AdDefaultsOut,
    ApprovalOut,
    ClosingObjectOut,
    CreativeOut,
    FinalCampaignOut,
    FindingOut,
    FoundObjectOut,
    HealthDetailsOut,
    HeldOut,
    LinksOut,
    LogLineOut,
    LookOut,
    OlderOut,
    ProgressOut,
    ReleaseOut,
    RunOut,
    RunSummaryOut,
    SaidOut,
    UserOut,
    VariantOut,
    WinnerMetricsOut,
    WinnerSelectionOut,
    WorkOut,
)
from autopublisher.domain.access import GRANTS
from autopublisher.domain.accounts.accounts import Account, AdDefaults, Creative
from autopublisher.domain.amounts import Money
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Event
from autopublisher.domain.messages import Message
from autopublisher.domain.people import User
from autopublisher.domain.reconciliation.findings import Finding
from autopublisher.domain.runs.run import Control, Run
from autopublisher.domain.runs.run_messages import RunMessage
from autopublisher.flows.requests.monitor import Health
from autopublisher.flows.requests.reports import RunView, VariantView
from autopublisher.flows.requests.run_money import FinalView, RunExposure
from autopublisher.messages import Language, render
from autopublisher.views.progress import progress_of

STATUS_PATH = "/meta/autopilot/status/"


def present_run(view: RunView, reader: Language) -> RunOut:
    """Return a run as the brief's response, with the extras; what is said is in the reader's language."""
    run = view.run
    campaigns = [one for one in view.objects if one.kind is ObjectKind.CAMPAIGN]
    return RunOut(
        run_id=run.id,
        status=run.status,
        campaign_ids=[one.id for one in campaigns],
        winner_selection=_winner_selection(view),
        overall_roas=view.overall_roas,
        logs=[_log_line(event, reader) for event in view.events],
        version=run.version,
        created_at=run.created_at,
        created_by=run.created_by,
        updated_at=run.updated_at,
        ended_at=run.ending.at,
        scheduled_for=run.request.scheduled_for,
        campaign_name=run.request.campaign_name,
        meta_account_id=run.account_id,
        objective=run.request.objective,
        meta_objective=run.objective or None,
        warnings=[render(one, reader) for one in view.warnings],
        meta_campaign_ids=[one.meta_id for one in campaigns],
        variants=[_variant(run.id, one) for one in view.variants],
        verdict=present_verdict(view),
        outcome=present_outcome(view, reader),
        money_decision=present_money_decision(view),
        proven=run.release.is_proven,
        override=view.is_overridden,
        randomised=run.divides_people,
        currency=run.currency,
        total_budget=float(run.request.budget_config.total_budget),
        spent=major(view.spent),
        could_still_be_spent=major(view.could_still_spend),
        spent_at=view.as_of,
        final_campaign=_final_campaign(view.final, reader),
        approval=_approval(view),
        test_starts_at=run.trial.starts_at,
        test_ends_at=run.trial.ends_at,
        figures_at=view.figures_at,
        progress=_progress(view),
        cancelling=run.control is Control.CANCEL and not run.is_final,
        failure=_said(run.reason, reader),
        attention=_said(run.attention, reader),
        closing=[ClosingObjectOut(**one) for one in (run.report or {}).get("objects", ())],
        findings=[_finding(one, reader) for one in view.findings],
        events=[_event(one) for one in view.events],
        warning_codes=[_code(one) for one in view.warnings],
        attention_code=None if run.attention is None else _code(run.attention),
        failure_code=None if run.reason is None else _code(run.reason),
        older=_older(view, reader) if view.found else None,
        links=LinksOut(
            self=STATUS_PATH + run.id,
            publish_winner="/meta/autopilot/publish-winner",
            cancel="/meta/autopilot/cancel",
            page=f"/runs/{run.id}",
        ),
    )


def present_summary(run: Run, money: RunExposure, reader: Language) -> RunSummaryOut:
    """Return a run and its money as a line of a list."""
    return RunSummaryOut(
        run_id=run.id,
        status=run.status,
        campaign_name=run.request.campaign_name,
        meta_account_id=run.account_id,
        total_budget=float(run.request.budget_config.total_budget),
        currency=run.currency,
        spent=major(money.spent),
        could_still_be_spent=major(money.could_still_spend),
        spent_at=money.as_of,
        final_campaign=_final_campaign(money.final, reader),
        created_at=run.created_at,
        created_by=run.created_by,
        scheduled_for=run.request.scheduled_for,
        ended_at=run.ending.at,
        attention=_said(run.attention, reader),
        failure=_said(run.reason, reader),
    )


def present_user(user: User) -> UserOut:
    """Return a user with what their role permits."""
    permissions = sorted(permission.value for permission, roles in GRANTS.items() if user.role in roles)
    return UserOut(id=user.id, username=user.name, role=user.role, permissions=permissions)


def present_account(account: Account) -> AccountOut:
    """Return an ad account."""
    defaults = {name: getattr(account.defaults, name) for name in AdDefaults.__dataclass_fields__}
    return AccountOut(
        id=account.id,
        act_id=account.act_id,
        name=account.name,
        currency=account.currency,
        timezone=account.timezone,
        business_id=account.business_id,
        daily_limit=_limit(account.daily_limit, account.currency),
        monthly_limit=_limit(account.monthly_limit, account.currency),
        bet_loss_percent=account.bet_loss_percent,
        defaults=AdDefaultsOut(**defaults),
        created_at=account.created_at,
    )


def _limit(minor: int | None, currency: str) -> float | None:
    return None if minor is None else major(Money(minor, currency))


def present_creative(creative: Creative) -> CreativeOut:
    """Return a creative, without where its bytes lie."""
    return CreativeOut(
        id=creative.id,
        meta_account_id=creative.account_id,
        name=creative.name,
        mime_type=creative.mime_type,
        sha256=creative.sha256,
        created_at=creative.created_at,
    )


def present_health(health: Health, reader: Language) -> HealthDetailsOut:
    """Return what was checked."""
    work = health.work
    return HealthDetailsOut(
        now=health.now,
        database="ok" if health.database is None else render(health.database, reader),
        work=None
        if work is None
        else WorkOut(
            running=work.running, executor_id=work.executor_id, waiting=work.waiting, in_flight=work.in_flight
        ),
        work_error=_said(health.work_error, reader),
        meta="ok" if health.meta_said is None else render(health.meta_said, reader),
        meta_at=health.meta_at,
        runs_by_status=dict(health.runs_by_status),
        overdue_runs=health.overdue_runs,
        oldest_overdue_seconds=health.oldest_overdue_seconds,
        stops=[
            HeldOut(stop_id=one.id, act_id=one.act_id, reason=one.reason, by=one.by, at=one.at)
            for one in health.stops
        ],
        looks=[
            LookOut(
                act_id=one.act_id, looked_at=one.looked_at, open=[render(each, reader) for each in one.open]
            )
            for one in health.looks
        ],
    )


def _older(view: RunView, reader: Language) -> OlderOut:
    return OlderOut(
        sentence=render(RunMessage.IS_OLDER(), reader),
        found_digest=view.found_digest,
        currency=view.run.currency,
        objects=[
            FoundObjectOut(
                key=one.key,
                kind=one.kind.value,
                meta_id=one.meta_id,
                name=one.name,
                status=one.status,
                read_at=one.read_at,
                spent=None if one.spent is None else major(one.spent),
                possible=None if one.possible is None else major(one.possible),
            )
            for one in view.found
        ],
        adopt=f"/meta/autopilot/runs/{view.run.id}/adopt",
    )


def _finding(finding: Finding, reader: Language) -> FindingOut:
    edit = finding.edit
    return FindingOut(
        key=finding.key,
        kind=finding.kind.value,
        meta_id=finding.meta_id,
        field=edit.field,
        wanted=edit.wanted,
        shown=edit.shown,
        threat=edit.threat,
        since=finding.since,
        sentence=render(finding.said, reader),
    )


def _final_campaign(final: FinalView | None, reader: Language) -> FinalCampaignOut | None:
    if final is None:
        return None
    campaign, because = final.campaign, final.campaign.because
    return FinalCampaignOut(
        state=campaign.state,
        since=campaign.since,
        reason=_said(because, reader),
        reason_code=None if because is None else because.code,
        currency=campaign.budget.currency,
        budget=major(campaign.budget),
        spent=major(final.spent),
        spent_at=campaign.spent_at,
        could_still_be_spent=major(final.could_still_spend),
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        campaign_id=campaign.campaign_meta_id,
        ad_set_id=campaign.ad_set_meta_id,
        ad_id=campaign.ad_meta_id,
        review=final.review,
        read_at=final.read_at,
    )


def _winner_selection(view: RunView) -> WinnerSelectionOut | None:
    winner = view.winner_variant
    if winner is None:
        return None
    return WinnerSelectionOut(
        winner_variant_id=variant_id(view.run.id, winner.variant.letter),
        winner_name=winner.variant.name,
        winner_metrics=WinnerMetricsOut(
            spend=major(winner.spend), roas=winner.roas, conversions=winner.figures.conversions
        ),
        improvement_percentage=view.improvement_percentage,
        basis=view.basis,
    )


def _variant(run_id: RunId, view: VariantView) -> VariantOut:
    low, high = view.interval or (None, None)
    return VariantOut(
        variant_id=variant_id(run_id, view.variant.letter),
        letter=view.variant.letter,
        name=view.variant.name,
        creative_id=view.variant.creative_id,
        headline=view.variant.headline,
        primary_text=view.variant.primary_text,
        state=view.state,
        spend=major(view.spend),
        revenue=major(view.revenue),
        impressions=view.figures.impressions,
        clicks=view.figures.clicks,
        conversions=view.figures.conversions,
        roas=view.roas,
        roas_low=low,
        roas_high=high,
        cpa=view.cpa,
        ctr=view.ctr,
        cvr=view.cvr,
        figures_at=view.figures_at,
    )


def _progress(view: RunView) -> ProgressOut | None:
    found = progress_of(view)
    return None if found is None else ProgressOut(**vars(found))


def _approval(view: RunView) -> ApprovalOut:
    run = view.run
    return ApprovalOut(
        required=run.request.require_human_approval,
        expires_at=run.release.expires_at,
        digest=view.digest,
        leader=variant_of(run, run.release.leader),
        winner=variant_of(run, run.release.winner),
        released=_release(run),
    )


def _release(run: Run) -> ReleaseOut | None:
    given = run.release.approval
    if given is None:
        return None
    return ReleaseOut(
        variant_id=variant_of(run, given.variant),
        way=run.release.way,
        by=given.by,
        at=given.at,
        comment=given.comment,
        override=given.override,
    )


def _said(message: Message | None, reader: Language) -> str | None:
    return None if message is None else render(message, reader)


def _code(message: Message) -> SaidOut:
    return SaidOut(**message.to_record())


def _event(event: Event) -> LogLineOut:
    return LogLineOut(at=event.at, actor=event.actor, tag=event.tag, **event.message.to_record())


def _log_line(event: Event, reader: Language) -> str:
    return f"{_moment(event.at)} {render(event.message, reader)}"


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
