"""Estimates and previews: how many people an audience holds, how an ad looks, what may be targeted."""

from collections.abc import Callable
from html import escape
from typing import Any

from metasim.facts import COUNTRIES
from metasim.graph.catalogue import names
from metasim.graph.creatives import create_creative
from metasim.graph.errors import malformed, missing, not_one_of
from metasim.graph.targeting import check_targeting
from metasim.graph.wire import Call, Params
from metasim.market.effects import shown_content
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Creative, Node
from metasim.world import World

Body = dict[str, Any]
NOMINAL_PEOPLE = 20_000_000  # where a scenario has no population
BREADTH = (0.85, 1.0)  # estimates are ranges
SEARCHES = names(
    """
    adTargetingCategory adcity adcountry adcountrygroup adeducationmajor adeducationschool adgeolocation
    adgeolocationmeta adinterest adinterestsuggestion adinterestvalid adlocale adradiussuggestion adregion
    adworkemployer adworkposition adzipcode page place user
    """
)


def reach_estimate(world: World, _account: Account, call: Call) -> Body:
    """Return how many people targeting reaches, as a range."""
    _check(call.params)
    low, high = _people(world)
    return {"data": {"users_lower_bound": low, "users_upper_bound": high, "estimate_ready": True}}


def delivery_estimate(world: World, _account: Account, call: Call) -> Body:
    """Return how many people an ad set with a goal would reach in a month."""
    _check(call.params)
    if not call.params.given("optimization_goal"):
        raise missing("optimization_goal")
    return {"data": [_delivery(world)]}


def _check(params: Params) -> None:
    targeting = params.table("targeting_spec")
    if targeting is None:
        raise missing("targeting_spec")
    check_targeting(targeting)


def _people(world: World) -> tuple[int, int]:
    population = world.scenario.population
    size = NOMINAL_PEOPLE if population is None else int(population.size)
    low, high = (int(size * share) for share in BREADTH)
    return low, high


def _delivery(world: World) -> Body:
    low, high = _people(world)
    bounds = {"estimate_mau_lower_bound": low, "estimate_mau_upper_bound": high}
    return {"daily_outcomes_curve": [], "estimate_dau": low // 2, **bounds, "estimate_ready": True}


def adset_estimate(world: World, node: Node, _call: Call) -> Body:
    """Return the delivery estimate of an ad set as it is."""
    world.state.need(AdSet, node.id)
    return {"data": [_delivery(world)]}


def preview(world: World, node: Node, call: Call) -> Body:
    """Return how an ad or creative looks in a format."""
    creative = world.state.need(Creative, node.creative_id if isinstance(node, Ad) else node.id)
    return _preview(creative, call.params)


def generated_preview(world: World, account: Account, call: Call) -> Body:
    """Return how a creative that does not exist would look."""
    spec = call.params.table("creative")
    if spec is None:
        raise missing("creative")
    found = world.state.get(Creative, str(spec.get("creative_id", "")))
    return _preview(found or create_creative(world, account, Params(spec)), call.params)


def _preview(creative: Creative, params: Params) -> Body:
    shape = params.need_text("ad_format")
    shown = " ".join(str(value) for value in shown_content(creative.extra).values() if value)
    return {"data": [{"body": f'<iframe title="{escape(shape)}" srcdoc="{escape(shown)}"></iframe>'}]}


def search(call: Call) -> Body:
    """Return targets by name; countries are known, and there is no map and no list of interests."""
    kind = call.params.need_text("type")
    if kind not in SEARCHES:
        raise not_one_of("type", SEARCHES)
    if kind not in ("adgeolocation", "adcountry"):
        return {"data": []}
    types = call.params.words("location_types") or ["country"]
    wanted = (call.params.text("q") or "").upper()
    found = [code for code in sorted(COUNTRIES) if code.startswith(wanted)] if "country" in types else []
    limit = call.params.integer("limit") or 25
    if limit < 1:
        raise malformed("limit", "a positive integer")
    return {"data": [_country(code) for code in found[:limit]]}


def _country(code: str) -> Body:
    return {"key": code, "name": code, "type": "country", "country_code": code, "supports_region": True}


ACCOUNT_READS: dict[str, Callable[[World, Account, Call], Body]] = {
    "reachestimate": reach_estimate,
    "delivery_estimate": delivery_estimate,
    "generatepreviews": generated_preview,
}
NODE_READS: dict[tuple[str, str], Callable[[World, Node, Call], Body]] = {
    ("adset", "delivery_estimate"): adset_estimate,
    ("ad", "previews"): preview,
    ("creative", "previews"): preview,
}
