"""The simulator's own addresses under /_sim: clock, faults, truth, and what really happened."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from metasim.control_guard import guarded
from metasim.engine import Simulator
from metasim.graph.relaxed_json import read_json
from metasim.market.effects import Content, Truth, content_of, shown_content
from metasim.market.profile import click_window_hours
from metasim.market.reporting_delay import reported_share
from metasim.market.truth import TruthBook
from metasim.overview import Overview
from metasim.scenario import MICROS
from metasim.state import Ad, AdSet, Creative, Funded, Node
from metasim.status import effective_status
from metasim.times import SECOND, iso_utc, parse_iso
from metasim.world_events import change_account

LAST_MOMENT = parse_iso("2199-12-31T23:59:59Z")
Handler = Callable[[Request], Awaitable[Response]]


class BadRequestError(ValueError):
    """The request to the simulator's controls is not understood."""


def control_routes(simulator: Simulator) -> list[Route]:
    """Return the routes under /_sim."""
    controls = Controls(simulator)
    table: list[tuple[str, str, Callable[[Request, Any], Any]]] = [
        ("/health", "GET", controls.health),
        ("/clock", "GET", controls.clock),
        ("/clock", "POST", controls.move_clock),
        ("/truth", "GET", controls.truth),
        ("/objects", "GET", controls.objects),
        ("/requests", "GET", controls.requests),
        ("/exposure", "GET", controls.exposure),
        ("/faults", "GET", controls.faults),
        ("/faults", "POST", controls.plan_fault),
        ("/faults", "DELETE", controls.clear_faults),
        ("/accounts/{account_id}", "POST", controls.change_account),
    ]
    token = simulator.config.control_token
    routes = [
        Route(f"/_sim{path}", guarded(_handler(act), token), methods=[method]) for path, method, act in table
    ]
    overview = Overview(simulator, controls.ad_truth)
    return [*routes, Route("/_sim/", guarded(_page(overview), token), methods=["GET"])]


def _page(overview: Overview) -> Handler:
    async def handle(_request: Request) -> Response:
        return HTMLResponse(overview.page())

    return handle


def _handler(act: Callable[[Request, Any], Any]) -> Handler:
    async def handle(request: Request) -> Response:
        body = await request.body()
        try:
            return JSONResponse(act(request, _read_body(body)))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return handle


def _read_body(body: bytes) -> dict[str, Any]:
    values = read_json(body.decode()) if body else {}
    if not isinstance(values, dict):
        raise BadRequestError("send a JSON object")
    return values


class Controls:
    """What the addresses under /_sim do."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def health(self, _request: Request | None, _body: Any) -> dict[str, Any]:
        """Say that the simulator lives, and what it simulates."""
        sim = self._simulator
        return {"status": "ok", "scenario": sim.scenario.name, "seed": sim.config.seed}

    def clock(self, _request: Request | None, _body: Any) -> dict[str, Any]:
        """Tell the time."""
        clock, settled = self._simulator.clock, iso_utc(self._simulator.settled_us)
        return {"now": iso_utc(clock.now_us()), "mode": clock.mode, "speed": clock.speed, "settled": settled}

    def move_clock(self, request: Request, body: Any) -> dict[str, Any]:
        """Move the clock forward to a moment or by seconds; never backwards."""
        sim = self._simulator
        with sim.lock:
            if "advance_to" in body:
                self._advance(parse_iso(str(body["advance_to"])))
            elif "advance_seconds" in body:
                self._advance(sim.clock.now_us() + round(float(body["advance_seconds"]) * SECOND))
            else:
                raise BadRequestError("give advance_to or advance_seconds")
            return self.clock(request, body)

    def _advance(self, moment_us: int) -> None:
        if moment_us > LAST_MOMENT:
            raise BadRequestError("the clock ends with the year 2199")
        self._simulator.advance_to(moment_us)

    def requests(self, _request: Request, _body: Any) -> dict[str, Any]:
        """List the last requests."""
        with self._simulator.lock:
            return {"data": list(self._simulator.requests)}

    def exposure(self, request: Request, _body: Any) -> dict[str, Any]:
        """Tell what campaigns whose name contains a text have spent and could still spend (minor units)."""
        sim = self._simulator
        with sim.lock:
            now_us = sim.catch_up()
            sim.save()
            return asdict(sim.exposure.of(request.query_params.get("contains", ""), now_us))

    def faults(self, _request: Request, _body: Any) -> dict[str, Any]:
        """List planned faults and those that happened."""
        book = self._simulator.faults
        with self._simulator.lock:
            return {"data": [asdict(fault) for fault in book.faults], "log": list(book.log)}

    def plan_fault(self, _request: Request, body: Any) -> dict[str, Any]:
        """Plan a fault."""
        sim = self._simulator
        with sim.lock:
            fault = sim.faults.plan(body)
            sim.save()
            return asdict(fault)

    def clear_faults(self, _request: Request, _body: Any) -> dict[str, Any]:
        """Forget planned faults."""
        sim = self._simulator
        with sim.lock:
            sim.faults.clear()
            sim.save()
            return {"success": True}

    def change_account(self, request: Request, body: Any) -> dict[str, Any]:
        """Change an account's status, disable reason or spend cap (minor units), as Meta would from its side."""
        sim = self._simulator
        account_id = str(request.path_params["account_id"]).removeprefix("act_")
        known = {"account_status", "disable_reason", "spend_cap"}
        if set(body) - known:
            raise BadRequestError(f"only {sorted(known)} can change")
        with sim.lock:
            change_account(sim.world(sim.catch_up()), account_id, body)
            sim.save()
            return asdict(sim.state.accounts[account_id])

    def objects(self, _request: Request, _body: Any) -> dict[str, Any]:
        """List everything ever created, deleted things included."""
        sim = self._simulator
        with sim.lock:
            now_us = sim.catch_up()
            sim.save()
            return {"data": [self._object(node, now_us) for node in sim.state.nodes.values()]}

    def _object(self, node: Node, now_us: int) -> dict[str, Any]:
        row = {
            "id": node.id,
            "kind": node.kind,
            "account_id": node.account_id,
            "name": node.name,
            "status": node.status,
            "effective_status": effective_status(self._simulator.state, node, now_us),
            "created": iso_utc(node.created_us),
            "parent": getattr(node, "adset_id", None) or getattr(node, "campaign_id", None),
        }
        if isinstance(node, Funded):
            row |= {"daily_budget": node.daily_budget, "lifetime_budget": node.lifetime_budget}
            row["spend_cap"] = getattr(node, "spend_cap", None)
        if isinstance(node, (Funded, Ad)):
            row["spend"] = node.spent_micros / MICROS
        return row

    def truth(self, _request: Request | None, _body: Any) -> dict[str, Any]:
        """Tell the market's true parameters and every ad's and creative's true worth."""
        sim = self._simulator
        with sim.lock:
            return {
                "market": asdict(sim.scenario.market),
                "effects": [asdict(effect) for effect in sim.scenario.effects],
                "ads": [self.ad_truth(ad) for ad in sim.state.of_kind(Ad)],
                "creatives": [self._creative_truth(each) for each in sim.state.of_kind(Creative)],
            }

    def ad_truth(self, ad: Ad) -> dict[str, Any]:
        """Return an ad's true parameters, and what it is worth now, over its schedule and as delivered."""
        state = self._simulator.state
        content = content_of(state, ad)
        hours = click_window_hours(state.need(AdSet, ad.adset_id))
        row = {"ad_id": ad.id, "name": ad.name, "adset_id": ad.adset_id, "campaign_id": ad.campaign_id}
        sim = self._simulator
        worth = TruthBook(state, sim.scenario, sim.market).of(ad, sim.clock.now_us())
        return {**row, "creative_id": ad.creative_id, **self._worth(content, hours), **worth}

    def _creative_truth(self, creative: Creative) -> dict[str, Any]:
        content = Content(**shown_content(creative.extra), creative_name=creative.name)
        return {"creative_id": creative.id, "name": creative.name, **self._worth(content, 168.0)}

    def _worth(self, content: Content, window_hours: float) -> dict[str, Any]:
        effects = self._simulator.market.effects
        truth: Truth = effects.truth(content)
        share = reported_share(window_hours / truth.delay, self._simulator.scenario.market)
        return {
            "title": content.title,
            "message": content.message,
            "image_hash": content.image_hash,
            "effects": effects.labels(content),
            **asdict(truth),
            "expected_roas": truth.roas * share,
            "counted_share": share,
        }
