"""History of automated rules: what they did and when, as an edge of a rule and of its account."""

from typing import Any

from metasim.graph.listing import page_bounds, paging_frame
from metasim.graph.wire import Call, Params
from metasim.state import Rule
from metasim.world import World

Body = dict[str, Any]


def rule_history(world: World, rules: list[Rule], call: Call, address: str) -> Body:
    """Return a page of runs, the latest first; `hide_no_changes`, `object_id` and `action` choose among them."""
    runs = [(rule, run) for rule in rules for run in rule.runs if _is_asked(run, call.params)]
    runs.sort(key=lambda pair: pair[1]["us"], reverse=True)
    keys = [f"{rule.id}/{run['us']}/{number}" for number, (rule, run) in enumerate(runs)]
    start, stop = page_bounds(keys, call.params)
    rows = [_run_row(world, rule, run) for rule, run in runs[start:stop]]
    return {"data": rows, **paging_frame(keys, (start, stop), call.params, call, address)}


def _is_asked(run: Body, params: Params) -> bool:
    if params.flag("hide_no_changes") and not run["results"]:
        return False
    wanted, action = params.text("object_id"), params.text("action")
    if wanted and all(row["object_id"] != wanted for row in run["results"]):
        return False
    actions = {each["action"] for row in run["results"] for each in row["actions"]} or {"NOT_CHANGED"}
    return not action or action in actions


def _run_row(world: World, rule: Rule, run: Body) -> Body:
    return {
        "rule_id": rule.id,
        "timestamp": world.spell(run["us"], world.account_of(rule)),
        "is_manual": run["manual"],
        "evaluation_spec": rule.extra["evaluation_spec"],
        "execution_spec": rule.extra["execution_spec"],
        "schedule_spec": rule.extra["schedule_spec"],
        "results": run["results"],
    }
