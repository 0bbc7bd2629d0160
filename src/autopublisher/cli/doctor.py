"""``autopublisher doctor``: looks at everything a run depends on and says of each what to do where it is not well."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum

import typer

from autopublisher.bootstrap.database import database_state, prove_database_writable
from autopublisher.bootstrap.files import place_of_files
from autopublisher.bootstrap.inspection import Inspection, opened_inspection
from autopublisher.bootstrap.liveness import workers_alive
from autopublisher.cli.exits import ExitCode
from autopublisher.cli.language import language, worded
from autopublisher.cli.output import Output, OutputOption, show_rows
from autopublisher.cli.session import settings_with_log
from autopublisher.domain.accounts.account_limit import is_reached
from autopublisher.domain.accounts.accounts import Account, missing_for_sales
from autopublisher.domain.accounts.claims import ELSEWHERE, Claim, ClaimState
from autopublisher.domain.errors import AutoPublisherError, MetaError, NewerDatabaseError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.moments import moment_text
from autopublisher.domain.money.run_cap import run_cap
from autopublisher.domain.reconciliation.findings import AccountLook
from autopublisher.messages import error_text, remedy_text, render, wording
from autopublisher.settings import Settings, unknown_variables
from autopublisher.views.moments import account_zones, zone_for

LEAST_ROOM_MB = 500
NEEDED_PERMISSIONS = ("ads_management", "ads_read")
COLUMNS = ("check", "state", "finding", "remedy")


class State(StrEnum):
    """How a check ended; a warning does not stop runs, a failure does."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    state: State
    finding: str
    remedy: str = ""


def doctor(output: OutputOption = Output.TABLE) -> None:
    """Check settings, database, worker, pictures, Meta, token, accounts and clock; exits with 1 where something fails."""
    checks = list(_all_checks())
    rows = [
        {"check": one.name, "state": one.state.value, "finding": one.finding, "remedy": one.remedy}
        for one in checks
    ]
    show_rows(rows, COLUMNS, output)
    failed = any(one.state is State.FAIL for one in checks)
    raise typer.Exit(ExitCode.FAILED if failed else ExitCode.OK)


def _all_checks() -> Iterator[Check]:
    try:
        settings = settings_with_log()
    except AutoPublisherError as error:
        yield _failure("settings", error)
        return
    yield from _settings(settings)
    yield _room(settings)
    database = _guarded("database", lambda: _database(settings))
    yield database
    if database.state is State.FAIL:
        return  # nothing below can be looked at without it
    yield _guarded("worker", lambda: _worker(settings))
    try:
        with opened_inspection(settings) as inspection:
            yield from _inspected(inspection)
    except AutoPublisherError as error:
        yield _failure("start", error)


def _settings(settings: Settings) -> Iterator[Check]:
    mode = f"META_API_MODE={settings.meta_api_mode}, data in {settings.home}"
    yield Check("settings", State.OK, mode)
    for name in unknown_variables():
        yield Check(
            "settings",
            State.WARN,
            worded("doctor.unknown_setting", name=str(name)),
            worded("doctor.unknown_setting.remedy"),
        )
    if not settings.auto_publisher_enabled:
        remedy = worded("doctor.disabled.remedy")
        yield Check("settings", State.WARN, worded("doctor.disabled"), remedy)


def _database(settings: Settings) -> Check:
    state = database_state(settings.database)
    if state.revision is None:
        return Check(
            "database", State.WARN, worded("doctor.empty_database"), worded("doctor.empty_database.remedy")
        )
    if not state.is_current:
        if not state.is_known:
            raise NewerDatabaseError(revision=state.revision)
        remedy = worded("doctor.upgrade.remedy")
        return Check(
            "database", State.FAIL, worded("doctor.other_revision", revision=str(state.revision)), remedy
        )
    prove_database_writable(settings.database)
    return Check("database", State.OK, worded("doctor.database", revision=str(state.revision)))


def _room(settings: Settings) -> Check:
    """Say how much room the data folder's disk has: what fills up stops every run."""
    free = shutil.disk_usage(settings.home).free // 1_000_000
    if free < LEAST_ROOM_MB:
        remedy = worded("doctor.room.remedy", least=LEAST_ROOM_MB)
        return Check("disk", State.WARN, worded("doctor.room", free=free, home=str(settings.home)), remedy)
    return Check("disk", State.OK, f"{free} MB left for {settings.home}")


def _worker(settings: Settings) -> Check:
    alive = workers_alive(settings.database)
    if alive:
        return Check("worker", State.OK, worded("doctor.workers", alive=alive))
    return Check("worker", State.WARN, worded("doctor.no_worker"), worded("doctor.no_worker.remedy"))


def _inspected(inspection: Inspection) -> Iterator[Check]:
    yield Check(
        "pictures",
        State.OK,
        render(place_of_files(inspection.engine, inspection.settings.files_folder), language()),
    )
    yield _guarded("clock", lambda: _clock(inspection))
    yield _guarded("runs", lambda: _runs(inspection))
    yield from _looks(inspection)
    yield from _claims(inspection)
    permissions = _guarded("token", lambda: _permissions(inspection))
    yield permissions
    if permissions.state is State.FAIL:
        return
    yield from _accounts(inspection)


def _clock(inspection: Inspection) -> Check:
    kind = (
        worded("doctor.simulated_clock", clock=str(inspection.settings.stub_clock))
        if inspection.settings.is_stub
        else worded("doctor.machines_clock")
    )
    zone = zone_for(account_zones(inspection.open_unit), None)
    return Check("clock", State.OK, f"{moment_text(inspection.clock.now().astimezone(zone))} ({kind})")


def _runs(inspection: Inspection) -> Check:
    counts = inspection.monitor.health().runs
    open_runs = sum(count for status, count in counts.by_status.items() if count)
    if counts.overdue:
        late = f"{round(counts.oldest_overdue_seconds or 0.0)} s{_by_which_clock(inspection.settings)}"
        remedy = worded("doctor.overdue.remedy")
        return Check(
            "runs", State.FAIL, worded("doctor.overdue", overdue=counts.overdue, late=str(late)), remedy
        )
    return Check("runs", State.OK, worded("doctor.runs", open_runs=open_runs))


def _permissions(inspection: Inspection) -> Check:
    granted = inspection.meta.permissions()
    missing = [name for name in NEEDED_PERMISSIONS if name not in granted]
    if missing:
        remedy = worded("doctor.permissions.remedy")
        return Check("token", State.FAIL, worded("doctor.permissions", missing=tuple(missing)), remedy)
    return Check(
        "token",
        State.OK,
        worded("doctor.meta", url=str(inspection.meta_url), permissions=tuple(NEEDED_PERMISSIONS)),
    )


def _accounts(inspection: Inspection) -> Iterator[Check]:
    with inspection.open_unit().reading() as unit:
        registered = unit.accounts.all()
    default = inspection.settings.meta_default_ad_account_id
    if default is not None:
        yield _account_line(inspection, ActId(default))
    if not registered:
        remedy = worded("doctor.no_account.remedy")
        yield Check("accounts", State.FAIL, worded("doctor.no_account"), remedy)
    elif all(missing_for_sales(account.defaults) for account in registered):
        yield _no_sales(registered[0])
    for account in registered:
        if account.act_id != default:
            yield _account_line(inspection, account.act_id)
        yield from _identity(inspection, account)


def _no_sales(account: Account) -> Check:
    missing = ", ".join(missing_for_sales(account.defaults))
    finding = worded("doctor.lacks", act_id=str(account.act_id), missing=missing)
    remedy = worded("doctor.lacks.remedy", act_id=str(account.act_id))
    return Check("accounts", State.FAIL, finding, remedy)


def _account_line(inspection: Inspection, act_id: ActId) -> Check:
    return _guarded(f"account {act_id}", lambda: _account(inspection, act_id))


def _account(inspection: Inspection, act_id: ActId) -> Check:
    facts = inspection.meta.account(act_id)
    name = f"account {act_id}"
    if not facts.delivers:
        remedy = worded("doctor.account_status.remedy")
        return Check(name, State.FAIL, worded("doctor.account_status", status=str(facts.status)), remedy)
    if is_reached(facts):
        finding = worded("doctor.limit_reached", cap=facts.spend_cap or "")
        return Check(name, State.FAIL, finding, worded("doctor.limit_reached.remedy"))
    cap = run_cap(facts, inspection.settings.spend_limits.run)
    if cap is None:
        remedy = worded("doctor.no_cap.remedy", currency=facts.currency)
        return Check(name, State.WARN, worded("doctor.no_cap"), remedy)
    return Check(
        name,
        State.OK,
        worded(
            "doctor.account",
            name=str(facts.name),
            currency=str(facts.currency),
            timezone=str(facts.timezone),
            cap=cap,
        ),
    )


def _looks(inspection: Inspection) -> Iterator[Check]:
    """Say of each account when it was last compared with its journals, and what is open."""
    zones = account_zones(inspection.open_unit)
    for look in inspection.monitor.health().looks:
        yield look_check(look, zones.get(look.act_id, UTC), _by_which_clock(inspection.settings))


def _by_which_clock(settings: Settings) -> str:
    """Say whose time a moment is in where it is not the machine's: a simulated clock may be days ahead of it."""
    return (
        " " + worded("doctor.by_simulated_clock", clock=str(settings.stub_clock)) if settings.is_stub else ""
    )


def look_check(look: AccountLook, zone: tzinfo, by_which_clock: str = "") -> Check:
    """Return what an account's last look found, its moment in the account's zone; what no run here has made fails."""
    name = f"look at {look.act_id}"
    if look.looked_at is None:
        return Check(name, State.WARN, worded("doctor.not_yet"), worded("doctor.not_yet.remedy"))
    moment = moment_text(look.looked_at.astimezone(zone)) + by_which_clock
    told = [render(one, language(), zone) for one in look.unknown or look.open]
    if not told:
        return Check(name, State.OK, worded("doctor.as_asked", moment=str(moment)))
    finding = f"{moment}: {worded('more', first=told[0], count=len(told) - 1) if len(told) > 1 else told[0]}"
    if look.unknown:
        return Check(name, State.FAIL, finding, worded("doctor.unknown_run.remedy"))
    remedy = worded("doctor.look.remedy")
    return Check(name, State.WARN, finding, remedy)


def _claims(inspection: Inspection) -> Iterator[Check]:
    """Say of each account that was claimed whether this installation may write to it."""
    with inspection.open_unit().reading() as unit:
        found = [unit.claims.of(account.act_id) for account in unit.accounts.all()]
    for claim in found:
        if claim is not None:
            yield claim_check(claim)


def claim_check(claim: Claim) -> Check:
    """Return the line of one claim."""
    name = f"claim on {claim.act_id}"
    remedy = worded("doctor.claim.remedy", act_id=str(claim.act_id))
    if claim.state is ClaimState.HELD:
        return Check(name, State.OK, worded("doctor.claim_held", epoch=str(claim.epoch)))
    if claim.take_over:
        return Check(name, State.WARN, worded("doctor.claim_taking_over"))
    if claim.place == ELSEWHERE:
        return Check(name, State.FAIL, worded("doctor.claim_restored"), remedy)
    if claim.state is ClaimState.REFUSED:
        return Check(
            name, State.FAIL, worded("doctor.claim_refused", why=wording(claim.why or "", language())), remedy
        )
    return Check(name, State.OK, worded("doctor.claim_pending"))


def _identity(inspection: Inspection, account: Account) -> Iterator[Check]:
    wanted = (("page", account.defaults.page_id), ("pixel", account.defaults.pixel_id))
    for what, node in wanted:
        name = f"{what} of {account.act_id}"
        if node is None:
            remedy = worded("doctor.no_default.remedy", what=str(what))
            yield Check(name, State.WARN, worded("doctor.no_default"), remedy)
        else:
            yield _readable(inspection, name, node)


def _readable(inspection: Inspection, name: str, node: str) -> Check:
    try:
        # Any object is read by its id alone; the kind only matters for images.
        shown = inspection.meta.read(ObjectKind.CREATIVE, MetaId(node), ("id", "name"))
    except MetaError as error:
        return Check(
            name, State.WARN, f"{node}: {error_text(error, language())}", worded("doctor.identity.remedy")
        )
    return Check(name, State.OK, f"{node} {shown.name}".strip())


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except AutoPublisherError as error:
        return _failure(name, error)


def _failure(name: str, error: AutoPublisherError) -> Check:
    return Check(name, State.FAIL, error_text(error, language()), remedy_text(error, language()))
