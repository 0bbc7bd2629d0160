"""How many objects an account, campaign or ad set may hold; the scenario may lower the numbers.

Deleted objects do not count. Archived ones count for themselves. 2695 is the code of full containers; that the
account's own limits use it too is assumed.
"""

from metasim.graph.errors import GraphError, refusal
from metasim.scenario import Account, ObjectLimits
from metasim.state import Ad, AdSet, Campaign, Label, Node
from metasim.status import GONE
from metasim.world import World

NAMES: dict[type[Node], str] = {Campaign: "campaigns", AdSet: "ad sets", Ad: "ads"}
TOO_MANY_ARCHIVED_ADS = 1487990
LOCKED_ABOVE = 70  # ad sets of a campaign with a budget of its own


def refuse_full_account(world: World, account: Account, kind: type[Node], more: int = 1) -> None:
    """Refuse objects beyond what an account may hold of a kind (2695)."""
    alive = sum(1 for node in world.state.of_kind(kind, account.id) if node.status not in GONE)
    limit = _limit(account.object_limits, kind)
    if alive + more > limit:
        raise full(f"The ad account has reached its limit of {limit} {NAMES[kind]}")


def _limit(limits: ObjectLimits, kind: type[Node]) -> int:
    return {Campaign: limits.campaigns, AdSet: limits.adsets, Ad: limits.ads}[kind]


def refuse_full_campaign(world: World, account: Account, campaign: Campaign, more: int = 1) -> None:
    """Refuse ad sets beyond what a campaign may hold (2695)."""
    limit = account.object_limits.adsets_per_campaign
    if _living(world, AdSet, campaign.id) + more > limit:
        raise full(f"The campaign has reached its limit of {limit} ad sets")


def refuse_full_adset(world: World, account: Account, adset: AdSet, more: int = 1) -> None:
    """Refuse ads beyond what an ad set may hold (2695)."""
    limit = account.object_limits.ads_per_adset
    if _living(world, Ad, adset.id) + more > limit:
        raise full(f"An ad set can have at most {limit} ads")


def _living(world: World, kind: type[Node], parent_id: str) -> int:
    return sum(1 for node in world.state.children(kind, parent_id) if node.status != "DELETED")


def refuse_many_archived(world: World, node: Node) -> None:
    """Refuse archiving one more object of a kind than the account may keep (1487990 for ads)."""
    limit = world.account_of(node).object_limits.archived
    alike = world.state.of_kind(type(node), node.account_id)
    if sum(1 for each in alike if each.status == "ARCHIVED") >= limit:
        subcode = TOO_MANY_ARCHIVED_ADS if isinstance(node, Ad) else None
        text = f"The account keeps at most {limit} archived objects of a kind."
        raise refusal(subcode, "Too many archived objects", text, "status")


def refuse_full_labels(world: World, account: Account) -> None:
    """Refuse labels beyond what an account may hold (2695)."""
    limit = account.object_limits.labels
    if sum(1 for _ in world.state.of_kind(Label, account.id)) >= limit:
        raise full(f"The ad account has reached its limit of {limit} labels")


def refuse_locked_budget(world: World, campaign: Campaign) -> None:
    """Refuse another bid strategy for a campaign budget that is shared by very many ad sets."""
    if campaign.has_budget and _living(world, AdSet, campaign.id) > LOCKED_ABOVE:
        text = f"With more than {LOCKED_ABOVE} ad sets the campaign's budget and bid strategy cannot change."
        raise refusal(None, "Too many ad sets", text, "bid_strategy")


def full(text: str) -> GraphError:
    """Return the error of a container that holds all it can."""
    return GraphError(f"(#2695) {text}", 2695, title="Limit reached", user_message=f"{text}.")
