"""The command that says what an account has learned from its finished tests."""

from typing import Annotated, Any

import typer

from autopublisher.bootstrap.database import opened_units
from autopublisher.cli.language import language, worded
from autopublisher.cli.named_account import account_named
from autopublisher.cli.output import Output, OutputOption, say, show_json, show_rows, tell
from autopublisher.cli.registry import account_app
from autopublisher.cli.session import settings_with_log
from autopublisher.domain.past_tests import FinishedTest
from autopublisher.domain.request.request import WinnerCriteria
from autopublisher.messages import render

COLUMNS = ("run", "finished", "days", "events")


@account_app.command("memory")
def account_memory(
    account: Annotated[str, typer.Argument(help="help.our_id_or_metas")],
    criteria: Annotated[WinnerCriteria, typer.Option(help="help.by_what_tests_were")] = WinnerCriteria.ROAS,
    *,
    recount: Annotated[bool, typer.Option("--recount", help="help.count_finished_tests_anew")] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what an account has learned from its finished tests, from which, and what that changes for its next runs."""
    # The decision engine takes long to load, and the other commands on accounts do without.
    from autopublisher.domain.evidence import Criterion  # noqa: PLC0415 - see above
    from autopublisher.domain.runs.finished_test import SAID_OF  # noqa: PLC0415 - see above
    from autopublisher.flows.requests.account_memory import AccountMemories  # noqa: PLC0415 - see above
    from autopublisher.views.account_memory import view_of  # noqa: PLC0415 - see above

    settings = settings_with_log()
    with opened_units(settings.database, settings.home) as open_unit:
        owner, memories = account_named(open_unit, settings, account), AccountMemories(open_unit)
        if recount:
            again = memories.recount(owner.id, Criterion(criteria.value))
            tell(worded("tests_counted", number=again.counted))
            for run_id, why in again.omitted.items():
                tell(worded("test_left_out", run=run_id, why=SAID_OF[why]()))
        found = memories.of(owner.id, Criterion(criteria.value))
    if output is Output.JSON:
        from autopublisher.api.account_memory import present_memory  # noqa: PLC0415 - see above

        show_json(present_memory(found, language()).model_dump(mode="json"))
        return
    for sentence in view_of(found).sentences:
        say(render(sentence, language()))
    if found.tests:
        say("")
        show_rows([_row(test) for test in found.tests], COLUMNS, output)


def _row(test: FinishedTest) -> dict[str, Any]:
    measured = test.measured
    return {
        "run": test.run_id,
        "finished": test.finished_at,
        "days": round(measured.days, 1),
        "events": round(measured.events),
    }
