"""Drives a simulator inside the process, without HTTP: for tests that need many worlds quickly."""

from typing import Any

from metasim.config import SimulatorConfig
from metasim.engine import Simulator
from metasim.graph.wire import Call, Params, Upload
from metasim.times import HOUR, MINUTE, iso_utc

ACCOUNT = "act_123456789"
PAGE, INSTAGRAM, PIXEL = "1001", "17841400000000001", "2001"
TINY_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
TARGETING = {
    "geo_locations": {"countries": ["ES"]},
    "age_min": 18,
    "age_max": 65,
    "targeting_automation": {"advantage_audience": 0},
}


class RefusedError(Exception):
    """The simulator answered with an error; `error` is Meta's error object, `status` the HTTP status."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('code')}/{error.get('error_subcode')}: {error.get('message')}")
        self.status = status
        self.error = error

    @property
    def codes(self) -> tuple[int, int | None]:
        """Code and subcode."""
        return int(self.error["code"]), self.error.get("error_subcode")


class Advertiser:
    """Speaks to one simulator as an advertiser would, with sensible defaults for everything it creates."""

    def __init__(self, config: SimulatorConfig | None = None, simulator: Simulator | None = None) -> None:
        """Sit down at a simulator that others speak to as well, or at one of its own."""
        self.simulator = simulator or Simulator(config or SimulatorConfig())
        self._token = self.simulator.scenario.tokens[0]

    def call(self, method: str, path: str, **params: Any) -> Any:
        """Make one call and return its JSON. Raises RefusedError for error answers."""
        call = Call(method, tuple(path.split("/")), Params(params), "v26.0", self._token, "http://sim")
        return self.send(call)

    def send(self, call: Call) -> Any:
        """Send a ready call and return its JSON. Raises RefusedError for error answers."""
        reply = self.simulator.handle(call).reply
        if isinstance(reply.body, dict) and "error" in reply.body:
            raise RefusedError(reply.status, reply.body["error"])
        return reply.body

    def get(self, path: str, **params: Any) -> Any:
        """Read."""
        return self.call("GET", path, **params)

    def post(self, path: str, **params: Any) -> Any:
        """Write."""
        return self.call("POST", path, **params)

    def pass_time(self, *, hours: float = 0, minutes: float = 0) -> str:
        """Move the clock; return the new moment."""
        now = self.simulator.clock.now_us()
        return iso_utc(self.simulator.advance_to(now + round(hours * HOUR + minutes * MINUTE)))

    def moment(self, *, hours: float = 0) -> str:
        """Return the moment so many hours from now, as ISO 8601."""
        return iso_utc(self.simulator.clock.now_us() + round(hours * HOUR))

    def campaign(self, name: str = "Campaign [ap-test/c]", **params: Any) -> str:
        """Create a paused sales campaign; return its id."""
        usual: dict[str, Any] = {
            "name": name,
            "objective": "OUTCOME_SALES",
            "status": "PAUSED",
            "special_ad_categories": [],
            "is_adset_budget_sharing_enabled": False,
        }
        if params.get("daily_budget") or params.get("lifetime_budget"):
            usual["bid_strategy"] = "LOWEST_COST_WITHOUT_CAP"
        return str(self.post(f"{ACCOUNT}/campaigns", **_merged(usual, params))["id"])

    def adset(self, campaign_id: str, name: str = "Ad set", hours: float = 24, **params: Any) -> str:
        """Create a paused ad set with a lifetime budget of 50.00 (unless told otherwise); return its id."""
        usual: dict[str, Any] = {
            "name": name,
            "campaign_id": campaign_id,
            "status": "PAUSED",
            "billing_event": "IMPRESSIONS",
            "optimization_goal": "OFFSITE_CONVERSIONS",
            "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
            "promoted_object": {"pixel_id": PIXEL, "custom_event_type": "PURCHASE"},
            "targeting": TARGETING,
        }
        if "daily_budget" not in params:
            usual |= {"lifetime_budget": 5000, "end_time": self.moment(hours=hours)}
        return str(self.post(f"{ACCOUNT}/adsets", **_merged(usual, params))["id"])

    def image(self, content: bytes = TINY_PNG, name: str = "tiny.png") -> str:
        """Upload an image; return its hash."""
        path = (ACCOUNT, "adimages")
        call = Call("POST", path, Params({}), "v26.0", self._token, files={name: Upload(name, content)})
        return str(self.send(call)["images"][name]["hash"])

    def creative(self, letter: str = "A", **link_data: Any) -> str:
        """Create a creative with headline and text of a letter; return its id."""
        return str(
            self.post(f"{ACCOUNT}/adcreatives", name=f"Creative {letter}", **story(letter, **link_data))["id"]
        )

    def ad(self, adset_id: str, creative_id: str, name: str = "Ad", **params: Any) -> str:
        """Create a paused ad; return its id."""
        usual = {
            "name": name,
            "adset_id": adset_id,
            "creative": {"creative_id": creative_id},
            "conversion_domain": "shop.example",
            "status": "PAUSED",
        }
        return str(self.post(f"{ACCOUNT}/ads", **_merged(usual, params))["id"])

    def split_test(self, letters: str = "AB", hours: float = 24, **adset: Any) -> dict[str, str]:
        """Create and switch on a campaign with one ad set and ad per letter; return ids by `campaign` and letter."""
        campaign_id = self.campaign()
        ids = {"campaign": campaign_id}
        for letter in letters:
            adset_id = self.adset(campaign_id, f"Set {letter}", hours, **adset)
            ids[f"set {letter}"] = adset_id
            ids[letter] = self.ad(adset_id, self.creative(letter), f"Ad {letter}")
            for node_id in (ids[letter], adset_id):
                self.post(node_id, status="ACTIVE")
        self.post(campaign_id, status="ACTIVE")
        return ids

    def figures(self, node_id: str) -> dict[str, float]:
        """Return a node's spend, impressions, clicks on the link, purchases and revenue so far."""
        fields = "spend,impressions,inline_link_clicks,actions,action_values"
        rows = self.get(f"{node_id}/insights", fields=fields, date_preset="maximum")["data"]
        row = rows[0] if rows else {}
        return {
            **{name: float(row.get(name, 0)) for name in ("spend", "impressions")},
            "clicks": float(row.get("inline_link_clicks", 0)),
            "purchases": action(row, "actions"),
            "revenue": action(row, "action_values"),
        }


def action(row: dict[str, Any], name: str, kind: str = "purchase") -> float:
    """Return one action's value of an insights row, 0 where Meta leaves it out."""
    return float(next((each["value"] for each in row.get(name, []) if each["action_type"] == kind), 0))


def story(letter: str, **link_data: Any) -> dict[str, Any]:
    """Return the parameters of a link creative whose headline and text end in a letter."""
    data = {
        "link": "https://shop.example/offer",
        "name": f"Headline {letter}",
        "message": f"Text {letter}",
        "call_to_action": {"type": "SHOP_NOW", "value": {"link": "https://shop.example/offer"}},
    }
    spec = {"page_id": PAGE, "instagram_user_id": INSTAGRAM, "link_data": _merged(data, link_data)}
    return {"object_story_spec": spec}


def _merged(usual: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the usual parameters with the wanted ones over them; None takes a parameter away."""
    return {name: value for name, value in {**usual, **wanted}.items() if value is not None}
