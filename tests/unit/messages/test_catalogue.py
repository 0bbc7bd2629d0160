from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import format_decimal

from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import Message, legacy
from autopublisher.messages import LANGUAGES, Language, language_of_locale, render, text, words_in
from autopublisher.messages.formats import number_text

MADRID = ZoneInfo("Europe/Madrid")
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_a_stored_message_comes_back_with_its_types() -> None:
    inner = Message("page.ok", {"amount": Money(8000, "EUR")})
    message = Message("page.ok", {"why": inner, "at": AT, "day": date(2026, 1, 2), "all": ("a", 2, 0.5)})
    assert Message.from_record(message.to_record()) == message


def test_a_sentence_of_an_earlier_release_is_shown_as_it_stands() -> None:
    stored = Message.from_record("Cost {so} far")
    assert stored == legacy("Cost {so} far")
    assert render(stored, "es") == "Cost {so} far"


@pytest.mark.parametrize(("language", "written"), [("en", "1,234.50 EUR"), ("es", "1.234,50 EUR")])
def test_money_is_written_as_the_language_does(language: Language, written: str) -> None:
    assert render(Message("legacy", {"sentence": Money(123_450, "EUR")}), language) == written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "value", [0, 7, 999, 1000, -1234, 0.125, 1.015, 2.675, -0.004, 999.995, 1e16, 123_456.789]
)
def test_a_number_is_written_as_babel_writes_it(language: Language, value: float) -> None:
    patterns = {None: "#,##0.##", 0: "#,##0", 2: "#,##0.00"}
    written = {places: number_text(value, language, places) for places in patterns}
    assert written == {one: format_decimal(value, pattern, language) for one, pattern in patterns.items()}


def test_a_moment_is_written_in_the_readers_zone() -> None:
    assert render(Message("legacy", {"sentence": AT}), "en", MADRID) == "2026-11-02 10:00 CET"


def test_a_message_within_a_message_is_worded_in_the_same_language() -> None:
    inner = Message("legacy", {"sentence": (1234, "x")})
    assert render(Message("legacy", {"sentence": inner}), "es") == "1.234, x"


def test_a_code_of_a_later_release_is_shown_with_what_came_with_it() -> None:
    assert render(Message("run.teleported", {"to": "Mars", "by": AT}), "en") == (
        "run.teleported Mars 2026-11-02 09:00 UTC"
    )


def test_a_word_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("page.gold", "en")
    with pytest.raises(KeyError):
        words_in("es")["gold"]


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es_AR", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "es"}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_a_terminals_language_is_that_of_its_locale(environment: dict[str, str], language: str) -> None:
    assert language_of_locale(environment) == language
