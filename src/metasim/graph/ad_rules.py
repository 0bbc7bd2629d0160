"""Library of an account's automated rules: made, changed, read with their history, and run at once."""

from typing import Any

from metasim.graph.common import read_name
from metasim.graph.errors import GraphError, malformed, missing, refusal
from metasim.graph.rule_engine import run_rule
from metasim.graph.rule_specs import METRICS, SPECS, conditions, read_specs
from metasim.graph.wire import Call, Params
from metasim.scenario import Account
from metasim.state import Node, Rule
from metasim.world import World

STATUSES = ("ENABLED", "DISABLED")
UPDATES = (*STATUSES, "DELETED")
Body = dict[str, Any]


def create_rule(world: World, account: Account, params: Params) -> Rule:
    """Check a new rule and return it, not yet in the world; it runs from the next half hour on."""
    name, specs = read_name(params), read_specs(params)
    for spec in SPECS:
        if spec not in specs:
            raise missing(spec)
    status, now = params.choice("status", STATUSES) or "ENABLED", world.now_us
    _refuse_numbers(specs)
    return Rule(world.state.new_id(), account.id, name, status, now, now, extra=specs)


def _refuse_numbers(specs: Body) -> None:
    """Refuse figures compared with something that is not a number."""
    for row in conditions(specs["evaluation_spec"]):
        values = row.value if isinstance(row.value, list) else [row.value]
        if row.field in METRICS and not all(_is_number(value) for value in values):
            raise malformed(f"evaluation_spec[{row.field}]", "a number")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def update_rule(world: World, node: Node, params: Params) -> None:
    """Apply an update to a draft of a rule; a spec is replaced whole."""
    if node.status == "DELETED":
        raise refusal(None, "Rule is deleted", "A deleted rule cannot change.", "status")
    specs = read_specs(params)
    if "evaluation_spec" in specs:
        _refuse_numbers(specs)
    node.extra = {**node.extra, **specs}
    if params.given("name"):
        node.name = read_name(params)
    node.status = params.choice("status", UPDATES) or node.status
    node.updated_us = world.now_us


def execute_rule(world: World, node: Node, _call: Call) -> Body:
    """Run a rule now, whatever its schedule."""
    rule = world.state.need(Rule, node.id)
    if rule.status == "DELETED":
        raise GraphError("(#100) The rule is deleted", 100)
    run_rule(world, rule, manual=True)
    return {"success": True}


def render_rule(world: World, rule: Rule) -> Body:
    """Return what can be read of a rule."""
    account = world.account_of(rule)
    return {
        **rule.extra,
        "id": rule.id,
        "account_id": rule.account_id,
        "name": rule.name,
        "status": rule.status,
        "created_by": {"id": world.scenario.user_id, "name": world.scenario.user_name},
        "created_time": world.spell(rule.created_us, account),
        "updated_time": world.spell(rule.updated_us, account),
    }
