"""Nonsense sent to the simulator: whatever arrives, it answers as Meta answers, and nothing in it breaks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim import SimulatorConfig
from metasim.graph.wire import Call, Params
from metasim.server import SimulatorThread
from metasim.testing import ACCOUNT, PAGE, PIXEL, TARGETING, Advertiser, story

pytestmark = pytest.mark.slow  # hundreds of requests

BUSINESS = "5001"
OWN_ERRORS_MAY_BE_500 = (1, 2)  # what Meta itself answers with HTTP 500: passing faults and `?ids=`


@dataclass(frozen=True)
class Template:
    """A request that would do, to be spoilt."""

    method: str
    path: str
    params: dict[str, Any]


def world() -> Advertiser:
    """Return a world that holds one of everything."""
    return Advertiser(SimulatorConfig(scenario="large"))


@cache
def _templates() -> tuple[Advertiser, tuple[Template, ...]]:
    advertiser = world()
    return advertiser, tuple(_requests(advertiser))


def _requests(advertiser: Advertiser) -> Iterator[Template]:
    ids = advertiser.split_test("AB")
    advertiser.pass_time(hours=3)
    campaign, adset, ad = ids["campaign"], ids["set A"], ids["A"]
    creative = advertiser.creative("N")
    funded = advertiser.campaign(lifetime_budget=90_000, is_adset_budget_sharing_enabled=None)
    label = str(advertiser.post(f"{ACCOUNT}/adlabels", name="L")["id"])
    run = str(advertiser.post(f"{ACCOUNT}/insights", level="ad")["report_run_id"])
    study_params = _study(advertiser, ids)
    study = str(advertiser.post(f"{BUSINESS}/ad_studies", **study_params)["id"])
    rule_params = _rule()
    rule = str(advertiser.post(f"{ACCOUNT}/adrules_library", **rule_params)["id"])
    specs = [{"adset_id": adset, "creative": {"creative_id": creative}, "name": "Later", "status": "PAUSED"}]
    later = str(advertiser.post(f"{ACCOUNT}/asyncadrequestsets", name="Many", ad_specs=specs)["id"])
    yield Template("POST", f"{ACCOUNT}/campaigns", _campaign())
    yield Template("POST", f"{ACCOUNT}/adsets", _adset(advertiser, campaign))
    yield Template(
        "POST",
        f"{ACCOUNT}/adsets",
        {**_adset(advertiser, funded), "lifetime_budget": None, "bid_strategy": None},
    )
    yield Template("POST", f"{ACCOUNT}/adcreatives", {"name": "C", **story("Q")})
    yield from _stricter(advertiser, campaign, adset, creative)
    ad_params: dict[str, Any] = {
        "name": "Ad",
        "adset_id": adset,
        "creative": {"creative_id": creative},
        "status": "PAUSED",
    }
    ad_params |= {"conversion_domain": "shop.example", "tracking_specs": [{"fb_pixel": [PIXEL]}]}
    yield Template("POST", f"{ACCOUNT}/ads", ad_params)
    yield Template("POST", f"{ACCOUNT}/adlabels", {"name": "L2"})
    yield Template("POST", f"{ACCOUNT}/adimages", {"bytes": "aGVsbG8="})
    yield Template("POST", f"{ACCOUNT}/advideos", {"upload_phase": "start", "file_size": 100})
    yield Template("POST", f"{ACCOUNT}/insights", _insights())
    yield Template("POST", f"{ACCOUNT}/adrules_library", rule_params)
    yield Template("POST", f"{ACCOUNT}/asyncadrequestsets", {"name": "Many", "ad_specs": specs})
    item = {"name": "i", "relative_url": f"{ACCOUNT}/campaigns", "body": "name=x"}
    yield Template("POST", f"{ACCOUNT}/async_batch_requests", {"name": "B", "adbatch": [item]})
    yield Template("POST", ACCOUNT, {"spend_cap": 100_000, "spend_cap_action": "reset"})
    yield Template("POST", f"{BUSINESS}/ad_studies", study_params)
    for node, params in (
        (campaign, {"name": "x", "spend_cap": 90_000, "bid_strategy": "COST_CAP"}),
        (campaign, {"daily_budget": 90_000, "adset_budgets": [{"adset_id": adset, "daily_budget": 9000}]}),
        (funded, {"lifetime_budget": 95_000, "bid_strategy": "COST_CAP"}),
        (adset, {"lifetime_budget": 9000, "targeting": TARGETING, "bid_amount": 5, "end_time": 1}),
        (ad, {"creative": {"creative_id": creative}, "name": "x", "adlabels": [{"name": "y"}]}),
        (creative, {"name": "x", "adlabels": [{"id": label}]}),
        (study, {"end_time": 1_900_000_000, "cells": study_params["cells"]}),
        (rule, rule_params),
    ):
        yield Template("POST", node, {**params, "status": "PAUSED", "execution_options": ["validate_only"]})
        yield Template("GET", node, {"fields": "id,name,status"})
        yield Template("GET", f"{node}/adsets", _listing())
    yield from _edges((campaign, adset, ad), label)
    for path in ("me", "me/adaccounts", f"{BUSINESS}/ad_studies", f"{study}/cells", f"{later}/requests", run):
        yield Template("GET", path, {**_listing(), "statuses": ["SUCCESS"]})
    yield Template("GET", f"{run}/insights", {"limit": 5, "after": "x"})
    yield Template("GET", f"{rule}/history", {"hide_no_changes": "true", "action": "PAUSED", "object_id": ad})
    yield from _roots(campaign)


def _stricter(advertiser: Advertiser, campaign: str, adset: str, creative: str) -> Iterator[Template]:
    yield Template("POST", f"{ACCOUNT}/adcreatives", _rich_creative(advertiser))
    yield Template("POST", f"{ACCOUNT}/adcreatives", _feed(advertiser))
    yield Template("POST", f"{ACCOUNT}/adsets", _paced_adset(advertiser))
    yield Template("POST", adset, {"targeting": TARGETING, "adset_schedule": [], "pacing_type": ["standard"]})
    yield Template(
        "POST",
        f"{ACCOUNT}/ads",
        {"name": "Ad", "adset_spec": _adset(advertiser, campaign), "creative": creative},
    )
    yield Template("POST", ACCOUNT, {"name": "x", "default_dsa_payor": "y", "partner": "z"})
    yield Template("POST", f"{ACCOUNT}/adimages", {"copy_from": {"source_account_id": ACCOUNT, "hash": "0"}})
    yield Template("GET", f"{ACCOUNT}/reachestimate", {"targeting_spec": TARGETING})
    yield Template("GET", f"{ACCOUNT}/generatepreviews", {"creative": story("P"), "ad_format": "X"})
    yield Template(
        "GET", "search", {"type": "adgeolocation", "q": "E", "location_types": ["country"], "limit": 2}
    )
    yield Template(
        "GET", ACCOUNT, {"fields": "insights.level(ad){spend},adspixels{name}", "appsecret_proof": "x"}
    )
    kind = {
        "objective": "OUTCOME_SALES",
        "special_ad_categories": ["HOUSING"],
        "special_ad_category_country": ["ES"],
    }
    yield Template("POST", campaign, {**kind, "execution_options": ["validate_only"]})


def _edges(nodes: tuple[str, ...], label: str) -> Iterator[Template]:
    for node in nodes:
        yield Template("POST", f"{node}/copies", _copies())
        yield Template("POST", f"{node}/adlabels", {"adlabels": [{"name": "z"}]})
        yield Template("DELETE", f"{node}/adlabels", {"adlabels": [{"name": "z"}]})
        yield Template("GET", f"{node}/insights", _insights())
    for edge in ("campaigns", "adsets", "ads", "adcreatives", "adimages", "advideos", "adlabels"):
        yield Template("GET", f"{ACCOUNT}/{edge}", _listing())
    for edge in ("adrules_library", "adrules_history", "minimum_budgets", "asyncadrequestsets"):
        yield Template("GET", f"{ACCOUNT}/{edge}", {**_listing(), "bid_amount": 5})
    for edge in ("campaigns", "adsets", "ads", "adcreatives"):
        asked = {"ad_label_ids": [label], "operator": "ALL"}
        yield Template("GET", f"{ACCOUNT}/{edge}bylabels", {**asked, **_listing()})


def _roots(campaign: str) -> Iterator[Template]:
    yield Template("DELETE", f"{ACCOUNT}/campaigns", {"delete_strategy": "DELETE_OLDEST", "object_count": 1})
    yield Template("DELETE", f"{ACCOUNT}/adimages", {"hash": "0"})
    codes = {"client_id": "1", "redirect_uri": "http://x/", "client_secret": "s", "code": "c"}
    yield Template("GET", "oauth/access_token", {**codes, "grant_type": "fb_exchange_token"})
    yield Template("GET", "dialog/oauth", {**codes, "state": "s", "scope": "ads_read"})
    yield Template("GET", "debug_token", {"input_token": "stub-token"})
    batch = [
        {"method": "GET", "relative_url": "me", "name": "a"},
        {"method": "POST", "relative_url": "{result=a:$.id}"},
    ]
    yield Template("POST", "", {"batch": batch, "include_headers": "false"})
    copy = {"name": "c", "relative_url": f"{campaign}/copies", "body": "deep_copy=true"}
    yield Template("POST", "", {"asyncbatch": [copy], "name": "copies"})


def _campaign() -> dict[str, Any]:
    return {
        "name": "N",
        "objective": "OUTCOME_SALES",
        "status": "PAUSED",
        "special_ad_categories": [],
        "is_adset_budget_sharing_enabled": False,
        "spend_cap": 90_000,
        "adlabels": [{"name": "n"}],
    }


def _adset(advertiser: Advertiser, campaign: str) -> dict[str, Any]:
    return {
        "name": "S",
        "campaign_id": campaign,
        "status": "PAUSED",
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "bid_strategy": "COST_CAP",
        "bid_amount": 100,
        "bid_constraints": {"roas_average_floor": 10_000},
        "promoted_object": {"pixel_id": PIXEL, "custom_event_type": "PURCHASE"},
        "targeting": {**TARGETING, "publisher_platforms": ["facebook"], "flexible_spec": [{"interests": []}]},
        "attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}],
        "lifetime_budget": 20_000,
        "start_time": advertiser.moment(),
        "end_time": advertiser.moment(hours=48),
    }


def _study(advertiser: Advertiser, ids: dict[str, str]) -> dict[str, Any]:
    cells = [
        {"name": letter, "treatment_percentage": 50, "adsets": [ids[f"set {letter}"]]} for letter in "AB"
    ]
    times = {"start_time": advertiser.moment(hours=1), "end_time": advertiser.moment(hours=30)}
    return {"name": "S", "type": "SPLIT_TEST", **times, "cells": cells}


def _rule() -> dict[str, Any]:
    filters = [
        {"field": "entity_type", "operator": "EQUAL", "value": "AD"},
        {"field": "time_preset", "operator": "EQUAL", "value": "LIFETIME"},
        {"field": "spent", "operator": "GREATER_THAN", "value": 100},
    ]
    return {
        "name": "R",
        "evaluation_spec": {"evaluation_type": "SCHEDULE", "filters": filters},
        "execution_spec": {"execution_type": "PAUSE", "execution_options": []},
        "schedule_spec": {"schedule_type": "CUSTOM", "schedule": [{"start_minute": 30, "days": [1]}]},
    }


def _insights() -> dict[str, Any]:
    return {
        "level": "ad",
        "fields": "spend,actions,purchase_roas",
        "time_range": {"since": "2026-11-22", "until": "2026-11-22"},
        "time_ranges": None,
        "date_preset": None,
        "time_increment": 1,
        "breakdowns": ["age"],
        "action_attribution_windows": ["1d_click"],
        "filtering": [{"field": "ad.name", "operator": "CONTAIN", "value": "A"}],
        "limit": 2,
        "summary": "true",
        "default_summary": None,
        "sort": ["spend_descending"],
        "action_breakdowns": ["action_type", "action_target_id"],
        "action_report_time": "mixed",
    }


def _rich_creative(advertiser: Advertiser) -> dict[str, Any]:
    cards = [{"link": "https://shop.example/1"}, {"link": "https://shop.example/2"}]
    features = {"creative_features_spec": {"inline_comment": {"enroll_status": "OPT_OUT"}}}
    return {
        **story("K", child_attachments=cards),
        "degrees_of_freedom_spec": features,
        "object_story_id": "1_2",
    }


def _feed(advertiser: Advertiser) -> dict[str, Any]:
    feed = {
        "titles": [{"text": "T"}],
        "bodies": [{"text": "B"}],
        "descriptions": [{"text": "D"}],
        "images": [{"hash": advertiser.image()}],
        "link_urls": [{"website_url": "https://shop.example/"}],
        "call_to_action_types": ["SHOP_NOW"],
    }
    return {"object_story_spec": {"page_id": PAGE}, "asset_feed_spec": feed, "thumbnail_url": "x"}


def _paced_adset(advertiser: Advertiser) -> dict[str, Any]:
    special = advertiser.campaign(special_ad_categories=["HOUSING"], special_ad_category_country=["ES", "TW"])
    places = {"countries": ["ES", "TW"], "regions": [{"key": "1", "country": "ES"}]}
    identities = {"universal_beneficiary": "1", "universal_payer": "2"}
    return {
        **_adset(advertiser, special),
        "targeting": {"geo_locations": places, "targeting_automation": {"advantage_audience": 1}},
        "regional_regulated_categories": ["TAIWAN_UNIVERSAL"],
        "regional_regulation_identities": identities,
        "adset_schedule": [{"start_minute": 0, "end_minute": 60, "days": [1]}],
        "pacing_type": ["day_parting"],
        "frequency_control_specs": [{"event": "IMPRESSIONS", "interval_days": 7, "max_frequency": 2}],
        "daily_min_spend_target": None,
    }


def _copies() -> dict[str, Any]:
    renaming = {"rename_strategy": "DEEP_RENAME", "rename_suffix": "x"}
    return {
        "deep_copy": "true",
        "status_option": "PAUSED",
        "rename_options": renaming,
        "start_time": None,
        "end_time": None,
        "parameter_overrides": {"name": "x"},
        "campaign_id": None,
        "adset_id": None,
    }


def _listing() -> dict[str, Any]:
    return {
        "fields": "id,name.limit(2)",
        "limit": 2,
        "after": None,
        "before": None,
        "filtering": [{"field": "name", "operator": "IN", "value": ["A"]}],
        "effective_status": ["ACTIVE"],
        "updated_since": 5,
        "summary": "true",
        "hashes": ["0"],
    }


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 10**6, -(10**6), 2**63, -(2**63), 10**30, 1.5, float("inf"), float("nan")]),
    st.sampled_from(
        ["", " ", "0", "-5", "1e9", "9" * 40, "null", "[]", "{}", '"', "[[", '{"a":', "é\0", "..", "٣"]
    ),
    st.sampled_from(["ACTIVE", "true", "2026-11-22", "9999-12-31", "0001-01-01T00:00:00Z", "act_123456789"]),
    st.text(max_size=8),
)
KEYS = [
    "id",
    "name",
    "field",
    "operator",
    "value",
    "since",
    "until",
    "text",
    "hash",
    "link",
    "website_url",
    "advantage_audience",
    "geo_locations",
    "type",
    "countries",
    "adsets",
    "custom_event_type",
]
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, wanted: Any) -> Any:
    """Return a value in which something, somewhere, is nonsense."""
    if isinstance(wanted, dict) and wanted and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(wanted)))
        return {**wanted, name: draw(spoilt(wanted[name]))}
    if isinstance(wanted, list) and wanted and draw(st.booleans()):
        return [draw(spoilt(wanted[0])), *wanted[1:]]
    return draw(JUNK)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Advertiser, Call]:
    advertiser, templates = _templates()
    template = draw(st.sampled_from(templates))
    params = {name: value for name, value in template.params.items() if value is not None}
    for name in draw(st.lists(st.sampled_from(sorted(template.params)), min_size=1, max_size=2)):
        params[name] = draw(spoilt(template.params[name]))
    if draw(st.booleans()):  # as a form sends it
        params = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()
        }
    segments = tuple(part for part in template.path.split("/") if part)
    return advertiser, Call(template.method, segments, Params(params), "v26.0", "stub-token", "http://sim")


def is_meta_shaped(body: Any) -> bool:
    if body is True or isinstance(body, list) or (isinstance(body, dict) and "error" not in body):
        return True
    error = body["error"]
    return isinstance(error["message"], str) and isinstance(error["code"], int) and "fbtrace_id" in error


@settings(max_examples=400, deadline=None)
@given(calls())
def test_nonsense_is_answered_as_meta_answers(sent: tuple[Advertiser, Call]) -> None:
    advertiser, call = sent
    reply = advertiser.simulator.handle(call).reply
    json.dumps(reply.body, allow_nan=False)
    assert is_meta_shaped(reply.body)
    assert reply.status < 500 or reply.body["error"]["code"] in OWN_ERRORS_MAY_BE_500


MISFITS: list[Any] = [None, 5, "x", "https://[", [], {}, ["x"], [[]], [{}], {"a": 1}, [5]]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of a value and of everything in it."""
    yield path
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, part in inner:
        yield from places(part, (*path, key))


def with_misfit(value: Any, path: tuple[Any, ...], misfit: Any) -> Any:
    """Return a value with something else at a path."""
    if not path:
        return misfit
    spoilt_value = dict(value) if isinstance(value, dict) else list(value)
    spoilt_value[path[0]] = with_misfit(value[path[0]], path[1:], misfit)
    return spoilt_value


@pytest.mark.parametrize("misfit", MISFITS, ids=repr)
def test_no_part_of_any_request_breaks_the_simulator(misfit: Any) -> None:
    advertiser, templates = _templates()
    for template in templates:
        params = {name: value for name, value in template.params.items() if value is not None}
        segments = tuple(part for part in template.path.split("/") if part)
        for name, value in params.items():
            for path in places(value):
                sent = Params({**params, name: with_misfit(value, path, misfit)})
                reply = advertiser.simulator.handle(
                    Call(template.method, segments, sent, "v26.0", "stub-token", "http://sim")
                ).reply
                assert is_meta_shaped(reply.body), (template.path, name, path)


RAW: dict[str, tuple[str, str, bytes]] = {
    "half a JSON body": ("POST", "application/json", b'{"name": '),
    "JSON that is not UTF-8": ("POST", "application/json", b'{"name": "\xff\xfe"}'),
    "JSON that is no object": ("POST", "application/json", b"[1, 2]"),
    "JSON a hundred thousand deep": ("POST", "application/json", b"[" * 100_000),
    "JSON with a lone surrogate": ("POST", "application/json", b'{"name": "\\ud800", "objective": "x"}'),
    "JSON with no number": ("POST", "application/json", b'{"name": NaN, "objective": Infinity}'),
    "JSON with a number of 5000 digits": ("POST", "application/json", b'{"limit": ' + b"9" * 5000 + b"}"),
    "a form that is not UTF-8": ("POST", "application/x-www-form-urlencoded", b"name=%ff%fe&objective=%00"),
    "a form with nested nonsense": (
        "POST",
        "application/x-www-form-urlencoded",
        b"adlabels=" + b"[" * 50_000 + b"&name=x",
    ),
    "a multipart body without a boundary": ("POST", "multipart/form-data", b"--x\r\n\r\n"),
    "a multipart body that breaks off": (
        "POST",
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb',
    ),
    "a body of another kind": ("POST", "application/xml", b"<a/>"),
    "a charset nobody knows": ("POST", "application/json; charset=klingon", b"{}"),
    "a method nobody serves": ("PUT", "application/json", b"{}"),
    "a patch": ("PATCH", "application/json", b'{"name": "x"}'),
}


@pytest.fixture(scope="module")
def served_world() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(scenario="large")) as simulator:
        yield simulator


def answer(request: Request) -> tuple[int, Any]:
    try:
        with urlopen(request, timeout=20) as reply:  # noqa: S310 - loopback only
            return reply.status, json.loads(reply.read())
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.mark.parametrize("name", RAW)
def test_a_body_that_cannot_be_read_is_refused_as_meta_refuses(
    name: str, served_world: SimulatorThread
) -> None:
    method, kind, body = RAW[name]
    headers = {"Content-Type": kind, "Authorization": "Bearer stub-token"}
    url = f"{served_world.url}/v26.0/{ACCOUNT}/campaigns"
    status, told = answer(Request(url, body, headers, method=method))  # noqa: S310 - loopback only
    assert status == 400
    assert is_meta_shaped(told)
    assert "error" in told


ADDRESSES = [
    "?fields=" + "a{" * 3000,
    "?fields=" + "adsets{" * 400 + "id" + "}" * 400,
    "?limit=" + "9" * 5000,
    "?after=%00%ff",
    "?after=" + "A" * 4001,
    "?filtering=" + "%5B" * 5000,
    "/%00",
    "/..%2f..%2fme",
    "/campaigns/1/2/3",
    "?date_preset=x&method=DELETE",
    "?updated_since=1e400",
]


@pytest.mark.parametrize("number", range(len(ADDRESSES)))
def test_an_address_of_nonsense_is_answered_as_meta_answers(
    number: int, served_world: SimulatorThread
) -> None:
    url = f"{served_world.url}/v26.0/{ACCOUNT}/campaigns{ADDRESSES[number]}"
    request = Request(url, headers={"Authorization": "Bearer stub-token"})  # noqa: S310 - loopback only
    status, told = answer(request)
    assert status < 500
    assert is_meta_shaped(told)


CONTROLS: list[tuple[str, Any]] = [
    ("clock", {"advance_seconds": "inf"}),
    ("clock", {"advance_seconds": 1e300}),
    ("clock", {"advance_to": "9999-12-31T23:59:59Z"}),
    ("clock", {"advance_to": 5}),
    ("clock", []),
    ("faults", {"kind": "slow", "times": "x"}),
    ("faults", {"kind": "slow", "match": {"path_regex": "("}}),
    ("faults", {"kind": "slow", "match": 5}),
    ("faults", {"kind": "slow", "seconds": "nan"}),
    ("faults", "x"),
    ("accounts/act_1", {"spend_cap": "x"}),
    (f"accounts/{ACCOUNT}", {"account_status": []}),
]


@pytest.mark.parametrize("number", range(len(CONTROLS)))
def test_the_controls_say_what_they_do_not_understand(number: int, served_world: SimulatorThread) -> None:
    path, body = CONTROLS[number]
    request = Request(  # noqa: S310 - loopback only
        f"{served_world.url}/_sim/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    status, told = answer(request)
    assert status == 400
    assert told["error"]
