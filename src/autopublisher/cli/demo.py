"""``autopublisher demo``: the brief's own request, carried out from beginning to end against the simulator."""

import json
import shutil
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated
from uuid import uuid4

import typer

from autopublisher.bootstrap import Product, Work
from autopublisher.bootstrap.http_server import listen
from autopublisher.bootstrap.simulator_books import read_truth
from autopublisher.bootstrap.simulator_process import SimulatorOptions, SimulatorProcess
from autopublisher.cli.demo_outcome import followed_to_the_end
from autopublisher.cli.demo_report import curl_lines, report, ways_in
from autopublisher.cli.demo_seed import ACCOUNT, Seeded, seed
from autopublisher.cli.exits import code_of_run
from autopublisher.cli.language import worded
from autopublisher.cli.output import say, show, show_json, tell
from autopublisher.cli.request_file import read_request
from autopublisher.cli.session import open_home
from autopublisher.cli.signals import end_in_order_on_signals, serve_until_signal
from autopublisher.cli.watching import Watcher
from autopublisher.domain.ids import RunId
from autopublisher.domain.runs.run import FINAL, RunStatus
from autopublisher.flows.requests.reports import RunView
from autopublisher.settings import MetaMode, Settings, StubClock
from autopublisher.views.moments import account_zones

HOME = Path(".autopublisher")
REQUEST_FILE = "request_example.json"
OWN = "demo:"
"""How the Idempotency-Key of a run begins that the demo started itself; it never follows anybody else's."""


class DemoScenario(StrEnum):
    """The market of the demo.

    One a buyer knows, with ten times the brief's money; one that proves a winner in a day with the brief's own; or one in
    which that proves nothing.
    """

    DEMO = "demo"
    PROVEN = "proven"
    ORDINARY = "ordinary"

    @property
    def market(self) -> str:
        """The simulator's name for it."""
        return {"demo": "usual", "proven": "demo"}.get(self.value, self.value)

    @property
    def scale(self) -> int:
        """By how much the brief's amounts are multiplied: at 20 a purchase a day of 50 sees two of them."""
        return 10 if self is DemoScenario.DEMO else 1

    @property
    def odds(self) -> tuple[int, int] | None:
        """In how many of how many seeds its recommendation is right; None where that was not counted."""
        return (138, 200) if self is DemoScenario.DEMO else None


ScenarioOption = Annotated[DemoScenario, typer.Option(help="help.which_simulated_market")]


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="help.end_after_the_report")] = False,
    scenario: ScenarioOption = DemoScenario.DEMO,
    fresh: Annotated[bool, typer.Option("--fresh", help="help.forget_every_earlier_demo")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="help.instead_of_auto_publisher")] = None,
) -> None:
    """Show the whole product on a simulated Meta: one request, from two variants to a published winner."""
    end_in_order_on_signals()
    settings = demo_settings(scenario)
    if fresh:
        _forget(settings)
    open_home(settings)
    tell(worded("demo.begins", scenario=str(scenario), home=str(settings.home)))
    wanted = settings.auto_publisher_port if port is None else port
    listener = listen(settings.auto_publisher_host, wanted, or_next=True)
    with listener, Product(settings, Work.HERE) as product:
        seeded = seed(product)
        with product.http_server(listener) as server:
            tell(worded("demo.serving", url=str(server.url)) + _instead_of(wanted, server.url))
            view = _carried_out(product, seeded, scenario)
            zone = account_zones(product.outside.open_unit).get(view.run.act_id, UTC)
            now = product.services.clock.now()
            truth = read_truth(product.meta_url, product.simulator_token, view.run.id, now)
            show(report(view, truth, zone))
            if scenario.odds is not None:
                right, of = scenario.odds
                tell(worded("demo.odds", seed=settings.stub_seed, right=right, of=of))
            if not once:
                _show_ways_in(seeded, view, server.url)
                serve_until_signal(_say_it_stays)
    raise typer.Exit(code_of_run(view.run) if once else 0)


def example_request(scenario: ScenarioOption = DemoScenario.DEMO) -> None:
    """Print the brief's request with the ids of the demo, ready to be sent."""
    settings = demo_settings(scenario)
    open_home(settings)
    with Product(settings, Work.NONE) as product:
        show_json(seed(product).request(scenario.scale))


def demo_settings(scenario: DemoScenario) -> Settings:
    """Return settings that keep the demo apart from everything real, whatever the environment says."""
    return Settings.load(
        auto_publisher_enabled=True,
        auto_publisher_home=HOME / scenario.value,
        meta_api_mode=MetaMode.STUB,
        meta_default_ad_account_id=ACCOUNT,
        meta_access_token=None,
        meta_app_id=None,
        meta_app_secret=None,
        meta_graph_url=None,
        database_url=None,
        secret_key=None,
        stub_clock=StubClock.JUMP,
        stub_scenario=scenario.market,
    )


def _forget(settings: Settings) -> None:
    options = SimulatorOptions(settings.stub_scenario, settings.stub_seed, None)
    SimulatorProcess(settings.home, options).discard()
    shutil.rmtree(settings.home)


def _carried_out(product: Product, seeded: Seeded, scenario: DemoScenario) -> RunView:
    """Start a run, or take up one that an earlier demo left unfinished, and follow it to the end of what it publishes."""
    services = product.services
    run_id = _run_to_follow(product, seeded, scenario)
    watcher = Watcher(services.reports, run_id, account_zones(product.outside.open_unit), services.clock)
    view = watcher.until_rest()
    chosen = view.run.release.winner or view.bet
    if view.run.status is RunStatus.WAITING_APPROVAL and chosen is not None:
        said = "demo.approves" if view.run.release.is_proven else "demo.approves_bet"
        tell(worded(said, winner=chosen), style="bold")
        services.approvals.publish_winner(
            run_id,
            "manager",
            chosen,
            comment=worded("demo.approved"),
            digest=view.digest,
            way=view.advised_way,
        )
        view = watcher.until_rest()
    followed_to_the_end(product, view)
    return services.reports.view(run_id)


def _run_to_follow(product: Product, seeded: Seeded, scenario: DemoScenario) -> RunId:
    services = product.services
    # One that waits for a person comes first: a further run would move time on and let its approval expire.
    waiting = services.reports.page(None, 100, frozenset({RunStatus.WAITING_APPROVAL}))
    moving = services.reports.page(None, 100, frozenset(RunStatus) - FINAL)
    unfinished = [run for run in (*waiting, *moving) if (run.idempotency_key or "").startswith(OWN)]
    if unfinished:
        tell(worded("demo.unfinished", id=str(unfinished[0].id)))
        return unfinished[0].id
    finished = services.reports.page(None, 1, FINAL)
    if finished:
        tell(worded("demo.finished", id=str(finished[0].id), status=str(finished[0].status)))
    request = seeded.request(scenario.scale)
    file = product.settings.home / REQUEST_FILE
    file.write_text(json.dumps(request, indent=2) + "\n", "utf-8")
    run = services.intake.submit(read_request(file), "manager", f"{OWN}{uuid4()}")
    each = f"{request['ab_test_config']['test_budget_per_variant']:.0f} EUR"
    tell(worded("demo.request", id=str(run.id), file=str(file), each=each))
    return run.id


def _show_ways_in(seeded: Seeded, view: RunView, url: str) -> None:
    show(ways_in(url, seeded, view))
    for line in curl_lines(url, seeded, view):
        say(f"  {line}")
    if view.run.status is RunStatus.WAITING_APPROVAL:
        tell(worded("demo.no_winner"))
        tell(f"  {url}/approvals/{view.run.id}", style="bold")
    home = seeded.credentials_file.parent
    tell(worded("demo.commands"))
    market = DemoScenario(home.name).market
    say(f"  export AUTO_PUBLISHER_HOME={quote(str(home))} STUB_SCENARIO={market}")


def _say_it_stays() -> None:
    tell(worded("demo.stays_up"))


def _instead_of(wanted: int, url: str) -> str:
    if wanted == 0 or url.endswith(f":{wanted}"):
        return ""
    return worded("demo.port_taken", wanted=str(wanted))
