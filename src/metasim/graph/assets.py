"""What surrounds ad accounts (people, businesses, pages, pixels and the like) and the edges between them.

An edge of a type that the SDK knows answers with what the scenario has, or with an empty list; any other one is
refused like an unknown field.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from metasim.graph.asset_catalogue import EDGES, FIELDS
from metasim.graph.errors import no_such_field
from metasim.graph.listing import page_bounds, paging_frame, wants_summary
from metasim.graph.selection import Selection
from metasim.graph.wire import Call, Params
from metasim.scenario import Account, Scenario

Values = dict[str, Any]
AccountReader = Callable[[Account, Selection], Values]


@dataclass(frozen=True)
class Asset:
    """A person, business, page, pixel, Instagram user or custom conversion; `kind` is Meta's name of its type."""

    kind: str
    values: Values
    business: str | None = None

    @property
    def id(self) -> str:
        """Meta's id."""
        return str(self.values["id"])


Row = Asset | Account
MADE = "2020-01-01T00:00:00+0000"  # before any simulated world begins


def assets_of(scenario: Scenario) -> list[Asset]:
    """Return everything of a scenario that is no ad account and is not made by writes."""
    accounts = {each.business: each for each in scenario.accounts if each.business}
    return [
        *_named("Page", scenario.pages, category="Shopping & retail", is_published=True),
        *_named("AdsPixel", scenario.pixels, is_unavailable=False, creation_time=MADE),
        *(Asset("IGUser", {"id": each, "username": name}) for each, name in scenario.instagram_users),
        *_named("CustomConversion", scenario.custom_conversions, is_archived=False, creation_time=MADE),
        *(Asset("Business", {"id": key, "name": each.business_name}, key) for key, each in accounts.items()),
        user_of(scenario),
    ]


def _named(kind: str, entries: Iterable[tuple[str, str]], **more: Any) -> list[Asset]:
    return [Asset(kind, {"id": entry_id, "name": name, **more}) for entry_id, name in entries]


def user_of(scenario: Scenario) -> Asset:
    """Return the person every token stands for."""
    return Asset("User", {"id": scenario.user_id, "name": scenario.user_name})


def find_asset(scenario: Scenario, asset_id: str) -> Asset | None:
    """Return the asset with an id, or None."""
    return next((each for each in assets_of(scenario) if each.id == asset_id), None)


def all_of(kind: str) -> Callable[[Scenario, Row], list[Row]]:
    """Return an edge that shows every asset of a kind."""
    return lambda scenario, _owner: [each for each in assets_of(scenario) if each.kind == kind]


def _accounts(scenario: Scenario, owner: Row) -> list[Row]:
    business = owner.business if isinstance(owner, Asset) else None
    return [each for each in scenario.accounts if business in (None, each.business)]


def _pages_of_user(scenario: Scenario, _owner: Row) -> list[Row]:
    return [
        Asset("Page", {**page.values, **PAGE_ACCESS}) for page in assets_of(scenario) if page.kind == "Page"
    ]


def _users(kind: str) -> Callable[[Scenario, Row], list[Row]]:
    return lambda scenario, _owner: [Asset(kind, {**user_of(scenario).values, "role": "ADMIN"})]


PAGE_ACCESS = {"tasks": ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE"]}
ROWS: dict[tuple[str, str], Callable[[Scenario, Row], list[Row]]] = {
    **{("User", edge): _accounts for edge in ("adaccounts", "assigned_ad_accounts", "personal_ad_accounts")},
    **{("User", edge): _pages_of_user for edge in ("accounts", "assigned_pages")},
    ("User", "assigned_instagram_accounts"): all_of("IGUser"),
    ("User", "businesses"): all_of("Business"),
    ("User", "business_users"): _users("BusinessUser"),
    ("Business", "owned_ad_accounts"): _accounts,
    ("Business", "owned_pages"): all_of("Page"),
    **{("Business", edge): all_of("AdsPixel") for edge in ("adspixels", "owned_pixels")},
    **{("Business", edge): all_of("IGUser") for edge in ("instagram_accounts", "owned_instagram_accounts")},
    ("Business", "business_users"): _users("BusinessUser"),
    ("Page", "instagram_accounts"): all_of("IGUser"),
    ("AdsPixel", "shared_accounts"): _accounts,
    ("AdsPixel", "adaccounts"): _accounts,
    ("IGUser", "authorized_adaccounts"): _accounts,
    ("AdAccount", "adspixels"): all_of("AdsPixel"),
    ("AdAccount", "customconversions"): all_of("CustomConversion"),
    ("AdAccount", "instagram_accounts"): all_of("IGUser"),
    ("AdAccount", "connected_instagram_accounts"): all_of("IGUser"),
    ("AdAccount", "promote_pages"): all_of("Page"),
    **{("AdAccount", edge): _users("User") for edge in ("users", "assigned_users")},
}
BEYOND_SDK = {"Page": {"tasks", "perms", "access_token"}, "User": {"role", "tasks"}}


@dataclass(frozen=True)
class AssetReader:
    """Reads assets and their edges for one call; `account` is how ad accounts are read."""

    scenario: Scenario
    call: Call
    account: AccountReader

    def row(self, row: Row, selection: Selection) -> Values:
        """Return the chosen fields of an asset or ad account."""
        return self.account(row, selection) if isinstance(row, Account) else self.asset(row, selection)

    def asset(self, asset: Asset, selection: Selection) -> Values:
        """Return the chosen fields of an asset, edges among them. Raises GraphError for unknown ones."""
        chosen: Values = {}
        for name, nested in (selection.names or dict.fromkeys(asset.values, Selection())).items():
            if name in asset.values:
                chosen[name] = asset.values[name]
            elif name in EDGES[asset.kind]:
                chosen[name] = self.edge(asset, name, Params(nested.options), Selection(nested.names))
            elif name not in FIELDS[asset.kind] | BEYOND_SDK.get(asset.kind, set()):
                raise no_such_field(name, asset.kind)
        return {**chosen, "id": asset.id}

    def edge(self, owner: Row, name: str, params: Params, selection: Selection) -> Values:
        """Return one page of an edge. Raises GraphError for edges the type does not have."""
        kind = owner.kind if isinstance(owner, Asset) else "AdAccount"
        if name not in EDGES[kind]:
            raise no_such_field(name, kind)
        if name == "picture":
            return {"data": {"url": f"https://scontent.invalid/{owner.id}", "width": 50, "height": 50}}
        rows = ROWS[kind, name](self.scenario, owner) if (kind, name) in ROWS else []
        keys = [row.id for row in rows]
        start, stop = page_bounds(keys, params)
        address = f"{owner.id if isinstance(owner, Asset) else f'act_{owner.id}'}/{name}"
        frame = paging_frame(keys, (start, stop), params, self.call, address)
        if wants_summary(params):
            frame["summary"] = {"total_count": len(rows)}
        return {"data": [self.row(row, selection) for row in rows[start:stop]], **frame}
