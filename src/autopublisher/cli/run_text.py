"""A run as people read it in a terminal: where it stands, its money, its variants, its verdict, its objects at Meta."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from autopublisher.cli.language import language, worded
from autopublisher.cli.output import Listing, Output, facts_table, say, show, show_json
from autopublisher.domain.amounts import Money
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.moments import in_zone, moment_text
from autopublisher.domain.runs.approvals import Basis
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.flows.requests.reports import RunView, VariantView
from autopublisher.flows.requests.run_money import FinalView, RunExposure
from autopublisher.messages import render
from autopublisher.views.moments import Zones
from autopublisher.views.outcome import outcome_of
from autopublisher.views.progress import Progress, progress_of
from autopublisher.views.worth import worth_of

VARIANT_COLUMNS = (
    "variant",
    "state",
    "spend",
    "revenue",
    "ROAS",
    "ROAS_interval",
    "purchases",
    "clicks",
    "as_of",
)
OBJECT_COLUMNS = ("kind", "meta_id", "status", "effective_status", "name")
RUN_COLUMNS = (
    "run_id",
    "status",
    "campaign",
    "total",
    "spent",
    "could_still_spend",
    "final_campaign",
    "figures_at",
    "created",
    "needs",
)


def show_run(view: RunView, output: Output, zones: Zones) -> None:
    """Write a run to stdout, its moments in its account's zone."""
    zone = zones.get(view.run.act_id, UTC)
    if output is Output.JSON:
        # What the API answers with, and the framework behind it, are for programs alone.
        from autopublisher.api.presenters import present_run  # noqa: PLC0415 - see above

        show_json(present_run(view, language()).model_dump(mode="json"))
    elif output is Output.PLAIN:
        for name, value in facts_of(view, zone).items():
            say(f"{name}\t{value}")
    else:
        show(Group(*_parts(view, zone)))


def run_row(run: Run, money: RunExposure, zones: Zones) -> dict[str, Any]:
    """Return a run as a row of a list, its moment in its account's zone."""
    zone = zones.get(run.act_id, UTC)
    total = Money.from_major(run.request.budget_config.total_budget, run.currency)
    return {
        "run_id": run.id,
        "status": run.status.value,
        "campaign": run.request.campaign_name,
        "total": str(total),
        "spent": str(money.spent),
        "could_still_spend": str(money.could_still_spend),
        "final_campaign": None if money.final is None else money.final.campaign.state.value,
        "figures_at": None if money.as_of is None else money.as_of.astimezone(zone),
        "created": run.created_at.astimezone(zone),
        "needs": _needs(run, zone),
    }


def _needs(run: Run, zone: tzinfo) -> str | None:
    """Return what a run waits for: a person, or its moment."""
    if run.attention is not None:
        return render(run.attention, language(), zone)
    return (
        None
        if run.begins_at is None
        else worded("begins", begins=moment_text(run.begins_at.astimezone(zone)))
    )


def facts_of(view: RunView, zone: tzinfo) -> dict[str, str]:
    """Return what a run comes down to."""
    run = view.run
    facts = {
        "run": run.id,
        "status": run.status.value,
        "campaign": run.request.campaign_name,
        "spent": worded("of", part=view.spent, whole=view.total) + _as_of(view.as_of, zone),
        "could still be spent": str(view.could_still_spend),
        "committed at worst": worded("of", part=view.committed, whole=view.total),
    }
    facts |= _progress(view, zone)
    if view.final is not None:
        facts["final campaign"] = _final_text(view.final, zone)
    if run.divides_people:
        facts["people divided"] = worded("people_divided")
    if run.release.winner is not None:
        label = "winner" if view.basis is Basis.PROVEN else "selected"
        facts[label] = f"{run.release.winner} ({_standing(view)})"
    facts |= _outcome(view, zone)
    if view.improvement_percentage is not None:
        facts["better by"] = str(view.improvement)
    if (given := run.release.approval) is not None:
        facts["approved by"] = f"{given.by}, {moment_text(given.at.astimezone(zone))}"
        facts |= {"reason of approval": given.comment} if given.comment else {}
    facts |= _prices(view)
    if run.request.scheduled_for is not None:
        facts["scheduled for"] = moment_text(run.request.scheduled_for.astimezone(zone))
    if run.reason:
        facts["reason"] = render(run.reason, language(), zone)
    if run.attention:
        facts["needs"] = render(run.attention, language(), zone)
    if view.findings:
        facts["changed at Meta"] = "; ".join(render(one.said, language(), zone) for one in view.findings)
    return facts


def _outcome(view: RunView, zone: tzinfo) -> dict[str, str]:
    """Return what was expected of a run published as its money decision said, and what came."""
    outcome = outcome_of(view)
    said = () if outcome is None else (render(one, language(), zone) for one in outcome.said)
    return {"expected, and what came": " ".join(said)} if outcome is not None else {}


def _prices(view: RunView) -> dict[str, str]:
    """Return what the ways of publishing are expected to bring less than the bet in place, while a person is asked."""
    worth = worth_of(view) if view.run.status is RunStatus.WAITING_APPROVAL else None
    if worth is None or worth.keeping is None:
        return {}
    scaled = "" if worth.scaling is None else worded("price_of_scaling", less=worth.scaling) + "; "
    return {"ways of publishing": scaled + worded("price_of_keeping_all", less=worth.keeping)}


def _as_of(at: datetime | None, zone: tzinfo) -> str:
    return "" if at is None else worded("as_of", at=moment_text(at.astimezone(zone)))


def _final_text(final: FinalView, zone: tzinfo) -> str:
    """Say where a final campaign stands, since when and why, and its money."""
    campaign, because = final.campaign, final.campaign.because
    state = campaign.state.value.replace("_", " ")
    why = "" if because is None else f" ({render(because, language(), zone)})"
    since, ends = (moment_text(at.astimezone(zone)) for at in (campaign.since, campaign.ends_at))
    spent = f"{final.spent} of {campaign.budget} spent{_as_of(campaign.spent_at, zone)}"
    return f"{state} since {since}{why}, {spent}, until {ends}"


def _progress(view: RunView, zone: tzinfo) -> dict[str, str]:
    """Return how far the test has come while it runs: three shares that differ, and what comes next."""
    found = progress_of(view)
    if found is None or found.next_analysis_at is None:
        return {}
    evidence = (
        "" if found.evidence is None else f"evidence {found.evidence:.0%}{_as_of(found.evidence_at, zone)}; "
    )
    return {
        "progress": f"{evidence}money {found.money:.0%}, time {found.time:.0%}{_as_of(found.figures_at, zone)}",
        "test ends": moment_text(found.test_ends_at.astimezone(zone)) + _at_the_latest(found, zone),
        "next analysis": f"about {moment_text(found.next_analysis_at.astimezone(zone))}",
    }


def _at_the_latest(found: Progress, zone: tzinfo) -> str:
    latest = found.test_may_last_until
    return "" if latest is None else f"; may go on until {moment_text(latest.astimezone(zone))}"


def verdict_text(view: RunView, decision: Decision, zone: tzinfo) -> str:
    """Return the verdict's sentence with the moment of the figures it rests on: later ones stand in the table beside it."""
    dated = worded("verdict") + _as_of(view.evidence_at, zone)
    sentence = decision.sentence_es if language() == "es" else decision.sentence_en
    return f"{dated}: {in_zone(sentence, zone)}"


_STANDINGS = {Basis.PROVEN: "proven", Basis.MONEY_BET: "money_bet"}


def _standing(view: RunView) -> str:
    """Say what the selected variant's selection rests on."""
    if not view.is_overridden:
        return worded(_STANDINGS.get(view.basis or Basis.CHOICE, "chosen_unproven"))
    standing = worded("overridden")
    return (
        worded("named", standing=standing, letter=view.named_by_verdict)
        if view.named_by_verdict
        else standing
    )


def variants_table(view: RunView, zone: tzinfo) -> Listing:
    """Return the test's arms with what was observed, and when."""
    return Listing([_variant_row(one, zone) for one in view.variants], VARIANT_COLUMNS)


def objects_table(view: RunView) -> Listing:
    """Return the campaigns, ad sets and ads as they were last read from Meta."""
    rows = [
        {
            "kind": one.kind.value,
            "meta_id": one.meta_id,
            "status": one.status,
            "effective_status": one.effective_status,
            "name": one.name,
        }
        for one in view.objects
    ]
    return Listing(rows, OBJECT_COLUMNS)


def _parts(view: RunView, zone: tzinfo) -> Iterator[RenderableType]:
    yield facts_table(facts_of(view, zone))
    for warning in view.warnings:
        yield Text(render(warning, language(), zone), style="yellow")
    if view.variants:
        yield Text("")
        yield variants_table(view, zone)
    if view.decision is not None:
        yield Text("")
        yield Text(verdict_text(view, view.decision, zone))
    if view.objects:
        yield Text("")
        yield objects_table(view)


def _variant_row(view: VariantView, zone: tzinfo) -> dict[str, Any]:
    low_high = view.interval
    return {
        "variant": view.variant.letter,
        "state": view.state,
        "spend": view.spend,
        "revenue": view.revenue,
        "ROAS": None if view.roas is None else f"{view.roas:.2f}",
        "ROAS_interval": None if low_high is None else f"{low_high[0]:.2f} to {low_high[1]:.2f}",
        "purchases": view.figures.conversions,
        "clicks": view.figures.clicks,
        "as_of": None if view.figures_at is None else view.figures_at.astimezone(zone),
    }
