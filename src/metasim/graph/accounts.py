"""The ad account's own writes and its table of minimum budgets."""

from typing import Any

from metasim.facts import DSA_LIMIT, NAME_LIMIT, SPEND_LIMIT_CHANGES_PER_DAY
from metasim.graph.errors import malformed, refusal, throttled
from metasim.graph.unsupported_parameters import refuse_unserved
from metasim.graph.wire import Params
from metasim.scenario import MICROS, Account
from metasim.state import AccountState
from metasim.times import DAY
from metasim.world import World

NAMED = ("name", "default_dsa_beneficiary", "default_dsa_payor")


def minimum_budgets(account: Account, params: Params) -> dict[str, Any]:
    """Return the account's least daily budgets in minor units, raised for a given bid."""
    bid, table = params.integer("bid_amount") or 0, account.minimum_budgets
    row = {
        "currency": account.currency,
        "min_daily_budget_imp": max(table.imp, bid),
        "min_daily_budget_high_freq": max(table.high_freq, 5 * bid),
        "min_daily_budget_low_freq": max(table.low_freq, 5 * bid),
        "min_daily_budget_video_views": max(table.video_views, 5 * bid),
    }
    return {"data": [row]}


def update_account(world: World, account: Account, params: Params) -> dict[str, Any]:
    """Change the account's name, DSA defaults or spending limit (major units; `spend_cap_action` reset or delete)."""
    refuse_unserved("account", params)
    state = world.state.accounts[account.id]
    named = {name: params.need_text(name) for name in NAMED if name in params}
    for name, value in named.items():
        if len(value) > (NAME_LIMIT if name == "name" else DSA_LIMIT):
            raise malformed(name, "shorter")
    action = params.choice("spend_cap_action", ("reset", "delete"))
    if params.given("spend_cap") or action:
        _note_change(state, world.now_us)
        _set_cap(state, account, params, action)
    if named or params.given("spend_cap") or action:
        state.named = {**state.named, **named}
        world.state.touch(state)
    return {"success": True}


def _note_change(state: AccountState, now_us: int) -> None:
    recent = [moment for moment in state.cap_changes_us if moment > now_us - DAY]
    if len(recent) >= SPEND_LIMIT_CHANGES_PER_DAY:
        raise throttled(17, 1885172, "The account's spending limit was changed too often today.")
    state.cap_changes_us = [*recent, now_us]


def _set_cap(state: AccountState, account: Account, params: Params, action: str | None) -> None:
    if action == "reset":
        state.spent_micros = 0
        return
    try:
        major = 0.0 if action == "delete" else float(params.need_text("spend_cap"))
    except ValueError as error:
        raise malformed("spend_cap", "a number") from error
    cap = round(major * MICROS) // account.minor_micros
    if cap and cap * account.minor_micros < state.spent_micros:
        raise refusal(None, "Limit too low", "The account has already spent more.", "spend_cap")
    state.spend_cap = cap
