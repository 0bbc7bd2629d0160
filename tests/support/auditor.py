"""Auditor of a run: what Meta's side, the simulator's own books, holds of it. It asks nothing of the product."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import httpx2

from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.naming import run_mark, token_in
from autopublisher.domain.runs.run import Run, RunStatus
from metasim.engine import Simulator

DELIVERING = frozenset({"campaign", "adset", "ad"})
"""Kinds that can be on or off; a creative is ACTIVE as long as it exists."""


class Auditor(Protocol):
    """Reads a simulator's books."""

    def rows(self) -> list[dict[str, Any]]:
        """Return everything ever made, deleted objects included."""
        ...

    def exposure(self, run_id: RunId) -> dict[str, Any]:
        """Return what the run's campaigns have spent and could still spend, in minor units."""
        ...


@dataclass(frozen=True)
class RemoteAuditor:
    """Reads the books of a simulator behind an address."""

    url: str

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Use one of the simulator's controls."""
        answer = httpx2.request(method, f"{self.url}/_sim/{path}", timeout=60, trust_env=False, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "objects")["data"]
        return found

    def exposure(self, run_id: RunId) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", "exposure", params={"contains": run_mark(run_id)})
        return found


@dataclass(frozen=True)
class LocalAuditor:
    """Reads the books of a simulator in this process."""

    simulator: Simulator

    def rows(self) -> list[dict[str, Any]]:
        nodes = self.simulator.state.nodes.values()
        return [{"id": one.id, "kind": one.kind, "name": one.name, "status": one.status} for one in nodes]

    def exposure(self, run_id: RunId) -> dict[str, Any]:
        with self.simulator.lock:
            return asdict(self.simulator.exposure.of(run_mark(run_id), self.simulator.catch_up()))


def objects(auditor: Auditor, run_id: RunId) -> list[dict[str, Any]]:
    """Return everything ever made for a run."""
    return [row for row in auditor.rows() if run_mark(run_id) in (row["name"] or "")]


def assert_within_total(auditor: Auditor, run: Run, hidden: int = 0) -> None:
    """Fail where the run has spent more than its total, or could at any moment have; ``hidden`` minor units are let be."""
    exposure = auditor.exposure(run.id)
    assert exposure["peak_total"] is not None, "without bound"
    assert exposure["spent"] <= exposure["peak_total"] <= total_minor(run) + hidden, (run.id, exposure)


def assert_ended_right(auditor: Auditor, run: Run, hidden: int = 0) -> None:
    """Fail unless the run ended with one object per place, within its total, and nothing on that should be off."""
    made = objects(auditor, run.id)
    assert twice(living(made)) == {}, run.id
    assert_within_total(auditor, run, hidden)
    on = active(made)
    if run.status is not RunStatus.COMPLETED:
        assert on == [], (run.id, run.status)
        return
    assert all("-final." in one for one in on), on


def assert_complete(auditor: Auditor, run: Run) -> None:
    """Fail unless a run with two arms has all its objects: two tests and a final campaign, an ad set and an ad in each."""
    kinds = Counter(row["kind"] for row in objects(auditor, run.id))
    assert {kind: kinds[kind] for kind in DELIVERING} == dict.fromkeys(DELIVERING, 3), kinds
    assert kinds["ad_study"] <= 1, kinds
    assert kinds["ad_study"] == 1 or not run.study.is_randomised, kinds


def total_minor(run: Run) -> int:
    """Return a run's total budget in minor units, for currencies with two decimals."""
    return int(run.request.budget_config.total_budget * 100)


def place(row: dict[str, Any]) -> str:
    """Return the kind of an object and the place in the plan that its name claims."""
    return f"{row['kind']} {token_in(row['name'])}"


def twice(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return the places that more than one object claims."""
    return {name: count for name, count in Counter(place(row) for row in rows).items() if count > 1}


def living(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects that exist: one that a person deleted before we knew of it is rightly made again."""
    return [row for row in rows if row["status"] != "DELETED"]


def active(rows: list[dict[str, Any]]) -> list[str]:
    """Return the places of objects that are switched on."""
    return [place(row) for row in rows if row["kind"] in DELIVERING and row["status"] == "ACTIVE"]
