"""Exit codes, and how an error of the product becomes a sentence, its remedy and one of them."""

from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from autopublisher.cli.language import language
from autopublisher.cli.output import tell
from autopublisher.domain import errors
from autopublisher.domain.runs.run import Run, RunStatus
from autopublisher.messages import error_text, problem_texts, remedy_text


class ExitCode(IntEnum):
    """What a command's exit code means; README.md lists them, and they do not change."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    WAITING_APPROVAL = 6


_CODES: tuple[tuple[type[errors.AutoPublisherError], ExitCode], ...] = (
    (errors.ConfigurationError, ExitCode.USAGE),
    (errors.NotFoundError, ExitCode.NOT_FOUND),
    (errors.MetaNotFoundError, ExitCode.NOT_FOUND),
    (errors.UnavailableError, ExitCode.UNAVAILABLE),
    (errors.MetaOutcomeUnknownError, ExitCode.UNAVAILABLE),
    (errors.MetaThrottledError, ExitCode.UNAVAILABLE),
    (errors.DisabledError, ExitCode.REFUSED),
    (errors.InvalidRequestError, ExitCode.REFUSED),
    (errors.ConflictError, ExitCode.REFUSED),
    (errors.GateRefusedError, ExitCode.REFUSED),
    (errors.NotAuthenticatedError, ExitCode.REFUSED),
    (errors.ForbiddenError, ExitCode.REFUSED),
    (errors.UnknownCurrencyError, ExitCode.REFUSED),
    (errors.MetaError, ExitCode.REFUSED),
)
"""The first class that fits decides; whatever is not listed has failed."""

_RUN_CODES = {
    RunStatus.FAILED: ExitCode.FAILED,
    RunStatus.CANCELLED: ExitCode.FAILED,
    RunStatus.WAITING_APPROVAL: ExitCode.WAITING_APPROVAL,
}


def code_of(error: errors.AutoPublisherError) -> ExitCode:
    """Return the exit code for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def code_of_run(run: Run) -> ExitCode:
    """Return the exit code of a command that has waited for a run to rest."""
    if run.is_refused or (not run.is_final and run.next_tick_at is None):
        return ExitCode.WAITING_APPROVAL  # a stop holds it, or Meta's review: it waits for a person, too
    return _RUN_CODES.get(run.status, ExitCode.OK)


def report(error: errors.AutoPublisherError) -> None:
    """Say what is wrong and what to do about it, every problem of an input on its own line."""
    reader = language()
    if isinstance(error, errors.InvalidRequestError):
        for problem in error.problems:
            tell(" ".join((f"{problem.field}:", *problem_texts(problem, reader))).rstrip(), style="red")
        return
    detail = f" {error.user_message}" if isinstance(error, errors.MetaError) and error.user_message else ""
    tell(f"{error_text(error, reader)}{detail}", style="red")
    if error.remedy:
        tell(remedy_text(error, reader))


class SentenceGroup(TyperGroup):
    """The program's commands; an error of the product ends any of them with a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except errors.AutoPublisherError as error:
            report(error)
            raise typer.Exit(code_of(error)) from None
