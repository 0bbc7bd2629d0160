"""Split tests of a business: people are divided at random into cells, each with its own campaigns, ad sets or ads.

Only SPLIT_TEST is simulated. While one runs, the market's persistent differences between the audiences of its
ads vanish (see `market/public.py`); everything else about the ads stays.
"""

from dataclasses import dataclass
from typing import Any

from autopublisher.simulator.graph.errors import malformed, missing, no_such_object, not_one_of, refusal
from autopublisher.simulator.graph.wire import Call, Params
from autopublisher.simulator.scenario import Account
from autopublisher.simulator.state import Ad, AdSet, Campaign, Node, Study, StudyCell
from autopublisher.simulator.times import MINUTE
from autopublisher.simulator.world import World

TYPES = ("SPLIT_TEST",)
ENTITIES: dict[str, type[Node] | None] = {
    "campaigns": Campaign,
    "adsets": AdSet,
    "ads": Ad,
    "adaccounts": None,
}
LEAST_SHARE, WHOLE = 10, 100
FEWEST_CELLS, MOST_CELLS = 2, 150
MOST_ENTITIES = 100
MOST_STUDIES = 100
CLOCK_SLACK = 10 * MINUTE


@dataclass(frozen=True)
class CellPlan:
    """One cell as it was asked for."""

    name: str
    share: int
    kind: str
    members: tuple[str, ...]


def accounts_of_business(world: World, business: str) -> list[Account]:
    """Return the accounts of a business; none if there is no such business."""
    return [account for account in world.scenario.accounts if account.business == business]


def create_study(world: World, accounts: list[Account], call: Call) -> dict[str, Any]:
    """Create a split test of a business with these accounts."""
    params = call.params
    name = params.need_text("name")
    if (params.text("type") or TYPES[0]) not in TYPES:
        raise not_one_of("type", TYPES)
    start_us, end_us = _times(world, accounts[0], params)
    plans = _plans(world, accounts, params)
    if len(living_studies(world, accounts)) >= MOST_STUDIES:
        raise refusal(None, "Too many studies", f"At most {MOST_STUDIES} studies at once.", "cells")
    if params.validate_only:
        return {"success": True}
    study = Study(
        world.state.new_id(), accounts[0].id, name, created_us=world.now_us, updated_us=world.now_us
    )
    study.start_us, study.end_us = start_us, end_us
    if params.given("description"):
        study.extra["description"] = params.text("description")
    _settle(world, plans)
    world.state.add(study)
    for plan in plans:
        world.state.add(_cell(world, study, plan))
    return {"id": study.id}


def _times(world: World, account: Account, params: Params) -> tuple[int, int]:
    start, end = (params.moment(name, account.zone) for name in ("start_time", "end_time"))
    if start is None or end is None:
        raise missing("start_time" if start is None else "end_time")
    if start < world.now_us - CLOCK_SLACK:
        raise refusal(None, "Start is past", "A study cannot start in the past.", "start_time")
    if end <= max(start, world.now_us):
        raise refusal(None, "End before start", "A study must end after it starts.", "end_time")
    return start, end


def _plans(world: World, accounts: list[Account], params: Params) -> list[CellPlan]:
    rows = params.structure("cells")
    if rows is None:
        raise missing("cells")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("cells", "an array of objects")
    if not FEWEST_CELLS <= len(rows) <= MOST_CELLS:
        raise malformed("cells", f"{FEWEST_CELLS} to {MOST_CELLS} cells long")
    plans = [_plan(world, accounts, Params(row)) for row in rows]
    if sum(plan.share for plan in plans) > WHOLE:
        raise refusal(None, "Shares exceed 100", "Treatment percentages sum to at most 100.", "cells")
    members = [member for plan in plans for member in plan.members]
    if len(set(members)) < len(members) or len({plan.kind for plan in plans}) > 1:
        raise refusal(None, "Cells overlap", "Each object belongs to one cell; cells hold one kind.", "cells")
    return plans


def _plan(world: World, accounts: list[Account], row: Params) -> CellPlan:
    name, share = row.need_text("name"), row.integer("treatment_percentage")
    if share is None:
        raise missing("treatment_percentage")
    if not LEAST_SHARE <= share <= WHOLE:
        raise malformed("treatment_percentage", f"between {LEAST_SHARE} and {WHOLE}")
    kinds = [kind for kind in ENTITIES if row.given(kind)]
    if len(kinds) != 1:
        raise refusal(None, "Cell members", f"Give exactly one of {', '.join(ENTITIES)}.", "cells")
    members = tuple(row.words(kinds[0]) or ())
    if not 1 <= len(members) <= MOST_ENTITIES:
        raise malformed(kinds[0], f"1 to {MOST_ENTITIES} ids long")
    for member in members:
        _check_member(world, accounts, kinds[0], member)
    return CellPlan(name, share, kinds[0], members)


def _check_member(world: World, accounts: list[Account], kind: str, member: str) -> None:
    wanted, ours = ENTITIES[kind], {account.id for account in accounts}
    if wanted is None:
        if member.removeprefix("act_") not in ours:
            raise no_such_object(member)
        return
    node = world.state.get(wanted, member)
    if node is None or node.account_id not in ours or node.status == "DELETED":
        raise no_such_object(member)
    for cell in world.state.children(StudyCell, member):
        study = world.state.need(Study, cell.study_id)
        if study.cancelled_us is None and study.end_us > world.now_us:
            raise refusal(None, "Already tested", f"{member} is part of study {study.id}.", "cells")


def _settle(world: World, plans: list[CellPlan]) -> None:
    for plan in plans:
        for member in plan.members:
            if member in world.state.nodes:
                world.settle(world.state.nodes[member])


def _cell(world: World, study: Study, plan: CellPlan) -> StudyCell:
    cell = StudyCell(world.state.new_id(), study.account_id, plan.name, created_us=world.now_us)
    cell.updated_us, cell.study_id, cell.share = world.now_us, study.id, plan.share
    cell.member_kind = plan.kind
    cell.members = [member.removeprefix("act_") for member in plan.members]
    return cell


def update_study(world: World, node: Node, params: Params) -> None:
    """Apply an update to a draft of a study: anything but cells before it starts, only the end afterwards."""
    study = world.state.need(Study, node.id)
    account = world.account_of(study)
    running = world.now_us >= study.start_us
    if study.cancelled_us is not None or study.end_us <= world.now_us:
        raise refusal(None, "Study is over", "An ended or cancelled study cannot change.", "end_time")
    fixed = {"cells", "type", *(("name", "start_time") if running else ())} & set(params)
    if fixed:
        raise refusal(None, "Field is fixed", f"{min(fixed)} cannot change any more.", min(fixed))
    start = params.moment("start_time", account.zone) or study.start_us
    end = params.moment("end_time", account.zone) or study.end_us
    if end <= max(start, world.now_us):
        raise refusal(None, "End before start", "A study must end after now and its start.", "end_time")
    node.name = params.text("name") or node.name
    if isinstance(node, Study):
        node.start_us, node.end_us, node.updated_us = start, end, world.now_us


def cancel_study(world: World, study: Study) -> dict[str, Any]:
    """Cancel a study: its cells no longer divide anybody."""
    for cell in world.state.children(StudyCell, study.id):
        for member in cell.members:
            if member in world.state.nodes:
                world.settle(world.state.nodes[member])
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


def render_study(world: World, study: Study) -> dict[str, Any]:
    """Return what can be read of a study."""
    account = world.account_of(study)
    cancelled = study.cancelled_us
    return {
        **study.extra,
        "id": study.id,
        "name": study.name,
        "type": TYPES[0],
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
