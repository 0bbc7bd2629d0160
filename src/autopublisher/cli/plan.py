"""The command that says what a request would create, risk, prove and earn, and starts exactly that where it is told to."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from autopublisher.cli.exits import code_of_run
from autopublisher.cli.language import language, worded
from autopublisher.cli.output import Listing, Output, OutputOption, say, show, show_json, tell
from autopublisher.cli.product import product_of
from autopublisher.cli.request_file import read_request
from autopublisher.cli.run_text import show_run
from autopublisher.cli.session import local_actor
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import InvalidRequestError, Problem
from autopublisher.domain.messages import remedied
from autopublisher.domain.request.request_problems import RequestProblem
from autopublisher.domain.runs.outlook import Outlook, Size
from autopublisher.flows.requests.planner import RunPlan
from autopublisher.messages import render
from autopublisher.views.moments import account_zones
from autopublisher.views.plan import outlook_sentences, plan_sentences

PROOF_COLUMNS = ("truly_better_by", "chance_of_proof", "for_80_percent_per_variant")
SIZE_COLUMNS = ("variants", "per_variant", "hours", "expected_gain")


def plan(
    *,
    file: Annotated[Path, typer.Option("--file", "-f", help="help.the_request_as_json")],
    cost: Annotated[str | None, typer.Option(help="help.expected_cost_of_event")] = None,
    value: Annotated[str | None, typer.Option(help="help.expected_value_of_event")] = None,
    confirm: Annotated[str | None, typer.Option(metavar="DIGEST", help="help.start_this_plan")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="help.the_same_key_and")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what a request would lead to before anything is spent; with --confirm, start exactly that plan."""
    request = read_request(file)
    with product_of() as product:
        services = product.services
        if confirm is not None:
            started = services.intake.submit(request, local_actor(), idempotency_key, confirm)
            tell(worded("run_accepted", id=str(started.id)))
            view, zones = services.reports.view(started.id), account_zones(product.outside.open_unit)
            show_run(view, output, zones)
            raise typer.Exit(code_of_run(view.run))
        found = services.planner.plan(request, cost=_given("--cost", cost), value=_given("--value", value))
    if output is Output.JSON:
        from autopublisher.api.plan import present_plan  # noqa: PLC0415 - only programs need it

        show_json(present_plan(found, language()).model_dump(mode="json"))
        return
    _show(found, str(file))


def _given(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        wrong = remedied(RequestProblem.AMOUNT_NOT_POSITIVE(amount=text))
        raise InvalidRequestError([Problem(option, *wrong)]) from None


def _show(found: RunPlan, file: str) -> None:
    for sentence in plan_sentences(found):
        say(render(sentence, language()))
    for warning in found.warnings:
        tell(render(warning, language()), style="yellow")
    for outlook in found.outlooks:
        say("")
        for sentence in outlook_sentences(found, outlook):
            say(render(sentence, language()))
        say("")
        show(Listing(_proof_rows(found, outlook), PROOF_COLUMNS))
        say("")
        show(Listing([_size_row(size) for size in _sizes(outlook)], SIZE_COLUMNS))
    say("")
    digest = found.proposal.digest
    tell(worded("plan_hint", command=f"autopublisher plan -f {file} --confirm {digest}"))


def _proof_rows(found: RunPlan, outlook: Outlook) -> list[dict[str, Any]]:
    return [
        {
            "truly_better_by": f"{one.lift:.0%}",
            "chance_of_proof": f"{one.power:.0%}",
            "for_80_percent_per_variant": None
            if one.cost.spend_per_variant is None
            else Money.nearest(one.cost.spend_per_variant, found.account.currency),
        }
        for one in outlook.proof
    ]


def _sizes(outlook: Outlook) -> list[Size]:
    return [*outlook.by_variants, *(() if outlook.better is None else (outlook.better,))]


def _size_row(size: Size) -> dict[str, Any]:
    expected = size.expected
    return {
        "variants": size.variants,
        "per_variant": size.per_variant,
        "hours": size.hours,
        "expected_gain": f"{expected.forecast.gain:.1%}" if expected.gain is None else expected.gain,
    }
