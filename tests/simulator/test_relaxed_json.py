"""Parameters in the spellings Meta reads beside strict JSON mean the same as in JSON."""

from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from metasim.graph.errors import GraphError
from metasim.graph.relaxed_json import read_json, read_pairs, read_relaxed_json
from metasim.graph.selection import parse_selection
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, Advertiser, RefusedError

LONG: dict[str, Any] = {"lifetime_budget": 200_000}
BEARER = {"Authorization": "Bearer stub-token"}
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\"))
RELAXED: list[tuple[str, Any]] = [
    ("{'since':'2026-11-25','until':'2026-11-28'}", {"since": "2026-11-25", "until": "2026-11-28"}),
    ("{since:'2026-11-25', until: \"2026-11-28\"}", {"since": "2026-11-25", "until": "2026-11-28"}),
    ("['ACTIVE','PAUSED']", ["ACTIVE", "PAUSED"]),
    (
        "{'say':'\"it\\'s\"', 'on': True, 'off': FALSE, 'none': null}",
        {
            "say": '"it\'s"',
            "on": True,
            "off": False,
            "none": None,
        },
    ),
    (
        "[{field:'spend',operator:'GREATER_THAN',value:1.5}]",
        [
            {"field": "spend", "operator": "GREATER_THAN", "value": 1.5},
        ],
    ),
]
UNREADABLE = ["{'a':}", "['a'", "{a b:1}", "[ACTIVE]", "{'a':NaN}", "'", "{'a':'b}", "[" * 90_000]


@pytest.mark.parametrize(("text", "value"), RELAXED)
def test_relaxed_json_is_read(text: str, value: Any) -> None:
    assert read_relaxed_json(text) == value


@given(st.dictionaries(PLAIN, st.lists(PLAIN)))
def test_single_quotes_say_what_double_quotes_say(value: dict[str, list[str]]) -> None:
    rows = [f"{quoted(name)}:[{','.join(map(quoted, items))}]" for name, items in value.items()]
    assert read_relaxed_json("{" + ", ".join(rows) + "}") == value


def quoted(text: str) -> str:
    """Return a text in single quotes."""
    return "'" + text.replace("'", "\\'") + "'"


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_json_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_relaxed_json(text)


def test_a_whole_body_is_read_strictly() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        read_json("{'name':'x'}")


PAIRS: list[tuple[list[tuple[str, str]], dict[str, Any]]] = [
    ([("a", "1"), ("a", "2")], {"a": "2"}),
    ([("s[since]", "x"), ("s[until]", "y")], {"s": {"since": "x", "until": "y"}}),
    ([("e[]", "A"), ("e[]", "B")], {"e": ["A", "B"]}),
    ([("e[0]", "A"), ("e[1]", "B")], {"e": ["A", "B"]}),
    ([("e[1]", "A")], {"e": {"1": "A"}}),
    ([("f[0][field]", "spend"), ("f[0][value]", "1")], {"f": [{"field": "spend", "value": "1"}]}),
    ([("f", "x"), ("f[a]", "y")], {"f": {"a": "y"}}),
    ([("[a]", "x"), ("b[", "y"), ("c[d]e", "z")], {"[a]": "x", "b[": "y", "c[d]e": "z"}),
]


@pytest.mark.parametrize(("pairs", "values"), PAIRS)
def test_brackets_build_tables_and_lists(pairs: list[tuple[str, str]], values: dict[str, Any]) -> None:
    assert read_pairs(pairs) == values


def test_brackets_nest_only_so_deep() -> None:
    assert read_pairs([("a" + "[b]" * 90_000, "x")])["a"]["b"]


def test_brackets_and_quotes_work_over_http(served: SimulatorThread) -> None:
    address = f"{served.url}/v26.0/{ACCOUNT}/campaigns"
    form = "name=B&objective=OUTCOME_SALES&status=PAUSED&special_ad_categories[]=NONE"
    form += "&is_adset_budget_sharing_enabled=false"
    headers = {**BEARER, "Content-Type": "application/x-www-form-urlencoded"}
    created = requests.post(address, form, headers=headers, timeout=20).json()
    query = "fields[]=name&fields[]=special_ad_categories&effective_status[0]=PAUSED&limit=5"
    query += "&filtering=[{field:'name',operator:'EQUAL',value:'B'}]"
    rows = requests.get(f"{address}?{query}", headers=BEARER, timeout=20).json()["data"]
    assert rows == [{"name": "B", "special_ad_categories": ["NONE"], "id": created["id"]}]


@pytest.mark.parametrize(
    "span",
    [
        {"time_range": "{'since':'2026-11-22','until':'2026-11-25'}"},
        {"time_range": "{since:'2026-11-22',until:'2026-11-25'}"},
        {"time_range": {"since": "2026-11-22", "until": "2026-11-25"}},
    ],
)
def test_a_time_range_may_be_relaxed(advertiser: Advertiser, span: dict[str, Any]) -> None:
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=6)
    assert (
        advertiser.get(f"{ids['A']}/insights", fields="spend", **span)["data"][0]["date_stop"] == "2026-11-25"
    )


def test_modifiers_may_hold_quotes_spaces_and_parentheses(advertiser: Advertiser) -> None:
    ids = advertiser.split_test("A")
    advertiser.pass_time(hours=6)
    fields = (
        "name, insights.time_range({'since':'2026-11-22', 'until':'2026-11-28'}).level(adset) {spend, reach},"
        " ads.filtering([{'field':'name','operator':'CONTAIN','value':'(x) }'}]).limit(3) {name}"
    )
    read = advertiser.get(ids["campaign"], fields=fields)
    assert float(read["insights"]["data"][0]["spend"]) > 0
    assert read["ads"] == {"data": []}


@pytest.mark.parametrize("text", ["a.b", "a.limit(", "a{b", "a}", "a.limit('x)", "a;b"])
def test_a_broken_selection_is_refused(text: str) -> None:
    with pytest.raises(GraphError):
        parse_selection(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-12-01T10:00:00 0100", "2026-12-01T10:00:00+0100"),
        ("2026-12-01T10:00:00 01:00", "2026-12-01T10:00:00+0100"),
        ("2026-12-01 10:00:00", "2026-12-01T10:00:00+0100"),
        ("tomorrow", "2026-11-23T00:00:00+0100"),
        ("+2 days", "2026-11-24T10:00:00+0100"),
    ],
)
def test_moments_in_other_words(advertiser: Advertiser, written: str, read: str) -> None:
    adset = advertiser.adset(
        advertiser.campaign(), start_time=written, end_time="2026-12-24T10:00:00+0100", **LONG
    )
    assert advertiser.get(adset, fields="start_time")["start_time"] == read


@pytest.mark.parametrize("written", ["someday", "+2 fortnights", "2026-12-01T10:00:00 x"])
def test_other_words_are_no_moments(advertiser: Advertiser, written: str) -> None:
    with pytest.raises(RefusedError):
        advertiser.adset(advertiser.campaign(), start_time=written, **LONG)
