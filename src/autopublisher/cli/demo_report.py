"""The demo's last word: what the run found, beside what the simulator knows to be true, and where to look further."""

from collections.abc import Iterator
from datetime import tzinfo
from shlex import quote

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from autopublisher.bootstrap.simulator_books import Truth
from autopublisher.cli.demo_seed import Seeded
from autopublisher.cli.language import worded
from autopublisher.cli.output import Listing, facts_table, pairs_table
from autopublisher.cli.run_text import facts_of, verdict_text
from autopublisher.domain.amounts import Money
from autopublisher.domain.journal.keys import Purpose, purpose_of
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import MetaObject
from autopublisher.domain.moments import moment_text
from autopublisher.domain.runs.final_campaign import published_keys
from autopublisher.flows.requests.reports import RunView, VariantView
from autopublisher.views.outcome import outcome_of

COLUMNS = ("variant", "state", "spend", "purchases", "ROAS", "interval", "true_ROAS")
OBJECT_COLUMNS = ("object", "meta_id", "status", "effective_status", "name")
_TREE = (ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD)


def report(view: RunView, truth: Truth, zone: tzinfo) -> RenderableType:
    """Return everything the run came to."""
    return Panel(Group(*_parts(view, truth, zone)), title=worded("demo.found"), title_align="left")


def ways_in(url: str, seeded: Seeded, view: RunView) -> RenderableType:
    """Return where the API and the dashboard are, and how to sign in."""
    people = pairs_table(seeded.passwords)
    return Panel(
        Group(
            facts_table(
                {"dashboard": f"{url}/", "API": f"{url}/openapi.json", "run": f"{url}/runs/{view.run.id}"}
            ),
            Text(worded("demo.sign_in", file=str(seeded.credentials_file))),
            people,
        ),
        title=worded("demo.where_to_look"),
        title_align="left",
    )


def curl_lines(url: str, seeded: Seeded, view: RunView) -> tuple[str, ...]:
    """Return commands that ask the API the same things."""
    form = f'{{"username": "manager", "password": "{seeded.passwords["manager"]}"}}'
    sign_in = f"TOKEN=$(curl -s {url}/auth/token -H 'Content-Type: application/json' -d '{form}' "
    reader = "| python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')"
    follow = f'curl "{url}/meta/autopilot/status/{view.run.id}" -H "Authorization: Bearer $TOKEN"'
    start = f'curl -X POST "{url}/meta/autopilot/run" -H "Authorization: Bearer $TOKEN" '
    body = (
        f'-H "Content-Type: application/json" '
        f"-d @{quote(str(seeded.credentials_file.parent / 'request_example.json'))}"
    )
    return (sign_in + reader, follow, start + body)


def _parts(view: RunView, truth: Truth, zone: tzinfo) -> Iterator[RenderableType]:
    yield facts_table({**facts_of(view, zone), **_final_campaign(view, zone), **_books(view, truth, zone)})
    if truth.spent != view.spent.minor:
        yield Text(f"\n{_why_spend_differs(view, truth, zone)}")
    yield Text("")
    yield _variants(view, truth)
    if view.decision is not None:
        yield Text(f"\n{verdict_text(view, view.decision, zone)}")
    yield Text(f"\n{_judgement(view, truth)}", style="bold")
    for line in _kept_promise(view, truth):
        yield Text(line)
    yield Text("")
    yield _objects(view)


def _final_campaign(view: RunView, zone: tzinfo) -> dict[str, str]:
    """What stands at Meta now, and the losers, as they were last read there."""
    final = {one.kind: one for one in view.objects if one.key in _published(view)}
    campaign, ad_set = final.get(ObjectKind.CAMPAIGN), final.get(ObjectKind.AD_SET)
    if campaign is None or ad_set is None:
        return {}
    until = "" if ad_set.ends_at is None else f" until {moment_text(ad_set.ends_at.astimezone(zone))}"
    budget = view.run.release.final_budget or {}
    span = "a day" if budget.get("daily") is not None else "in all"
    daily = "" if ad_set.budget is None else f", {Money(ad_set.budget, view.run.currency)} {span}"
    arms = [
        one
        for one in view.objects
        if _is_test(one) and one.kind is ObjectKind.CAMPAIGN and one.key not in _published(view)
    ]
    off = ", ".join(f"{one.variant} {one.status}" for one in arms)
    return {
        "final campaign": f"{campaign.meta_id} {campaign.effective_status}{daily}{until}",
        "test campaigns": off,
    }


def _published(view: RunView) -> set[str]:
    """Return the keys of what is published: a campaign of its own, or an arm that goes on."""
    return {key for kind in _TREE for key in published_keys(view.run, kind)}


def _why_spend_differs(view: RunView, truth: Truth, zone: tzinfo) -> str:
    """Say what the two figures of what was spent are, where they are not the same."""
    read = (
        worded("demo.never_read")
        if view.as_of is None
        else worded("demo.read_at", at=moment_text(view.as_of.astimezone(zone)))
    )
    own = moment_text(truth.at.astimezone(zone))
    return worded("demo.spend_differs", read=read, own=own)


def _books(view: RunView, truth: Truth, zone: tzinfo) -> dict[str, str]:
    currency = view.run.currency

    def money(minor: int | None) -> str:
        return "unlimited" if minor is None else str(Money(minor, currency))

    return {
        "spent, by the simulator": f"{money(truth.spent)}, as of {moment_text(truth.at.astimezone(zone))}",
        "highest exposure": f"{money(truth.peak)} of {view.total}; {money(truth.could_still_spend)} can still be spent",
    }


def _variants(view: RunView, truth: Truth) -> Listing:
    rows = [
        {
            "variant": f"{one.variant.letter} ({one.variant.headline})",
            "state": one.state,
            "spend": one.spend,
            "purchases": one.figures.conversions,
            "ROAS": None if one.roas is None else f"{one.roas:.2f}",
            "interval": None if one.interval is None else f"{one.interval[0]:.2f} to {one.interval[1]:.2f}",
            "true_ROAS": _rounded(_true_roas(view, one, truth)),
        }
        for one in view.variants
    ]
    return Listing(rows, COLUMNS)


def _objects(view: RunView) -> Listing:
    tree = [one for one in view.objects if one.kind in _TREE]
    shown = sorted(tree, key=lambda one: (not _is_test(one), one.variant or "", _TREE.index(one.kind)))
    rows = [
        {
            "object": f"{_place(one)} {one.kind.value}",
            "meta_id": one.meta_id,
            "status": one.status,
            "effective_status": one.effective_status,
            "name": one.name,
        }
        for one in shown
    ]
    return Listing(rows, OBJECT_COLUMNS)


def _judgement(view: RunView, truth: Truth) -> str:
    """Hold the verdict against the truth: the simulator alone can."""
    worths = {one.variant.letter: _true_roas(view, one, truth) for one in view.variants}
    known = {letter: worth for letter, worth in worths.items() if worth is not None}
    if not known:
        return worded("demo.no_truth")
    best = max(known, key=lambda letter: known[letter])
    said = ", ".join(f"{letter} {worth:.2f}" for letter, worth in sorted(known.items()))
    if view.run.release.winner is None:
        return worded("demo.truth_without_winner", said=said)
    right = (
        worded("demo.truly_best")
        if known.get(view.run.release.winner) == known[best]
        else worded("demo.not_best", best=best)
    )
    return worded("demo.truth", said=said, winner=str(view.run.release.winner), right=right)


def _kept_promise(view: RunView, truth: Truth) -> Iterator[str]:
    """Say what following the bet brought at the true rates, and what waiting for proof would have brought."""
    if outcome_of(view) is None or view.sold is None:
        return
    known = {one.variant.letter: _true_roas(view, one, truth) for one in view.variants}
    worths = [worth for worth in known.values() if worth is not None]
    chosen = known.get(view.run.release.winner or "")
    if chosen is not None:
        spent = Money(view.sold.figures.spend, view.run.currency)
        more = float(spent.major) * (chosen - sum(worths) / len(worths))
        yield worded("demo.came", spent=spent, gain=Money.nearest(more, view.run.currency))
    yield worded("demo.with_proof" if view.verdict_proves else "demo.without_proof")


def _true_roas(view: RunView, variant: VariantView, truth: Truth) -> float | None:
    ads = [one for one in view.objects if one.kind is ObjectKind.AD and _is_test(one)]
    mine = [one.meta_id for one in ads if one.variant == variant.variant.letter]
    return next((truth.roas[meta_id] for meta_id in mine if meta_id in truth.roas), None)


def _is_test(one: MetaObject) -> bool:
    return purpose_of(one.key) is Purpose.TEST


def _place(one: MetaObject) -> str:
    return f"test {one.variant or ''}".strip() if _is_test(one) else "final"


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
