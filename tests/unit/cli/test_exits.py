"""Each kind of error ends a command with its own exit code."""

import pytest

from autopublisher.cli.exits import ExitCode, code_of, report
from autopublisher.domain import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError(name="X", reason="y"), ExitCode.USAGE),
        (errors.RunNotFoundError(id="1"), ExitCode.NOT_FOUND),
        (errors.AccountNotFoundError(), ExitCode.NOT_FOUND),
        (errors.DisabledError(), ExitCode.REFUSED),
        (errors.ConflictError("taken"), ExitCode.REFUSED),
        (errors.InvalidRequestError([errors.Problem("a", "b", "c")]), ExitCode.REFUSED),
        (errors.MetaRefusedError("no"), ExitCode.REFUSED),
        (errors.MetaNotFoundError("no"), ExitCode.NOT_FOUND),
        (errors.UnavailableError(reason="x"), ExitCode.UNAVAILABLE),
        (errors.MetaThrottledError("slow"), ExitCode.UNAVAILABLE),
        (errors.MetaTransientError("again"), ExitCode.UNAVAILABLE),
        (errors.AutoPublisherError(), ExitCode.FAILED),
    ],
)
def test_an_error_has_its_exit_code(error: errors.AutoPublisherError, code: ExitCode) -> None:
    assert code_of(error) is code


def test_a_refusal_is_told_in_the_chosen_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANGUAGE", "es")
    report(errors.RunNotFoundError(id="77"))
    told = " ".join(capsys.readouterr().err.split())
    assert "No se encontró la ejecución 77." in told
    assert "enumera las ejecuciones" in told
