"""The catalogue: both languages say the same things, every code is used, and what is compiled is what was written."""

import ast
import re
from dataclasses import fields
from gettext import GNUTranslations
from importlib import import_module
from inspect import getsource
from pathlib import Path
from pkgutil import iter_modules, walk_packages
from string import Formatter

import pytest
from babel.messages.pofile import read_po

import autopublisher
from autopublisher import cli
from autopublisher.cli.language import slug
from autopublisher.domain.accounts.accounts import AdDefaults
from autopublisher.domain.errors import AutoPublisherError
from autopublisher.domain.messages import LEGACY, Code, code_of

LANGUAGES = ("en", "es")
TWINS = {"run.judged", "run.unhealthy_goes_on"}
"""The evidence engine words a verdict in both languages itself; each sentence takes its own."""

LIMITS = ("daily_limit", "monthly_limit", "bet_loss_percent")
"""Facts that 'account limits' shows of an account, by the names of its fields."""

COMPOSED = re.compile(r"words\[(?:f\"|\")([\w.]+)(?:\" ~|\{)")
"""A word that is looked up by a name worked out at run time: what stands before it."""


def source(root: Path, language: str) -> dict[str, str]:
    path = root / f"src/autopublisher/messages/locale/{language}/LC_MESSAGES/messages.po"
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file) if one.id}


@pytest.fixture(scope="module")
def catalogues(root: Path) -> dict[str, dict[str, str]]:
    return {language: source(root, language) for language in LANGUAGES}


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_code_has_a_sentence_in_both_languages(catalogues: dict[str, dict[str, str]]) -> None:
    assert catalogues["en"].keys() == catalogues["es"].keys()
    assert [code for each in catalogues.values() for code, sentence in each.items() if not sentence] == []


def test_both_languages_have_the_same_places(catalogues: dict[str, dict[str, str]]) -> None:
    english, spanish = catalogues["en"], catalogues["es"]
    other = [code for code in english if places(english[code]) != places(spanish[code])]
    assert set(other) == TWINS


def members() -> dict[str, tuple[str, str]]:
    """Return the codes that messages are made of, with the enum and the name of each."""
    load_everything()
    kinds = [kind for kind in Code.__subclasses__() if kind.__module__.startswith("autopublisher.")]
    return {member.value: (kind.__name__, member.name) for kind in kinds for member in kind}


def test_every_message_has_its_sentence_and_no_sentence_is_left_over(
    root: Path, catalogues: dict[str, dict[str, str]]
) -> None:
    messages = members()
    faces = [
        path
        for face in ("api", "cli", "dashboard")
        for path in (root / "src/autopublisher" / face).rglob("*.py")
    ]
    text = "".join(path.read_text("utf-8") for path in faces)
    quoted = set(re.findall(r"[\"']([\w.-]+)[\"']", text))
    named = {
        code
        for code in catalogues["en"]
        if quoted & {one.removeprefix("cli.") for one in (code, code.removesuffix(".remedy"))}
        or quoted & {code, code.removesuffix(".remedy")}
    }
    told = {*messages, *map(code_of, errors_below(AutoPublisherError))}
    ruled = ("page.", "field.", "http.", "cli.command.", "label.")
    by_rule = {code for code in catalogues["en"] if code.startswith(ruled)}
    source = "".join(path.read_text("utf-8") for path in (root / "src/autopublisher").rglob("*.py"))
    composed = {code for code in messages if code.startswith("limit.")}  # by scope and period
    unused = [code for code, (enum, name) in messages.items() if f"{enum}.{name}" not in source]
    assert set(unused) <= composed
    assert messages.keys() - catalogues["en"].keys() == set()
    assert (
        catalogues["en"].keys() - told - {f"{code}.remedy" for code in told} - named - by_rule - {LEGACY}
        == set()
    )


def test_every_message_is_made_with_what_its_sentence_asks_for(
    root: Path, catalogues: dict[str, dict[str, str]]
) -> None:
    said = {
        code: places(catalogues["en"][code]) | places(catalogues["es"][code]) for code in catalogues["en"]
    }
    wanted = {place: said[code] | said.get(f"{code}.remedy", set()) for code, place in members().items()}
    made = [
        (path.name, call.lineno, place, {one.arg for one in call.keywords})
        for path in (root / "src/autopublisher").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and (place := place_of(call)) in wanted
    ]
    assert len(made) > 150
    # What is unpacked from a dictionary is not seen here.
    assert [one for one in made if one[3] != wanted[one[2]] and None not in one[3]] == []


def place_of(call: ast.Call) -> tuple[str, str]:
    """Return enum and member of a call such as ``RunMessage.ADMITTED(...)``."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=enum), attr=member):
            return enum, member
    return "", ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_written(
    root: Path, catalogues: dict[str, dict[str, str]], language: str
) -> None:
    path = root / f"src/autopublisher/messages/locale/{language}/LC_MESSAGES/messages.mo"
    with path.open("rb") as file:
        compiled = GNUTranslations(file)
    stale = [code for code, sentence in catalogues[language].items() if compiled.gettext(code) != sentence]
    assert stale == [], "run scripts/compile_messages.py"


def test_every_word_of_the_pages_is_used(root: Path, catalogues: dict[str, dict[str, str]]) -> None:
    dashboard = root / "src/autopublisher/dashboard"
    pages = "".join(path.read_text("utf-8") for kind in ("*.html", "*.py") for path in dashboard.rglob(kind))
    prefixes = tuple(f"page.{one}" for one in COMPOSED.findall(pages))
    names = [code for code in catalogues["en"] if code.startswith("page.") and not code.startswith(prefixes)]
    unused = [one for one in names if not re.search(rf"\b{one.removeprefix('page.')}\b", pages)]
    assert unused == []


def test_every_name_in_a_table_of_the_terminal_has_its_label(catalogues: dict[str, dict[str, str]]) -> None:
    labels = {code for code in catalogues["en"] if code.startswith("label.")}
    assert {f"label.{slug(name)}" for name in names_in_tables()} == labels


def names_in_tables() -> set[str]:
    """Return what the terminal's tables are made of: columns, and the facts of a thing."""
    modules = [import_module(f"autopublisher.cli.{one.name}") for one in iter_modules(cli.__path__)]
    names = {"name", "value", *LIMITS, *(field.name for field in fields(AdDefaults))}
    for module in modules:
        names |= {one for name, value in vars(module).items() if name.endswith("COLUMNS") for one in value}
        names |= {one for node in ast.walk(ast.parse(getsource(module))) for one in facts_in(node)}
    return names


def facts_in(node: ast.AST) -> set[str]:
    """Return the names of the facts that a function of facts, or a table of them, holds."""
    match node:
        case ast.FunctionDef(returns=ast.expr() as kind) if ast.unparse(kind) == "dict[str, str]":
            held = [*ast.walk(node)]
        case ast.Call(func=ast.Name(id="show_record" | "facts_table")):
            held = [*ast.walk(node)]
        case _:
            return set()
    keys: list[ast.AST | None] = [key for one in held if isinstance(one, ast.Dict) for key in one.keys]
    keys += [one.slice for one in held if isinstance(one, ast.Subscript)]
    chosen = [
        one.value for one in held if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "label"
    ]
    keys += [one for each in chosen for one in ast.walk(each)]
    return {one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_error_says_its_docstring(catalogues: dict[str, dict[str, str]]) -> None:
    load_everything()
    english = catalogues["en"]
    for kind in errors_below(AutoPublisherError):
        assert english[code_of(kind)] == (kind.__doc__ or "").strip().splitlines()[0], kind
        assert english.get(f"{code_of(kind)}.remedy", "") == vars(kind).get("remedy", ""), kind


def load_everything() -> None:
    for module in walk_packages(autopublisher.__path__, "autopublisher."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)


def errors_below(kind: type[AutoPublisherError]) -> list[type[AutoPublisherError]]:
    return [kind, *(one for below in kind.__subclasses__() for one in errors_below(below))]
