"""Split tests of a business: people are divided at random into cells, each with its own campaigns, ad sets or ads.

SPLIT_TEST and SPLIT_TEST_V2 (creative tests) are simulated. While one runs, the market's persistent differences
between the audiences of its ads vanish (see `market/public.py`); everything else about the ads stays.
"""

from typing import Any

from metasim.graph.budgets import BUDGETS, read_budget
from metasim.graph.errors import malformed, missing, not_one_of, refusal
from metasim.graph.study_cells import (
    WHOLE,
    CellPlan,
    join_cells,
    make_cell,
    read_plans,
    settle_members,
)
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import Ad, Node, Study, StudyCell
from metasim.times import MINUTE
from metasim.world import World

SPLIT, CREATIVE = "SPLIT_TEST", "SPLIT_TEST_V2"
TYPES = (SPLIT, CREATIVE)
CREATIVE_CELLS = (2, 5)
MOST_STUDIES = 100
CLOCK_SLACK = 10 * MINUTE


def accounts_of_business(world: World, business: str) -> list[Account]:
    """Return the accounts of a business; none if there is no such business."""
    return [account for account in world.scenario.accounts if account.business == business]


def create_study(world: World, accounts: list[Account], call: Call) -> dict[str, Any]:
    """Create a split test of a business with these accounts."""
    params = call.params
    name, kind = params.need_text("name"), params.text("type") or SPLIT
    if kind not in TYPES:
        raise not_one_of("type", TYPES)
    start_us, end_us = _times(world, accounts[0], params)
    plans = read_plans(world, accounts, params)
    config = _creative_test(plans, params) if kind == CREATIVE else {}
    _refuse_many(world, accounts)
    if params.validate_only:
        return {"success": True}
    now = world.now_us
    study = Study(world.state.new_id(), accounts[0].id, name, created_us=now, updated_us=now)
    study.start_us, study.end_us = start_us, end_us
    study.extra = {"type": kind, **config}
    for budget in BUDGETS:
        setattr(study, budget, read_budget(Params(config.get("creative_test_config", {})), budget))
    if params.given("description"):
        study.extra["description"] = params.text("description")
    _begin(world, study, plans)
    return {"id": study.id}


def _begin(world: World, study: Study, plans: list[CellPlan]) -> None:
    for plan in plans:
        settle_members(world, plan.members)
    world.state.add(study)
    for plan in plans:
        world.state.add(make_cell(world, study, plan))


def _refuse_many(world: World, accounts: list[Account]) -> None:
    open_ones = [each for each in living_studies(world, accounts) if each.end_us > world.now_us]
    if len(open_ones) >= MOST_STUDIES:
        raise refusal(None, "Too many studies", f"At most {MOST_STUDIES} studies at once.", "cells")


def _creative_test(plans: list[CellPlan], params: Params) -> dict[str, Any]:
    """Return the configuration of a creative test: few cells of one ad each, and one budget for all of them."""
    fewest, most = CREATIVE_CELLS
    if not fewest <= len(plans) <= most:
        raise malformed("cells", f"{fewest} to {most} cells long in a creative test")
    if any(plan.kind != "ads" or len(plan.members) != 1 for plan in plans):
        raise refusal(None, "One ad per cell", "Each cell of a creative test holds exactly one ad.", "cells")
    if sum(plan.share for plan in plans) != WHOLE:
        raise refusal(None, "Shares must be 100", "A creative test divides everybody.", "cells")
    for name, twin in (("cooldown_start_time", "start_time"), ("observation_end_time", "end_time")):
        if params.given(name) and params.text(name) != params.text(twin):
            raise refusal(None, "Times differ", f"{name} equals {twin} in a creative test.", name)
    config = params.table("creative_test_config")
    if config is None:
        raise missing("creative_test_config")
    given = [name for name in BUDGETS if read_budget(Params(config), name)]
    if len(given) != 1:
        raise refusal(None, "One budget", "Give one budget for the whole test.", "creative_test_config")
    return {"creative_test_config": config}


def _times(world: World, account: Account, params: Params) -> tuple[int, int]:
    start, end = (params.moment(name, account.zone, world.now_us) for name in ("start_time", "end_time"))
    if start is None or end is None:
        raise missing("start_time" if start is None else "end_time")
    if start < world.now_us - CLOCK_SLACK:
        raise refusal(None, "Start is past", "A study cannot start in the past.", "start_time")
    if end <= max(start, world.now_us):
        raise refusal(None, "End before start", "A study must end after it starts.", "end_time")
    return start, end


def update_study(world: World, node: Node, params: Params) -> None:
    """Apply an update to a draft of a study: anything before it starts, its end and new members afterwards."""
    study = world.state.need(Study, node.id)
    account = world.account_of(study)
    running = world.now_us >= study.start_us
    if study.cancelled_us is not None or study.end_us <= world.now_us:
        raise refusal(None, "Study is over", "An ended or cancelled study cannot change.", "end_time")
    fixed = {"type", "creative_test_config", *(("name", "start_time") if running else ())} & set(params)
    if fixed:
        raise refusal(None, "Field is fixed", f"{min(fixed)} cannot change any more.", min(fixed))
    start = params.moment("start_time", account.zone, world.now_us) or study.start_us
    end = params.moment("end_time", account.zone, world.now_us) or study.end_us
    if end <= max(start, world.now_us):
        raise refusal(None, "End before start", "A study must end after now and its start.", "end_time")
    if "cells" in params:
        _join(world, study, params)
    node.name = params.text("name") or node.name
    if isinstance(node, Study):
        node.start_us, node.end_us, node.updated_us = start, end, world.now_us


def _join(world: World, study: Study, params: Params) -> None:
    if study.extra.get("type") == CREATIVE:
        raise refusal(None, "One ad per cell", "A creative test takes no further ads.", "cells")
    business = world.account_of(study).business or ""
    join_cells(world, study, accounts_of_business(world, business), params)


def cancel_study(world: World, study: Study) -> dict[str, Any]:
    """Cancel a study: its cells no longer divide anybody."""
    for cell in world.state.children(StudyCell, study.id):
        settle_members(world, tuple(cell.members))
    if study.cancelled_us is None:
        study.cancelled_us = study.updated_us = world.now_us
        study.status = "DELETED"
        world.state.touch(study)
    return {"success": True}


def living_studies(world: World, accounts: list[Account]) -> list[Study]:
    """Return the studies of accounts that were not cancelled."""
    ours = {account.id for account in accounts}
    return [
        each for each in world.state.of_kind(Study) if each.account_id in ours and each.status != "DELETED"
    ]


def studies_of(world: World, node: Node) -> list[Node]:
    """Return the studies a campaign, ad set or ad takes part in."""
    cells = world.state.children(StudyCell, node.id)
    return [world.state.need(Study, cell.study_id) for cell in cells]


def members_of(world: World, cell: StudyCell, kind: type[Node]) -> list[Node]:
    """Return what of a kind is in a cell."""
    found = (world.state.get(kind, member) for member in cell.members)
    return [node for node in found if node is not None]


def render_study(world: World, study: Study) -> dict[str, Any]:
    """Return what can be read of a study."""
    account = world.account_of(study)
    cancelled = study.cancelled_us
    return {
        "type": SPLIT,
        **study.extra,
        "id": study.id,
        "name": study.name,
        "business": {"id": account.business, "name": account.business_name},
        "start_time": world.spell(study.start_us, account),
        "end_time": world.spell(study.end_us, account),
        "canceled_time": None if cancelled is None else world.spell(cancelled, account),
        "created_time": world.spell(study.created_us, account),
        "updated_time": world.spell(study.updated_us, account),
    }


def render_cell(world: World, cell: StudyCell) -> dict[str, Any]:
    """Return what can be read of a cell."""
    ads = sorted({ad.id for ad in world.state.of_kind(Ad) if set(cell.members) & _lineage(ad)})
    return {
        "id": cell.id,
        "name": cell.name,
        "treatment_percentage": cell.share,
        "control_percentage": 0,
        "ad_entities_count": len(cell.members),
        "ad_ids": ads,
    }


def _lineage(ad: Ad) -> set[str]:
    return {ad.id, ad.adset_id, ad.campaign_id, ad.account_id}
