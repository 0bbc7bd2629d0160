"""Stops and watches: which stops hold, whose watch is due, and that only the version that was loaded is overwritten."""

from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter

import pytest

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.accounts.stops import Stop
from autopublisher.domain.accounts.watches import Watch
from autopublisher.domain.errors import ConflictError, StaleWatchError, StopNotFoundError
from autopublisher.domain.ids import AccountId, ActId, StopId
from autopublisher.domain.runs.run import Run
from autopublisher.ports.repositories import OpenUnitOfWork


@pytest.fixture
def everything(now: datetime) -> Stop:
    return Stop(StopId("s-1"), None, "wrong price", "ana", now)


@pytest.fixture
def one_account(stored: Run, now: datetime) -> Stop:
    return Stop(StopId("s-2"), stored.act_id, "a wrong picture", "luis", now + timedelta(minutes=1))


@pytest.fixture
def watch(stored: Run, now: datetime) -> Watch:
    return Watch(stored.act_id, 1, now)


def add(open_unit: OpenUnitOfWork, *stops: Stop) -> None:
    with open_unit() as unit:
        for one in stops:
            unit.stops.add(one)
        unit.commit()


def test_a_stop_comes_back_as_it_was(open_unit: OpenUnitOfWork, one_account: Stop) -> None:
    add(open_unit, one_account)
    with open_unit() as unit:
        assert unit.stops.get(one_account.id) == one_account


def test_a_lifted_stop_comes_back_with_its_report(open_unit: OpenUnitOfWork, one_account: Stop) -> None:
    add(open_unit, one_account)
    lifted = one_account.lifted(
        one_account.at, "eva", "mended", {"act_1": {"confirmed": True}}, reactivate=True
    )
    with open_unit() as unit:
        unit.stops.save(lifted)
        unit.commit()
    with open_unit() as unit:
        assert unit.stops.get(one_account.id) == lifted


def test_a_stop_nobody_made_is_not_found(open_unit: OpenUnitOfWork, everything: Stop) -> None:
    with open_unit() as unit, pytest.raises(StopNotFoundError):
        unit.stops.get(everything.id)


def test_a_stop_nobody_made_cannot_be_saved(open_unit: OpenUnitOfWork, everything: Stop) -> None:
    with open_unit() as unit, pytest.raises(StopNotFoundError):
        unit.stops.save(everything)


def test_a_stop_of_an_account_nobody_registered_is_refused(
    open_unit: OpenUnitOfWork, everything: Stop
) -> None:
    with open_unit() as unit, pytest.raises(ConflictError):
        unit.stops.add(replace(everything, act_id=ActId("act_404")))


def test_the_stops_of_an_account_are_its_own_and_those_of_everything(
    open_unit: OpenUnitOfWork, everything: Stop, one_account: Stop
) -> None:
    add(open_unit, one_account, everything)
    with open_unit() as unit:
        assert unit.stops.holding(ActId("act_1")) == [everything, one_account]
        assert unit.stops.holding(ActId("act_2")) == [everything]
        assert unit.stops.holding() == [everything, one_account]


def test_a_lifted_stop_does_not_hold(open_unit: OpenUnitOfWork, everything: Stop) -> None:
    add(open_unit, everything.lifted(everything.at, "eva", "mended", {}, reactivate=False))
    with open_unit() as unit:
        assert unit.stops.holding() == []


def test_the_latest_stops_are_those_that_hold_then_the_newest(
    open_unit: OpenUnitOfWork, everything: Stop, one_account: Stop
) -> None:
    past = everything.lifted(everything.at, "eva", "mended", {}, reactivate=False)
    newer = replace(past, id=StopId("s-3"), at=past.at + timedelta(hours=1))
    add(open_unit, past, newer, one_account)
    with open_unit() as unit:
        assert unit.stops.latest() == [one_account, newer, past]
        assert unit.stops.latest(2) == [one_account, newer]
        concerning = unit.stops.concerning(ActId("act_1"))
        assert concerning == sorted([past, newer, one_account], key=attrgetter("at", "id"))
        assert unit.stops.concerning(ActId("act_2")) == [past, newer]


def test_a_watch_comes_back_as_it_was(open_unit: OpenUnitOfWork, watch: Watch) -> None:
    with open_unit() as unit:
        unit.watches.add(watch)
        looked = watch.looked(
            watch.next_look_at, {"stop": {"confirmed": False}}, timedelta(minutes=15), done=False
        )
        unit.watches.save(looked, was=watch.version)
        unit.commit()
    with open_unit() as unit:
        assert unit.watches.get(watch.act_id) == looked
        assert unit.watches.all() == [looked]


def test_an_account_without_a_watch_has_none(open_unit: OpenUnitOfWork, stored: Run) -> None:
    with open_unit() as unit:
        assert unit.watches.get(stored.act_id) is None


def test_a_second_watch_of_an_account_changes_nothing(open_unit: OpenUnitOfWork, watch: Watch) -> None:
    with open_unit() as unit:
        unit.watches.add(watch)
        unit.watches.add(replace(watch, version=9))
        assert unit.watches.get(watch.act_id) == watch


def test_a_watch_that_has_moved_on_is_not_overwritten(open_unit: OpenUnitOfWork, watch: Watch) -> None:
    with open_unit() as unit:
        unit.watches.add(watch)
        unit.watches.save(watch.nudged(watch.next_look_at), was=1)
        with pytest.raises(StaleWatchError):
            unit.watches.save(watch.nudged(watch.next_look_at), was=1)


def test_due_watches_are_found_the_longest_due_first(
    open_unit: OpenUnitOfWork, watch: Watch, account: Account, now: datetime
) -> None:
    with open_unit() as unit:
        for number, minutes in ((2, -5), (3, 5)):
            act = ActId(f"act_{number}")
            unit.accounts.add(replace(account, id=AccountId(f"account-{number}"), act_id=act))
            unit.watches.add(Watch(act, 1, now + timedelta(minutes=minutes)))
        unit.watches.add(watch)
        assert [one.act_id for one in unit.watches.due(now)] == ["act_2", "act_1"]
