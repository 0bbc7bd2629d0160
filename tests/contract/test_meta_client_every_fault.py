"""Every fault the simulator knows, met by the Meta client over HTTP: the error it ends in, or the value in spite of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from autopublisher.adapters.clock_simulated import SimulatedClock
from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.adapters.meta.session import Credentials, Timeouts
from autopublisher.domain.errors import (
    MetaAuthorisationError,
    MetaError,
    MetaHumanNeededError,
    MetaOutcomeUnknownError,
    MetaReadError,
    MetaThrottledError,
    MetaTransientError,
)
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.insights import figures_of
from metasim.config import SimulatorConfig
from metasim.faults import KINDS
from metasim.server import SimulatorThread
from metasim.testing import Advertiser, story

pytestmark = pytest.mark.slow  # answers that take their time

ACT = ActId("act_123456789")
MARK = "[ap-0123456789abcdef-"
CAMPAIGN = {
    "name": f"Autumn {MARK}campaign]",
    "objective": "OUTCOME_SALES",
    "status": "PAUSED",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
}


@dataclass
class Scene:
    """A simulator with one running arm, and the client on it."""

    simulator: SimulatorThread
    clock: SimulatedClock
    meta: SdkMetaAds
    ids: dict[str, str] = field(default_factory=dict)

    def plan(self, kind: str, details: dict[str, Any]) -> None:
        fault = {"kind": kind, **details}
        httpx2.post(f"{self.simulator.url}/_sim/faults", json=fault).raise_for_status()

    def make(self) -> MetaId:
        return self.meta.create(ACT, ObjectKind.CAMPAIGN, CAMPAIGN)

    def make_creative(self) -> MetaId:
        return self.meta.create(ACT, ObjectKind.CREATIVE, {"name": f"{MARK}a.creative]", **story("A")})

    def marked(self) -> int:
        return len(self.meta.find(ACT, ObjectKind.CAMPAIGN, MARK, ["id"]))

    def made_then_marked(self) -> int:
        self.make()
        return self.marked()

    def reread(self) -> Any:
        return self.meta.read(ObjectKind.AD, MetaId(self.ids["A"]), ["effective_status"]).effective_status

    def sales(self) -> int:
        """Return the purchases that Meta reports of arm A until yesterday."""
        now = self.clock.now()
        arm = MetaId(self.ids["set A"])
        (row,) = self.meta.ad_sets(ACT, [arm], now - timedelta(days=2), now - timedelta(days=1))
        return figures_of(row, "EUR", "PURCHASE").conversions


@pytest.fixture
def scene() -> Iterator[Scene]:
    with SimulatorThread(SimulatorConfig()) as simulator, SimulatedClock(simulator.url) as clock:
        advertiser = Advertiser(simulator=simulator.simulator)
        ids = advertiser.split_test("A", hours=72, lifetime_budget=20_000)
        advertiser.pass_time(hours=30)
        with SdkMetaAds(
            Credentials("stub-token"), clock, simulator.url, Timeouts(5.0, 1.0), page_size=2
        ) as meta:
            yield Scene(simulator, clock, meta, ids)


Act = Callable[[Scene], Any]


@dataclass(frozen=True)
class Case:
    """A fault, what the client does when it strikes, and the error type or value that it must end in."""

    kind: str
    act: Act
    ends: Any
    details: dict[str, Any] = field(default_factory=dict)


LOST, PASSING, UNREAD = MetaOutcomeUnknownError, MetaTransientError, MetaReadError
LIMITED, UNAUTHORISED, PERSON = MetaThrottledError, MetaAuthorisationError, MetaHumanNeededError
CASES: dict[str, Case] = {
    "a lost answer to a create": Case("commit_then_timeout", Scene.make, LOST),
    "a lost answer to a read": Case("commit_then_timeout", Scene.reread, UNREAD, {"times": None}),
    "a look-up that arrived at the second try": Case("drop_before_commit", Scene.marked, 0),
    "a gateway's page before the answer": Case("html_502", Scene.reread, "ACTIVE", {"times": 2}),
    "a create that never arrived": Case("drop_before_commit", Scene.make, LOST),
    "a look-up that never arrived": Case("drop_before_commit", Scene.marked, UNREAD, {"times": None}),
    "a reset": Case("connection_reset", Scene.make, LOST),
    "a reset after the fact": Case("connection_reset", Scene.make, LOST, {"commit": True}),
    "a gateway's page for a create": Case("html_502", Scene.make, LOST),
    "a gateway's page for a read": Case("html_502", Scene.reread, UNREAD, {"times": None}),
    "an answer within patience": Case("slow", Scene.reread, "ACTIVE", {"seconds": 0.05}),
    "an answer beyond patience": Case("slow", Scene.make, LOST, {"seconds": 3}),
    "an error under HTTP 200": Case("error_200", Scene.make, PASSING),
    "a passing fault": Case("transient", Scene.make, PASSING),
    "an unknown error": Case("unknown_error", Scene.make, PASSING),
    "an unknown error under HTTP 400": Case("unknown_error", Scene.make, PASSING, {"http": 400}),
    "the creative flake": Case("flake_1487390", Scene.make_creative, PASSING),
    "the app's limit": Case("throttle", Scene.make, LIMITED, {"code": 4}),
    "the user's limit": Case("throttle", Scene.make, LIMITED, {"code": 17}),
    "the account's limit": Case("throttle", Scene.make, LIMITED, {"code": 613}),
    "the business's limit": Case("throttle", Scene.make, LIMITED, {"code": 80004}),
    "the limit of insights": Case("throttle", Scene.sales, LIMITED, {"code": 80000}),
    "an expired token": Case("token_expired", Scene.make, UNAUTHORISED),
    "a removed app": Case("token_invalid", Scene.make, UNAUTHORISED, {"subcode": 458}),
    "a checkpoint": Case("token_invalid", Scene.make, UNAUTHORISED, {"subcode": 459}),
    "a changed password": Case("token_invalid", Scene.make, UNAUTHORISED, {"subcode": 460}),
    "an unconfirmed user": Case("token_invalid", Scene.make, UNAUTHORISED, {"subcode": 464}),
    "a closed session": Case("token_invalid", Scene.reread, UNAUTHORISED, {"subcode": 467}),
    "a role that is gone": Case("token_invalid", Scene.marked, UNAUTHORISED, {"subcode": 492}),
    "an app without permission": Case("permission_lost", Scene.make, UNAUTHORISED, {"code": 10}),
    "a user without permission": Case("permission_lost", Scene.reread, UNAUTHORISED, {"code": 200}),
    "no permission for ads": Case("permission_lost", Scene.make, UNAUTHORISED, {"code": 294}),
    "a block for policy": Case("policy_block", Scene.make, PERSON),
    "a disabled account": Case("account_disabled", Scene.make, PERSON),
    "a refused ad": Case("ad_disapproved", Scene.reread, "DISAPPROVED"),
    "objects that are listed late": Case("read_lag", Scene.made_then_marked, 0),
    "a filter that lags": Case("stale_filter", Scene.made_then_marked, 1, {"seconds": 3600}),
    "an empty page": Case("empty_page_with_next", Scene.made_then_marked, 1),
    "nothing but empty pages": Case("empty_page_with_next", Scene.marked, UNREAD, {"times": None}),
    "a gap in the filtered list": Case("partial_list", Scene.made_then_marked, 1),
    "a gap in every list": Case("partial_list", Scene.made_then_marked, 0, {"times": None, "share": 1}),
    "figures taken back": Case("insights_restated", Scene.sales, 0, {"factor": 0}),
}
REPORTS = frozenset({"report_failed", "report_skipped", "report_stuck"})
"""The client reads figures at once and starts no report, so these cannot meet it."""


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if isinstance(case.ends, type)])
def test_the_client_ends_in_the_error_that_the_fault_means(name: str, scene: Scene) -> None:
    case = CASES[name]
    scene.plan(case.kind, case.details)

    with pytest.raises(MetaError) as caught:
        case.act(scene)

    assert type(caught.value) is case.ends


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not isinstance(case.ends, type)])
def test_the_client_returns_what_the_fault_leaves_to_see(name: str, scene: Scene) -> None:
    case = CASES[name]
    scene.plan(case.kind, case.details)

    assert case.act(scene) == case.ends


def test_no_fault_is_left_out() -> None:
    assert {case.kind for case in CASES.values()} | REPORTS == set(KINDS)


@pytest.mark.parametrize("code", [4, 17, 613, 80004])
def test_every_limit_says_when_to_come_back(code: int, scene: Scene) -> None:
    scene.plan("throttle", {"code": code, "wait_minutes": 9})

    with pytest.raises(MetaThrottledError) as caught:
        scene.make()

    named = {4: timedelta(minutes=5)}
    assert caught.value.retry_at == scene.clock.now() + named.get(code, timedelta(minutes=9))
