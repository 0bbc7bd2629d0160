"""Scenes with the kill switch: the machine in memory, its stops for stops, and the watch of its one account."""

from typing import Any

from autopublisher.adapters.memory.meta_ads import StoredObject
from autopublisher.domain.access import Role
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.ids import ActId, RunId
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.run import Run, RunStatus, Way
from autopublisher.flows.dispatcher import EngineConfig, build_watch
from autopublisher.flows.requests.stops import Stops, StopView
from autopublisher.ports.work import Tick
from support.simulated import brief_request
from support.staging import Stage

ACT = ActId("act_123456789")


def unattended(**changes: Any) -> RunRequest:
    """Return the brief's request without a person in the loop."""
    return brief_request(require_human_approval=False, **changes)


class StopStage(Stage):
    """A stage with a kill switch."""

    def __init__(self, request: RunRequest | None = None, pace: EngineConfig | None = None) -> None:
        super().__init__(request or unattended(), pace)

    def start(self) -> None:
        super().start()
        self.stops = Stops(self.open_unit, self.clock, self.queue)
        self.watch = build_watch(self.open_unit, self.meta, self.storage, self.clock, self.queue, self.pace)

    @property
    def account_id(self) -> Any:
        return self.now_run.account_id

    def stop(self, *, everything: bool = True) -> StopView:
        return self.stops.stop(None if everything else self.account_id, "the price is wrong", "ana")

    def resume(self, *, reactivate: bool = False) -> None:
        (held,) = self.stops.holding()
        self.stops.resume("eva", "the price is mended", stop_id=held.id, reactivate=reactivate)

    def stored_watch(self) -> Watch:
        with self.database.unit_of_work() as unit:
            found = unit.watches.get(ACT)
        assert found is not None
        return found

    def look(self) -> Watch:
        """Move the clock to the account's next look and look."""
        due = self.stored_watch()
        self.clock.advance_to(due.next_look_at)
        with self.may_crash():
            self.watch.look(Tick(None, due.version, due.act_id))
        return self.stored_watch()

    def enforced(self, looks: int = 30) -> StopView:
        """Look until everything is confirmed to be off."""
        for _ in range(looks):
            self.look()
            (held,) = self.stops.holding()
            view = self.stops.view(held.id)
            if view.confirmed:
                return view
        raise AssertionError(f"not confirmed after {looks} looks: {view.accounts[0].open_lines}")

    def go_on(self, *until: Any, ticks: int = 2000, run_id: RunId | None = None) -> Run:
        """Let runs and watch tick as they come due until the run is in one of the statuses, or ends."""
        wanted = run_id or self.run_id
        for _ in range(ticks):
            run, watch = self.run(wanted), self.stored_watch()
            if run.status in until or run.is_final:
                return run
            if run.next_tick_at is None or watch.next_look_at <= run.next_tick_at:
                self.look()
            else:
                self.tick(wanted)
        raise AssertionError(f"{self.run(wanted).status} after {ticks} ticks: {self.run(wanted).attention}")

    def on(self) -> list[StoredObject]:
        """Return what Meta holds switched on of what has a switch."""
        return [one for one in self.meta.objects.values() if one.fields.get("status") == "ACTIVE"]

    def writes_after(self, count: int) -> list[dict[str, Any]]:
        """Return the parameters of every write since the ``count``-th call."""
        later = self.meta.witnessed[count:]
        return [
            {"method": one.method, **one.params}
            for one in later
            if one.method in {"create", "update", "delete", "upload_image"}
        ]


def stage_in(status: RunStatus) -> StopStage:
    """Return a stage whose run has come to this status."""
    stage = StopStage(brief_request() if status is RunStatus.WAITING_APPROVAL else unattended())
    assert stage.go(status).status is status
    return stage


def completed(way: Way = Way.SCALED) -> StopStage:
    """Return a stage whose run is over, its final campaign on."""
    stage = StopStage() if way is Way.SCALED else stage_in(RunStatus.WAITING_APPROVAL)
    if way is not Way.SCALED:
        stage.approvals.publish_winner(stage.run_id, "maria", comment="in season", role=Role.MANAGER, way=way)
    assert stage.go().status is RunStatus.COMPLETED
    return stage
