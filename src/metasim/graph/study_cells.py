"""Study cells: how they are asked for, what may be in them, and how objects join a running one."""

from dataclasses import dataclass
from typing import Any

from metasim.graph.errors import malformed, missing, no_such_object, refusal
from metasim.graph.wire import Params
from metasim.scenario import Account
from metasim.state import Ad, AdSet, Campaign, Node, Study, StudyCell
from metasim.world import World

ENTITIES: dict[str, type[Node] | None] = {
    "campaigns": Campaign,
    "adsets": AdSet,
    "ads": Ad,
    "adaccounts": None,
}
LEAST_SHARE, WHOLE = 10, 100
FEWEST_CELLS, MOST_CELLS = 2, 150
MOST_ENTITIES = 100


@dataclass(frozen=True)
class CellPlan:
    """One cell as it was asked for."""

    name: str
    share: int
    kind: str
    members: tuple[str, ...]


def read_plans(world: World, accounts: list[Account], params: Params) -> list[CellPlan]:
    """Return the cells of a new study. Raises GraphError for shares, sizes or members that are not allowed."""
    rows = cell_rows(params)
    if not FEWEST_CELLS <= len(rows) <= MOST_CELLS:
        raise malformed("cells", f"{FEWEST_CELLS} to {MOST_CELLS} cells long")
    plans = [_plan(world, accounts, row) for row in rows]
    if sum(plan.share for plan in plans) > WHOLE:
        raise refusal(None, "Shares exceed 100", "Treatment percentages sum to at most 100.", "cells")
    members = [member for plan in plans for member in plan.members]
    if len(set(members)) < len(members) or len({plan.kind for plan in plans}) > 1:
        raise refusal(None, "Cells overlap", "Each object belongs to one cell; cells hold one kind.", "cells")
    return plans


def cell_rows(params: Params) -> list[Params]:
    """Return the objects of `cells`. Raises GraphError if there are none or they are malformed."""
    rows = params.structure("cells")
    if rows is None:
        raise missing("cells")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("cells", "an array of objects")
    return [Params(row) for row in rows]


def _plan(world: World, accounts: list[Account], row: Params) -> CellPlan:
    name, share = row.need_text("name"), row.integer("treatment_percentage")
    if share is None:
        raise missing("treatment_percentage")
    if not LEAST_SHARE <= share <= WHOLE:
        raise malformed("treatment_percentage", f"between {LEAST_SHARE} and {WHOLE}")
    kind, members = _members(row)
    for member in members:
        _check_member(world, accounts, kind, member)
    return CellPlan(name, share, kind, members)


def _members(row: Params) -> tuple[str, tuple[str, ...]]:
    kinds = [kind for kind in ENTITIES if row.given(kind)]
    if len(kinds) != 1:
        raise refusal(None, "Cell members", f"Give exactly one of {', '.join(ENTITIES)}.", "cells")
    members = tuple(row.words(kinds[0]) or ())
    if not 1 <= len(members) <= MOST_ENTITIES:
        raise malformed(kinds[0], f"1 to {MOST_ENTITIES} ids long")
    return kinds[0], members


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


def settle_members(world: World, members: tuple[str, ...]) -> None:
    """Let the market catch up with objects before their audiences change."""
    for member in members:
        if member in world.state.nodes:
            world.settle(world.state.nodes[member])


def make_cell(world: World, study: Study, plan: CellPlan) -> StudyCell:
    """Return a new cell of a study, not yet in the world."""
    cell = StudyCell(world.state.new_id(), study.account_id, plan.name, created_us=world.now_us)
    cell.updated_us, cell.study_id, cell.share = world.now_us, study.id, plan.share
    cell.member_kind = plan.kind
    cell.members = [member.removeprefix("act_") for member in plan.members]
    return cell


def join_cells(world: World, study: Study, accounts: list[Account], params: Params) -> None:
    """Add objects to cells of a study, named by `id`; what is in a cell stays, shares and names are fixed."""
    joins = [_join(world, study, accounts, row) for row in cell_rows(params)]
    newcomers = [member for _, members in joins for member in members]
    if len(set(newcomers)) < len(newcomers):
        raise refusal(None, "Cells overlap", "Each object belongs to one cell.", "cells")
    if params.validate_only:
        return
    for cell, members in joins:
        settle_members(world, members)
        world.state.enlist(cell, tuple(member.removeprefix("act_") for member in members))
        cell.updated_us = world.now_us


def _join(
    world: World, study: Study, accounts: list[Account], row: Params
) -> tuple[StudyCell, tuple[str, ...]]:
    cell = world.state.get(StudyCell, row.need_text("id"))
    if cell is None or cell.study_id != study.id:
        raise no_such_object(row.need_text("id"))
    _refuse_fixed(cell, row)
    kind, members = _members(row)
    if kind != cell.member_kind:
        raise refusal(
            None, "Cells hold one kind", f"The cells of this study hold {cell.member_kind}.", "cells"
        )
    fresh = tuple(each for each in members if each.removeprefix("act_") not in cell.members)
    for member in fresh:
        _check_member(world, accounts, kind, member)
    if len(cell.members) + len(fresh) > MOST_ENTITIES:
        raise malformed(kind, f"at most {MOST_ENTITIES} ids long")
    return cell, fresh


def _refuse_fixed(cell: StudyCell, row: Params) -> None:
    known: dict[str, Any] = {"name": cell.name, "treatment_percentage": str(cell.share)}
    for name, value in known.items():
        if row.given(name) and str(row[name]) != value:
            raise refusal(None, "Field is fixed", f"A cell's {name} cannot change any more.", "cells")
