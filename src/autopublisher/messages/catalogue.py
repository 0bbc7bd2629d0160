"""Reads the compiled catalogues, one for each language, and words messages with them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files

from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import LEGACY, Message, Param
from autopublisher.domain.moments import in_zone, moment_text
from autopublisher.messages.formats import money_text, number_text
from autopublisher.messages.language import Language


@cache
def _catalogue(language: Language) -> GNUTranslations:
    place = files("autopublisher.messages").joinpath(f"locale/{language}/LC_MESSAGES/messages.mo")
    with place.open("rb") as compiled:
        return GNUTranslations(compiled)


def text(code: str, language: Language) -> str:
    """Return the sentence of a code, its places not filled; raises KeyError for a code that the catalogue lacks."""
    found = _catalogue(language).gettext(code)
    if found == code:
        raise KeyError(code)
    return found


def render(message: Message, language: Language, zone: tzinfo = UTC) -> str:
    """Word a message in a language, its moments in a zone; a code of a later release as it is, with its parameters."""
    params = {
        name: value if type(value) is str else _written(value, language, zone)
        for name, value in message.params.items()
    }
    if message.code == LEGACY:
        return in_zone(params["sentence"], zone)
    try:
        return text(message.code, language).format(**params)
    except KeyError:
        return " ".join((message.code, *params.values()))


def is_worded(code: str, params: Mapping[str, Param]) -> bool:
    """Tell whether the catalogue has a code and a remedy for it, and these parameters fill both."""
    try:
        for one in (code, f"{code}.remedy"):
            text(one, "en").format(**params)
    except KeyError:
        return False
    return True


def words_in(language: Language, prefix: str = "page.") -> Mapping[str, str]:
    """Return the words of one face, by what follows its prefix."""
    return _Words(language, prefix)


class _Words(Mapping[str, str]):
    """The sentences whose codes begin alike, looked up one by one."""

    def __init__(self, language: Language, prefix: str) -> None:
        self._language: Language = language
        self._prefix = prefix

    def __getitem__(self, key: str) -> str:
        return text(f"{self._prefix}{key}", self._language)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("words are looked up, not listed")

    def __len__(self) -> int:
        raise TypeError("words are looked up, not counted")


def _written(value: Param, language: Language, zone: tzinfo) -> str:
    """Write one parameter."""
    if isinstance(value, Message):
        return render(value, language, zone)
    if isinstance(value, tuple):
        between = "; " if all(isinstance(one, Message) for one in value) else ", "
        return between.join(_written(one, language, zone) for one in value)
    if isinstance(value, datetime):
        return moment_text(value.astimezone(zone))
    if isinstance(value, Money):
        return money_text(value, language)
    if isinstance(value, int | float):
        return number_text(value, language)
    return value.isoformat() if isinstance(value, date) else value
