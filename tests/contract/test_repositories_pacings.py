"""What processes tell each other of an account's pacing comes back as it was kept, from every kind of database."""

from datetime import datetime, timedelta

from autopublisher.domain.ids import ActId
from autopublisher.domain.meta.pacing import FamilyPacing, Pacing
from autopublisher.domain.meta.rules import Usage
from autopublisher.ports.repositories import KeptPacing, OpenUnitOfWork

ACT = ActId("act_1")


def near(now: datetime) -> Pacing:
    usage = Usage({"account": 81.67, "app.total_time": 2.0}, 60.0, "development_access", frozenset({"1"}))
    return Pacing(
        FamilyPacing(usage, now + timedelta(seconds=3.25), 8), FamilyPacing(Usage({"account": 80.0}), None, 2)
    )


def test_an_account_nobody_has_called_has_no_pacing(open_unit: OpenUnitOfWork) -> None:
    with open_unit() as unit:
        assert unit.pacings.get(ACT) is None


def test_pacing_comes_back_as_it_was_kept(open_unit: OpenUnitOfWork, now: datetime) -> None:
    with open_unit() as unit:
        unit.pacings.put(ACT, KeptPacing(near(now), now))
        unit.commit()
    with open_unit() as unit:
        assert unit.pacings.get(ACT) == KeptPacing(near(now), now)
        assert unit.pacings.get(ActId("act_2")) is None


def test_later_pacing_replaces_earlier(open_unit: OpenUnitOfWork, now: datetime) -> None:
    later = KeptPacing(near(now).with_bursts_used(), now + timedelta(minutes=1))
    with open_unit() as unit:
        unit.pacings.put(ACT, KeptPacing(near(now), now))
        unit.pacings.put(ACT, later)
        unit.commit()
    with open_unit() as unit:
        kept = unit.pacings.get(ACT)
    assert kept is not None
    assert kept.kept_at == later.kept_at
    assert kept.pacing == Pacing(later.pacing.management)  # the other family is idle now


def test_of_a_family_that_asks_nothing_nothing_is_kept(open_unit: OpenUnitOfWork, now: datetime) -> None:
    idle = Pacing(FamilyPacing(Usage({"account": 3.0})))
    with open_unit() as unit:
        unit.pacings.put(ACT, KeptPacing(idle, now))
        assert unit.pacings.get(ACT) == KeptPacing(Pacing(), now)


def test_pacing_that_was_not_committed_is_lost(open_unit: OpenUnitOfWork, now: datetime) -> None:
    with open_unit() as unit:
        unit.pacings.put(ACT, KeptPacing(near(now), now))
    with open_unit() as unit:
        assert unit.pacings.get(ACT) is None
