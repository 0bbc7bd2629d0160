"""Scheduled jobs of Meta: automated rules on the half hour, asynchronous requests once they are due."""

from collections.abc import Callable

from metasim.graph.async_requests import call_of, conclude, due_us, waiting
from metasim.graph.rule_engine import HALF_HOUR, next_half_hour, run_due_rules
from metasim.graph.wire import Call, Reply
from metasim.state import State
from metasim.world import World


def next_job(state: State, from_us: int, to_us: int) -> int | None:
    """Return the next moment in (from, to] at which something is to be done, or None."""
    moments = [max(due_us(state, request), from_us + 1) for request in waiting(state)]
    half_hour = next_half_hour(state, from_us, to_us)
    moments = [moment for moment in moments if moment <= to_us]
    return min(moments if half_hour is None else [*moments, half_hour], default=None)


def run_jobs(world: World, answer: Callable[[Call], Reply | None], version: str) -> None:
    """Do what is due now; `answer` makes a call and gives None where nobody answered it."""
    if world.now_us % HALF_HOUR == 0:
        run_due_rules(world)
    finish_requests(world, answer, version)


def finish_requests(world: World, answer: Callable[[Call], Reply | None], version: str) -> None:
    """Do the asynchronous requests that are due, in the order they were asked for."""
    for request in waiting(world.state):
        if due_us(world.state, request) <= world.now_us:
            call = call_of(world.state, request, world.scenario.tokens[0], version)
            conclude(world, request, call if isinstance(call, Reply) else answer(call))
