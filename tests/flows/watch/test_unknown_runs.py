"""Objects with our mark of runs this database does not have: seen, counted and alarmed, and switched off only by a stop."""

from datetime import timedelta

import pytest

from autopublisher.adapters.memory.tables import Tables
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import MetaThrottledError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.journal.records import Event
from autopublisher.domain.reconciliation.findings import look_of
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.requests.exposure import AccountExposure, Exposures
from autopublisher.flows.writes.money_gate import MoneyGate
from support.stop_staging import ACT
from support.sweep_staging import SweepStage, staged

LEFT_OF_THE_TOTAL = 40_000


def without_runs(stage: SweepStage) -> SweepStage:
    """Lose the database: what is left is an account that was registered anew, and its watch."""
    tables = stage.database.tables
    watches = {ACT: Watch(ACT, 1, stage.clock.now())}
    stage.database.tables = Tables(
        accounts=tables.accounts, creatives=tables.creatives, watches=watches, users=tables.users
    )
    stage.start()
    return stage


def exposed(stage: SweepStage) -> AccountExposure:
    (found,) = Exposures(stage.open_unit, stage.clock, MoneyGate()).of()
    return found


def alarms(stage: SweepStage) -> list[Event]:
    return [one for one in stage.database.tables.events if one.tag == "watch:unknown_run:found"]


def test_a_database_without_runs_sees_what_is_on_at_meta() -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    stage.at_look()
    unknown = exposed(stage).unknown
    assert sorted(one.kind for one in unknown) == sorted(
        [ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD]
    )
    assert all("Final (B)" in one.name for one in unknown)
    assert exposed(stage).could_still_spend.minor == LEFT_OF_THE_TOTAL
    assert len(look_of(stage.stored_watch()).unknown) == 3


def test_a_look_pauses_nothing_of_a_run_it_does_not_know() -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    on = len(stage.on())
    for _ in range(3):
        stage.at_look()
    assert len(stage.on()) == on > 0


def test_each_is_alarmed_once() -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    for _ in range(3):
        stage.at_look()
    assert len({one.data["meta_id"] for one in alarms(stage)}) == len(alarms(stage)) == 3


def test_a_stop_switches_them_off_and_nobody_speaks_of_them_any_more() -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    stage.at_look()
    stage.stops.stop(None, "they are nobody's", "ana")
    stage.enforced()
    assert stage.on() == []
    stage.resume()
    stage.at_look()
    assert exposed(stage).unknown == ()
    assert exposed(stage).could_still_spend.minor == 0


def test_beside_known_runs_those_of_unknown_ones_are_counted_as_well() -> None:
    stage = staged(RunStatus.COMPLETED)
    before = exposed(stage).could_still_spend.minor
    campaign = stage.orphan("Somebody's [ap-ffffffffffffffff-final.campaign]")
    ends = (stage.clock.now() + timedelta(days=3)).isoformat()
    params = {
        "name": "Somebody's [ap-ffffffffffffffff-final.adset]",
        "status": "ACTIVE",
        "campaign_id": campaign,
    }
    ad_set = stage.meta.create(ACT, ObjectKind.AD_SET, {**params, "lifetime_budget": 7_000, "end_time": ends})
    stage.at_look()
    assert exposed(stage).could_still_spend.minor == before + 7_000
    assert {one.meta_id for one in exposed(stage).unknown} == {campaign, ad_set}
    assert stage.meta.objects[ad_set].status == "ACTIVE"


@pytest.mark.parametrize(
    ("cap", "budget", "possible"),
    [(None, None, None), (5_000, None, 5_000), (5_000, 9_000, 5_000), (None, 9_000, 9_000)],
)
def test_what_an_unknown_ad_set_can_spend_is_what_meta_shows_of_it(
    cap: int | None, budget: int | None, possible: int | None
) -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    for one in list(stage.on()):
        one.fields["status"] = "PAUSED"
    limits = {} if cap is None else {"spend_cap": cap}
    money = {} if budget is None else {"lifetime_budget": budget}
    name = "Somebody's [ap-ffffffffffffffff-final.x]"
    campaign = stage.meta.create(ACT, ObjectKind.CAMPAIGN, {"name": name, "status": "ACTIVE", **limits})
    below = {"name": name, "status": "ACTIVE", "campaign_id": campaign, **money}
    ad_set = stage.meta.create(ACT, ObjectKind.AD_SET, below)
    stage.at_look()
    (found,) = [one for one in exposed(stage).unknown if one.meta_id == ad_set]
    assert found.possible == possible
    assert len(exposed(stage).uncounted) == (possible is None)


def test_what_cannot_be_listed_now_stays_as_it_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = without_runs(staged(RunStatus.COMPLETED))
    stage.at_look()
    seen = exposed(stage).unknown
    listed = stage.meta.find

    def find(act_id: object, kind: ObjectKind, *asked: object) -> object:
        if kind is ObjectKind.AD_SET:
            raise MetaThrottledError("user request limit reached")
        return listed(act_id, kind, *asked)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(stage.meta, "find", find)
    stage.at_look()
    assert {one.meta_id for one in exposed(stage).unknown} == {one.meta_id for one in seen}
    assert MetaId(seen[0].meta_id) in {one.data["meta_id"] for one in alarms(stage)}
