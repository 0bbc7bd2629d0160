"""The whole program: every command registered under its name."""

import typer

from autopublisher.cli import demo, doctor, exposure, judge, runs, serving, stops
from autopublisher.cli.database import db_app
from autopublisher.cli.exits import SentenceGroup
from autopublisher.cli.registry import account_app, creative_app, user_app

app = typer.Typer(
    name="autopublisher",
    help="Autopilot for Meta ad campaigns: tests variants, proves a winner, scales it, and accounts for every cent.",
    cls=SentenceGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(demo.demo)
app.command()(serving.serve)
app.command()(serving.worker)
app.command()(serving.simulator)
app.command()(runs.run)
app.command()(runs.status)
app.command()(runs.approve)
app.command()(runs.cancel)
app.command()(runs.runs)
app.command()(stops.stop)
app.command()(stops.resume)
app.command("stops")(stops.list_stops)
app.command()(exposure.exposure)
app.command()(doctor.doctor)
app.command()(judge.judge)
app.command()(serving.openapi)
app.command("example-request")(demo.example_request)
app.add_typer(account_app, name="account")
app.add_typer(creative_app, name="creative")
app.add_typer(user_app, name="user")
app.add_typer(db_app, name="db")
