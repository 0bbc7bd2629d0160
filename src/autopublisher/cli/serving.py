"""Commands that run something: the whole product, a worker alone, the simulator alone."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from autopublisher import __version__
from autopublisher.api.app import openapi_document
from autopublisher.bootstrap import Product, Work
from autopublisher.bootstrap.database import wait_for_database
from autopublisher.bootstrap.http_server import listen
from autopublisher.bootstrap.simulator_process import bare_environment
from autopublisher.cli.database import NewDatabaseOption
from autopublisher.cli.language import worded
from autopublisher.cli.output import say, show_json, tell
from autopublisher.cli.session import settings_with_log
from autopublisher.cli.signals import end_in_order_on_signals, serve_until_signal
from autopublisher.domain.errors import UnavailableError
from autopublisher.domain.messages import said_of
from autopublisher.settings import Settings

HostOption = Annotated[str | None, typer.Option(help="help.instead_of_auto_publisher_host")]
PortOption = Annotated[int | None, typer.Option(min=0, max=65535, help="help.instead_of_auto_publisher")]


def serve(
    *,
    host: HostOption = None,
    port: PortOption = None,
    work: Annotated[bool, typer.Option(help="help.also_run_ticks_without")] = True,
    new_database: NewDatabaseOption = False,
) -> None:
    """Serve the API and the dashboard, and run ticks, until stopped."""
    end_in_order_on_signals()
    settings = settings_with_log()
    wait_for_database(settings.database, _tell_waiting)
    address = settings.auto_publisher_host if host is None else host
    listener = listen(address, settings.auto_publisher_port if port is None else port)
    product = Product(settings, Work.HERE if work else Work.NONE, new_database=new_database)
    with listener, product, product.http_server(listener) as server:
        url = server.url
        serve_until_signal(lambda: _announce(settings, url))


def _tell_waiting(error: UnavailableError, seconds: int) -> None:
    tell(worded("waiting_for_database", why=said_of(error), seconds=seconds))


def worker(*, new_database: NewDatabaseOption = False) -> None:
    """Run ticks without HTTP until stopped; on PostgreSQL as many of these as wanted."""
    end_in_order_on_signals()
    settings = settings_with_log()
    wait_for_database(settings.database, _tell_waiting)
    with Product(settings, Work.HERE, new_database=new_database) as product:
        mode = product.settings.meta_api_mode
        serve_until_signal(lambda: tell(worded("working", mode=str(mode))))


def simulator(
    *,
    scenario: Annotated[str | None, typer.Option(help="help.built_in_name_or")] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="help.simulated_seconds_per_real"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="help.another_market_of_the")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="help.0_takes_a_free")] = 0,
    state: Annotated[Path | None, typer.Option(help="help.file_that_survives_a")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="help.a_fault_as_throttle"),
    ] = None,
) -> None:
    """Run the simulator of Meta's Marketing API alone; point META_GRAPH_URL at the address it prints."""
    settings = Settings.load()
    mode = ["--mode", "manual"] if speed is None else ["--mode", "speed", "--speed", str(speed)]
    kept = [] if state is None else ["--state", str(state)]
    command = [
        *(sys.executable, "-m", "metasim", *mode, "--port", str(port), *kept),
        *("--scenario", settings.stub_scenario if scenario is None else scenario),
        *("--seed", str(settings.stub_seed if seed is None else seed)),
        *(word for text in fault or () for word in ("--fault", text)),
    ]
    # It takes this process's place, and with it every signal; our own module with our own options.
    os.execve(sys.executable, command, bare_environment(os.environ))  # noqa: S606


def openapi() -> None:
    """Print the API's OpenAPI document as JSON."""
    show_json(openapi_document(__version__))


def _announce(settings: Settings, url: str) -> None:
    say(url)
    tell(worded("serving", mode=str(settings.meta_api_mode)))
    if settings.is_stub:
        tell(worded("simulated", scenario=str(settings.stub_scenario), clock=str(settings.stub_clock)))
    if not settings.auto_publisher_enabled:
        tell(worded("disabled"), style="yellow")
