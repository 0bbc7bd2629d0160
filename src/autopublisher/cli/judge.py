"""``autopublisher judge``: verdicts on recorded tests, one JSON line in, one JSON line out.

Needs neither settings nor database nor network, and does not load what does.
"""

import gc
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from autopublisher.cli.exits import ExitCode
from autopublisher.cli.judge_format import LineError, answer, money_answer, read_line, refusal
from autopublisher.domain.evidence import Language, Verdict, method_note, replay, sentences
from autopublisher.domain.evidence.money_replay import replay_with_money
from autopublisher.domain.evidence.money_text import money_sentences

GC_AFTER = 200_000
"""A line is thousands of small values that all die with its verdict: looking for cycles takes a sixth of the time."""


def judge(
    *,
    explain: Annotated[bool, typer.Option("--explain", help="help.add_the_verdict_in")] = False,
    language: Annotated[Language, typer.Option(help="help.of_the_sentences")] = Language.ENGLISH,
) -> None:
    """Judge recorded tests: reads one test per line as JSON from stdin, writes one verdict per line.

    Polls are replayed in order, as a run would meet them, up to the first final verdict. A malformed line gets
    an error in its place; the others are judged, and the exit code is 4.
    """
    gc.set_threshold(GC_AFTER)
    failed = False
    for result in judged(sys.stdin.buffer, language if explain else None):
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
        failed = failed or "error" in result
    raise typer.Exit(ExitCode.REFUSED if failed else ExitCode.OK)


def judged(lines: Iterable[bytes], language: Language | None) -> Iterator[dict[str, Any]]:
    """Yield each line's verdict or error in order; blank lines are passed over but counted."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _verdict(line, language)
            except LineError as error:
                yield refusal(number, error)


def _verdict(line: bytes, language: Language | None) -> dict[str, Any]:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LineError("line", "is not UTF-8", "Save the file as UTF-8.") from None
    test, detailed = read_line(text), language is not None
    if test.money is None:
        verdict = replay(test.design, test.history, final=test.final, detailed=detailed)
        return (
            answer(test, verdict)
            if language is None
            else answer(test, verdict) | _explanation(verdict, language)
        )
    outcome = replay_with_money(test.design, test.history, test.money, final=test.final, detailed=detailed)
    result = answer(test, outcome.proof) | money_answer(outcome)
    if language is None or outcome.money is None:
        return result if language is None else result | _explanation(outcome.proof, language)
    told = money_sentences(outcome.money, test.design.currency, language, test.money.tests_behind)
    return result | _explanation(outcome.proof, language) | {"money_sentences": list(told)}


def _explanation(verdict: Verdict, language: Language) -> dict[str, Any]:
    return {
        "sentences": list(sentences(verdict, language)),
        "method_note": method_note(verdict, language),
    }
