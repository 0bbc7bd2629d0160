"""The simulator itself: one world, one clock, one lock; every request passes through `handle`.

A request first lets the market catch up with the clock, then meets planned faults, then is answered; what changed
is saved before the answer leaves.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from metasim.answer_faults import unskipped
from metasim.clock import SimClock
from metasim.config import SimulatorConfig
from metasim.exposure import ExposureBook
from metasim.facts import CURRENT_VERSION, LIVE_VERSIONS, UPGRADABLE_VERSIONS
from metasim.fault_effects import FaultEffect
from metasim.faults import FaultBook, read_fault
from metasim.graph.async_requests import is_session_batch, start_sessions
from metasim.graph.batch import is_batch, run_batch, written_family
from metasim.graph.errors import GraphError
from metasim.graph.login import is_login, log_in
from metasim.graph.service import (
    Service,
    account_of_call,
    check_token,
    check_version,
    served_version,
)
from metasim.graph.wire import Call, Reply, reply_of
from metasim.market.delivery import Market
from metasim.rate_limits import Meter
from metasim.scenario import Account, load_scenario
from metasim.scheduled_jobs import finish_requests, next_job, run_jobs
from metasim.state import AccountState, Ad, State
from metasim.store import Store
from metasim.throttle_headers import exhausted
from metasim.times import iso_utc, parse_iso
from metasim.world import World

LOG_LIMIT = 5000
SECRETS = frozenset(
    {"access_token", "appsecret_proof", "input_token", "client_secret", "fb_exchange_token", "code"}
)
LONG_VALUE = 2000


@dataclass(frozen=True)
class Delivery:
    """How an answer leaves: what, after how many real seconds, and whether at all."""

    reply: Reply
    delay_s: float = 0.0
    ending: Literal["answer", "close", "reset"] = "answer"


class Simulator:
    """A simulated Marketing API."""

    def __init__(self, config: SimulatorConfig) -> None:
        """Load the scenario and whatever was saved. Raises ValueError if the saved world is another one."""
        self.config = config
        self.scenario = load_scenario(config.scenario)
        self.lock = threading.RLock()
        self.faults = FaultBook(config.seed)
        self.meter = Meter(self.scenario.platform_users)
        self.requests: deque[dict[str, Any]] = deque(maxlen=LOG_LIMIT)
        self.state = State(
            AccountState(each.id, each.account_status, each.disable_reason, each.spend_cap)
            for each in self.scenario.accounts
        )
        self.market = Market(self.state, self.scenario, config.seed)
        self.exposure = ExposureBook(self.state, self.scenario, config.group_pattern)
        self._store = Store(config.state_path)
        self._calls = 0
        self._items_delay_s = 0.0
        self._settled_us = parse_iso(config.start)
        self._extra_dirty: set[str] = set()
        for fault in self.scenario.faults:
            self.faults.plan(fault)
        self._restore()
        for text in config.faults:
            self.faults.plan_once(read_fault(text))
        self.clock = SimClock(self._settled_us, config.mode, config.speed)

    def handle(self, call: Call) -> Delivery:
        """Answer one Graph API request; what it changed is saved when this returns."""
        with self.lock:
            now_us = self.catch_up()
            finish_requests(self.world(now_us), self._later(now_us), CURRENT_VERSION)
            self._items_delay_s = 0.0
            delivery = self._deliver(call, now_us)
            self.save()
            return replace(delivery, delay_s=delivery.delay_s + self._items_delay_s)

    def _deliver(self, call: Call, now_us: int) -> Delivery:
        self._calls += 1
        call, warning = self._upgrade(call)
        effect = self._meet_faults(call, now_us)
        true_reply = self._answer(unskipped(call), now_us, effect) if effect.commit else None
        if true_reply is not None and effect.edit is not None:
            true_reply = effect.edit(true_reply, call, self.world(now_us))
        reply = effect.reply or true_reply or Reply(500, {})
        reply = self._with_headers(reply, call, now_us, effect)
        self._log(call, reply, effect, now_us)
        reply = replace(reply, headers={**reply.headers, **warning})
        return Delivery(reply, effect.delay_s, effect.ending)

    def _meet_faults(self, call: Call, now_us: int) -> FaultEffect:
        """Return the fault effect that awaits a call; what Meta does from its own side is done then."""
        effect = self.faults.meet(call, self.world(now_us)) or FaultEffect(commit=True)
        if effect.world_event is not None:
            effect.world_event(self.world(now_us), call)
            self._note_exposure(now_us)
        return effect

    def _upgrade(self, call: Call) -> tuple[Call, dict[str, str]]:
        """Serve an expired version by the next live one, with a warning, where the settings say so."""
        if not self.config.upgrade_expired or call.version not in UPGRADABLE_VERSIONS:
            return call, {}
        text = f"The call has been auto-upgraded to {LIVE_VERSIONS[0]} as {call.version} has been deprecated."
        return replace(call, version=LIVE_VERSIONS[0]), {"X-Ad-Api-Version-Warning": text}

    def _batch_item(self, call: Call, now_us: int) -> Reply | None:
        """Answer one item of a batch, which waits for all; a fault that would end the connection leaves the item null."""
        delivery = self._deliver(call, now_us)
        self._items_delay_s += delivery.delay_s
        return delivery.reply if delivery.ending == "answer" else None

    def catch_up(self) -> int:
        """Let the market run up to the clock; return the present moment."""
        now_us = self.clock.now_us()
        while (moment := next_job(self.state, self._settled_us, now_us)) is not None:
            self._settle(moment)
            run_jobs(self.world(moment), self._later(moment), CURRENT_VERSION)
            self._note_exposure(moment)
        self._settle(now_us)
        return now_us

    def _settle(self, moment_us: int) -> None:
        if moment_us > self._settled_us:
            self.market.advance(self._settled_us, moment_us, self._note_exposure)
            self._settled_us = moment_us
            self._extra_dirty.add("clock:")

    def _later(self, moment_us: int) -> Callable[[Call], Reply | None]:
        return lambda call: self._batch_item(call, moment_us)

    def world(self, now_us: int, *, read_lag_us: int = 0, report_fate: str = "") -> World:
        """Return the world at a moment, for handlers."""
        return World(now_us, self.state, self.scenario, self.market, self.exposure, read_lag_us, report_fate)

    def advance_to(self, moment_us: int) -> int:
        """Move the clock forward and save; an earlier moment changes nothing. Return the present moment."""
        with self.lock:
            self.catch_up()
            self.clock.advance_to(moment_us)
            now_us = self.catch_up()
            self.save()
            return now_us

    def keep_up(self) -> None:
        """Let the market run up to the clock; it is saved with the next answer, and would come out the same."""
        with self.lock:
            self.catch_up()

    @property
    def calls(self) -> int:
        """How many requests this process has answered."""
        return self._calls

    @property
    def settled_us(self) -> int:
        """The moment up to which the market has run."""
        return self._settled_us

    def save(self) -> None:
        """Write everything that changed since the last save."""
        if self.faults.changed:
            self._extra_dirty.add("faults:")
            self.faults.changed = False
        if self._store.durable:
            records = {key: self.state.dump(key) for key in self.state.changed()}
            if records:
                self._extra_dirty.add("usage:")
            records.update({key: self._dump(key) for key in sorted(self._extra_dirty)})
            records.update({f"injected:{entry['number']:08d}": entry for entry in self.faults.unsaved})
            self._store.save(records)
        self.faults.unsaved.clear()
        self.state.settle()
        self._extra_dirty.clear()

    def close(self) -> None:
        """Save and close the state file."""
        with self.lock:
            self.save()
            self._store.close()

    def _answer(self, call: Call, now_us: int, effect: FaultEffect) -> Reply:
        hide_us = effect.hide_us if call.writes else 0
        lag_us = 0 if call.writes else effect.hide_us
        world = self.world(now_us, read_lag_us=lag_us, report_fate=effect.report_fate)
        try:
            check_version(call)
            if is_login(call):
                return log_in(world, call)
            check_token(world, call)
            if is_batch(call):
                family = partial(written_family, self.state)
                return Reply(200, run_batch(call, self._later(now_us), family))
            if is_session_batch(call):
                return Reply(200, start_sessions(world, call))
            account = account_of_call(world, call)
            self.meter.charge(account, call, self._active_ads(account), now_us)
            body = Service(world, hide_us).answer(call)
        except GraphError as error:
            self.meter.note_error(account_of_call(world, call), call, now_us)
            return reply_of(error, self._trace())
        if call.writes:
            self._note_exposure(now_us)
        return Reply(200, body)

    def _note_exposure(self, now_us: int) -> None:
        if self.exposure.note(now_us):
            self._extra_dirty.add("exposure:")

    def _with_headers(self, reply: Reply, call: Call, now_us: int, effect: FaultEffect) -> Reply:
        account = account_of_call(self.world(now_us), call) or self.scenario.accounts[0]
        usage = self.meter.headers(account, call, self._active_ads(account), now_us)
        if effect.throttle_code is not None:
            usage = exhausted(usage, effect.throttle_code, effect.wait_minutes)
        trace = {"x-fb-trace-id": self._trace(), "facebook-api-version": served_version(call)}
        return replace(reply, headers={**reply.headers, **usage, **trace})

    def _active_ads(self, account: Account | None) -> int:
        ads = self.state.of_kind(Ad, account.id) if account is not None else ()
        return sum(1 for ad in ads if ad.status == "ACTIVE")

    def _trace(self) -> str:
        digest = hashlib.blake2b(f"{self.config.seed}/{self._calls}".encode(), digest_size=8)
        return f"A{digest.hexdigest()}"

    def _log(self, call: Call, reply: Reply, effect: FaultEffect, now_us: int) -> None:
        error = (reply.body or {}).get("error") if isinstance(reply.body, dict) else None
        outcome = f"{error['code']}/{error.get('error_subcode', '')}".rstrip("/") if error else "ok"
        if effect.kind:
            outcome = f"fault:{effect.kind}"
        self.requests.append(
            {
                "method": call.method,
                "path": call.path,
                "version": call.version,
                "params": {name: _shown(name, value) for name, value in call.params.items()},
                "files": sorted(call.files),
                "status": reply.status,
                "outcome": outcome,
                "time": iso_utc(now_us),
            }
        )

    def _restore(self) -> None:
        origin = {"scenario": self.scenario.name, "seed": self.config.seed}
        for key, body in self._store.load():
            if key == "origin:" and body != origin:
                message = f"the state file holds another world: {body}, not {origin}"
                raise ValueError(message)
            if key == "clock:":
                self._settled_us = max(self._settled_us, int(body))
            elif key == "faults:":
                self.faults.load(body)
            elif key.startswith("injected:"):
                self.faults.load_entry(body)
            elif key == "usage:":
                self.meter.load(body)
            elif key == "exposure:":
                self.exposure.peaks = dict(body)
            else:
                self.state.load(key, body)
        self.state.settle()
        self._store.save({"origin:": origin})

    def _dump(self, key: str) -> Any:
        parts: dict[str, Callable[[], Any]] = {
            "clock:": lambda: self._settled_us,
            "faults:": self.faults.dump,
            "usage:": self.meter.dump,
            "exposure:": lambda: self.exposure.peaks,
        }
        return parts[key]()


def _shown(name: str, value: Any) -> Any:
    if name in SECRETS:
        return "***"
    text = value if isinstance(value, str) else ""
    return f"<{len(text)} characters>" if len(text) > LONG_VALUE else value
