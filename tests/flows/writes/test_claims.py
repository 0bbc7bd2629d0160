"""Two installations on one ad account, or a copy beside its original, are noticed before either writes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.meta_ads import Fault, MemoryMetaAds
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase, MemoryUnitOfWork
from autopublisher.domain.accounts.accounts import Account, AdDefaults
from autopublisher.domain.accounts.claims import CLAIM_SHOWS, Claim, ClaimState
from autopublisher.domain.accounts.installation import Installation
from autopublisher.domain.errors import (
    MetaError,
    MetaOutcomeUnknownError,
    MetaRefusedError,
    MetaTransientError,
    UnavailableError,
)
from autopublisher.domain.ids import AccountId, ActId, InstallationId
from autopublisher.domain.journal.operations import ObjectKind, Operation, OperationState
from autopublisher.flows.outcomes.deferred import Deferred, Unclaimed
from autopublisher.flows.watch.account_check import Outcome
from autopublisher.flows.watch.claim_check import ClaimCheck
from autopublisher.flows.writes.claims import AccountClaims
from autopublisher.ports.repositories import UnitOfWork
from support.crashing_machine import START, CrashingMachine
from support.simulated import ACT
from support.wording import english

LOOK = timedelta(minutes=15)
ACCOUNT = Account(AccountId("account"), ACT, "Demo", "EUR", "Europe/Madrid", AdDefaults(), START)


class World:
    """One ad account at Meta, and time."""

    def __init__(self) -> None:
        machine = CrashingMachine()
        self.clock: ManualClock = machine.clock
        self.meta = MemoryMetaAds(self.clock, machine.meta.facts, machine.meta.minimums)

    def pass_minute(self) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(minutes=1))

    def labels(self) -> list[str]:
        return [one.name for one in self.meta.find(ACT, ObjectKind.LABEL, "autopublisher", ("name",))]

    def lose_labels(self) -> None:
        for meta_id, stored in list(self.meta.objects.items()):
            if stored.kind is ObjectKind.LABEL:
                self.meta.delete(meta_id)

    def label_writes(self) -> int:
        return sum(call.method in {"create", "update", "delete"} for call in self.meta.calls)


class Office:
    """An installation, or a copy of one; ``starts`` is one process after the other over its database."""

    def __init__(
        self, world: World, name: str, place: str = "", database: MemoryDatabase | None = None
    ) -> None:
        self.world = world
        self.place = place or f"file of {name}"
        self.database = database or MemoryDatabase()
        self.numbers = count(1)
        if database is None:
            with self.database.unit_of_work() as unit:
                unit.accounts.add(ACCOUNT)
                unit.installations.add(Installation(InstallationId(name), START))
                unit.commit()
        self.start()

    def start(self) -> None:
        self.units = 0
        self.claims = AccountClaims(
            self.open_unit,
            self.world.meta,
            self.world.clock,
            self.place,
            LOOK,
            nonce=lambda: f"n{next(self.numbers)}at{self.place.split()[-1]}",
        )

    def open_unit(self) -> UnitOfWork:
        self.units += 1
        return self.database.unit_of_work()

    def rows(self) -> Sequence[Operation]:
        with self.database.unit_of_work() as unit:
            return unit.journal.of_account(ACT)

    def copy(self, place: str) -> "Office":
        """Return the same database lying somewhere else."""
        twin = MemoryDatabase()
        twin.tables = deepcopy(self.database.tables)
        return Office(self.world, "", place, twin)

    def tries(self) -> str | None:
        """Return why nothing may be written now, empty where that is only a matter of time; None where it may."""
        wait: Deferred | None = None
        try:
            self.claims.need(ACT)
        except Deferred as caught:
            wait = caught
        if wait is None:
            return None
        assert wait.until is not None
        assert wait.until > self.world.clock.now()
        return english(wait.attention)

    def writes(self, *, within: timedelta = timedelta(hours=1)) -> str | None:
        """Try until it may write or is refused."""
        until = self.world.clock.now() + within
        while self.world.clock.now() < until:
            why = self.tries()
            if why is None or why:
                return why
            self.world.pass_minute()
        return "not within the hour"

    def claim(self) -> Claim:
        with self.database.unit_of_work() as unit:
            claim = unit.claims.of(ACT)
        assert claim is not None
        return claim

    def told_to_take_over(self) -> None:
        with self.database.unit_of_work() as unit:
            claim = unit.claims.of(ACT) or Claim(ACT)
            unit.claims.put(claim.moved(self.world.clock.now(), take_over=True))
            unit.commit()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def first(world: World) -> Office:
    """An installation that has written to the account."""
    office = Office(world, "first")
    assert office.writes() is None
    return office


def test_nothing_is_written_before_the_label_was_read_back(world: World) -> None:
    office = Office(world, "first")
    began = world.clock.now()
    assert office.tries() == ""
    assert world.labels() == ["autopublisher installation first start 1 n1atfirst"]
    assert office.writes() is None
    assert world.clock.now() - began >= CLAIM_SHOWS


def test_a_first_claim_costs_four_calls_and_none_afterwards(world: World, first: Office) -> None:
    assert [call.method for call in world.meta.calls] == ["find", "find", "create", "find"]
    units = first.units
    assert first.tries() is None
    assert (len(world.meta.calls), first.units) == (4, units)


def test_each_label_write_is_a_row_of_the_account_that_the_next_listing_settles(
    world: World, first: Office
) -> None:
    second = Office(world, "second")
    second.told_to_take_over()
    assert second.writes() is None
    second.claims.look(ACT)
    assert [(row.key, row.state) for row in first.rows()] == [("label/1", OperationState.CONFIRMED)]
    taken = [(row.key, row.state, row.attempts) for row in second.rows()]
    (own,) = (row.meta_id for row in second.rows() if row.key == "label/2")
    (others,) = (row.meta_id for row in first.rows())
    assert taken == [
        (f"delete/label/{others}/1", OperationState.CONFIRMED, 1),
        ("label/2", OperationState.CONFIRMED, 1),
    ]
    assert own in world.meta.objects


def test_a_label_that_was_too_late_to_send_is_written_again(world: World) -> None:
    office = Office(world, "first")
    seconds = iter([0.0, 60.0])
    office.claims = AccountClaims(
        office.open_unit,
        world.meta,
        world.clock,
        office.place,
        LOOK,
        nonce=lambda: "n",
        stopwatch=lambda: next(seconds, 60.0),
    )
    assert office.tries() == ""
    assert world.labels() == []
    assert office.writes() is None
    assert [row.state for row in office.rows()] == [OperationState.WITHDRAWN, OperationState.CONFIRMED]


def test_a_claim_that_another_worker_finds_lost_is_proved_anew_before_the_next_write(
    world: World, first: Office
) -> None:
    with pytest.raises(Unclaimed), first.claims.held(ACT):
        raise Unclaimed(None)
    calls = len(world.meta.calls)
    assert first.tries() is None
    assert [call.method for call in world.meta.calls[calls:]] == ["find"]


def test_a_second_installation_writes_nothing_and_both_say_so(world: World, first: Office) -> None:
    second = Office(world, "second")
    before = world.label_writes()
    why = second.writes()
    assert why is not None
    assert "installation first (start 1) has claimed it" in why
    assert "autopublisher account take-over" in why
    assert world.label_writes() == before  # not even a label


def test_of_two_that_start_at_once_the_later_writes_nothing_and_both_say_so(world: World) -> None:
    early, late = Office(world, "early"), Office(world, "late")
    late_listed = world.meta.find
    assert early.tries() == ""
    world.meta.find = lambda *_: ()  # type: ignore[method-assign]  # its list lags
    assert late.tries() == ""
    world.meta.find = late_listed  # type: ignore[method-assign]
    why = late.writes()
    assert why is not None
    assert "installation early" in why
    assert early.writes() is None
    claim, others = early.claims.look(ACT)
    assert claim is not None
    assert [one.installation for one in others] == ["late"]


def test_a_restart_goes_on_and_leaves_one_label(world: World, first: Office) -> None:
    for start in (2, 3):
        first.start()
        assert first.tries() == ""
        assert first.claim().state is ClaimState.HELD  # the other workers go on
        assert first.writes() is None
        assert world.labels() == [f"autopublisher installation first start {start} n{start}atfirst"]


def test_workers_of_one_database_are_one_installation(world: World, first: Office) -> None:
    second = Office(world, "", first.place, first.database)
    second.numbers = count(50)
    assert second.writes() is None
    assert first.tries() is None
    assert first.claims.look(ACT)[0] == first.claim()
    assert first.claim().state is ClaimState.HELD


def test_a_copied_file_beside_the_original_writes_nothing(world: World, first: Office) -> None:
    why = first.copy("file elsewhere").writes()
    assert why is not None
    assert "restored, copied or moved" in why
    assert first.tries() is None


def test_an_older_copy_in_the_same_place_writes_nothing(world: World, first: Office) -> None:
    older = first.copy(first.place)
    first.start()
    assert first.writes() is None
    why = older.writes()
    assert why is not None
    assert "another copy of this database has been started (start 2 at Meta, 1 here)" in why


def test_the_original_notices_at_its_look_that_a_copy_took_over_which_writes_only_then(
    world: World, first: Office
) -> None:
    copy = first.copy("file elsewhere")
    copy.told_to_take_over()
    assert copy.tries() == ""
    taken = world.clock.now()
    claim, _ = first.claims.look(ACT)
    assert claim is not None
    assert claim.state is ClaimState.REFUSED
    assert "another copy" in (first.tries() or "")
    assert copy.writes() is None
    assert world.clock.now() >= taken + 2 * LOOK + CLAIM_SHOWS


def test_a_process_that_was_frozen_compares_again_before_it_writes(world: World, first: Office) -> None:
    copy = first.copy("file elsewhere")
    copy.told_to_take_over()
    assert copy.writes() is None  # the first one's looks stand still all that time
    assert "another copy" in (first.tries() or "")


def test_looks_keep_what_was_proved(world: World, first: Office) -> None:
    for _ in range(100):
        world.pass_minute()
        if world.clock.now().minute % 15 == 0:
            first.claims.look(ACT)
    calls = len(world.meta.calls)
    assert first.tries() is None
    assert len(world.meta.calls) == calls


def test_another_installation_takes_over_when_it_is_told(world: World, first: Office) -> None:
    second = Office(world, "second")
    assert second.writes()
    second.told_to_take_over()
    assert second.writes() is None
    assert [label.split()[2] for label in world.labels()] == ["second"]
    claim, _ = first.claims.look(ACT)
    assert claim is not None
    assert "installation second" in english(claim.why)
    assert first.tries()


def test_a_look_carries_a_take_over_out_where_no_run_asks(world: World, first: Office) -> None:
    second = Office(world, "second")
    second.told_to_take_over()
    for _ in range(40):
        second.claims.look(ACT)
        world.pass_minute()
    assert second.claim().state is ClaimState.HELD


def test_who_was_refused_goes_on_when_the_other_label_is_gone(world: World, first: Office) -> None:
    second = Office(world, "second")
    assert second.writes()
    world.lose_labels()
    second.claims.look(ACT)
    assert second.writes() is None


def test_a_label_that_is_gone_proves_nothing_until_it_is_read_back(world: World, first: Office) -> None:
    world.lose_labels()
    claim, _ = first.claims.look(ACT)
    assert claim is not None
    assert claim.state is ClaimState.PENDING
    assert first.tries() == ""
    assert len(world.labels()) == 1
    assert first.writes() is None


@pytest.mark.parametrize("restarts", [False, True])
def test_who_comes_to_an_account_whose_label_is_gone_waits_until_the_other_has_noticed(
    world: World, first: Office, *, restarts: bool
) -> None:
    world.meta.create(ACT, ObjectKind.CAMPAIGN, {"name": "Shoes [ap-1]", "status": "PAUSED"})
    first.claims.look(ACT)  # a moment before
    world.lose_labels()
    second, both = Office(world, "second"), 0
    for minute in range(60):
        if minute % 15 == 14:
            first.claims.look(ACT)
        if restarts and minute == 5:
            second.start()
        both += [first.tries(), second.tries()].count(None) == 2
        world.pass_minute()
    assert both == 0
    assert [first.tries() is None, second.tries() is None].count(True) == 1


class Judgement:
    """A check that counts how often it was done."""

    name = "judgement"
    done = 0

    def __call__(self, act_id: ActId, before: Mapping[str, Any] | None, now: datetime) -> Outcome:
        assert (act_id, before, now >= START) == (ACT, None, True)
        self.done += 1
        return Outcome({})


@pytest.mark.parametrize(("restarts", "judged"), [(False, 1), (True, 0)])
def test_only_what_was_lately_ones_own_is_judged_without_labels(
    world: World, first: Office, *, restarts: bool, judged: int
) -> None:
    if restarts:
        first.start()
    judgement = Judgement()
    world.meta.faults.append(Fault(MetaTransientError("down"), "find", False))
    with suppress(MetaTransientError):
        ClaimCheck(first.claims, judgement)(ACT, None, world.clock.now())
    assert judgement.done == judged


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("method", ["create", "update"])
def test_an_unanswered_label_is_read_back_and_written_once_more_where_it_is_missing(
    world: World, method: str, *, done: bool
) -> None:
    office = Office(world, "first")
    if method == "update":
        assert office.writes() is None
        office.start()
    world.meta.faults.append(Fault(MetaOutcomeUnknownError("the connection was cut"), method, done))
    assert office.writes() is None
    assert len(world.labels()) == 1


@pytest.mark.parametrize("restarts", [False, True])
def test_label_writes_that_fail_for_half_an_hour_lock_nobody_out(
    world: World, first: Office, *, restarts: bool
) -> None:
    world.meta.faults += [Fault(MetaTransientError("down"), "update", False)] * 8
    first.start()
    for _ in range(30):
        with suppress(MetaError, Deferred):
            first.claims.need(ACT)
        if restarts:
            first.start()
        world.pass_minute()
    assert first.claim().state is ClaimState.HELD
    assert first.writes() is None
    assert len(world.labels()) == 1


@pytest.mark.parametrize("method", ["find", "create"])
def test_while_meta_cannot_be_reached_nothing_is_written(world: World, method: str) -> None:
    office = Office(world, "first")
    world.meta.faults += [Fault(MetaTransientError("down"), method, False)] * (1 if method == "create" else 3)
    for _ in range(3):
        with pytest.raises((MetaError, Deferred)):
            office.claims.need(ACT)
    with office.database.unit_of_work() as unit:
        claim = unit.claims.of(ACT)
    assert claim is None or claim.state is ClaimState.PENDING


def test_a_label_that_meta_refuses_holds_runs_and_fails_none(world: World) -> None:
    office = Office(world, "first")
    world.meta.faults.append(Fault(MetaRefusedError("no permission"), "create", False))
    assert "could not be claimed: Meta refused the call: no permission" in (office.tries() or "")
    assert office.writes() is None


@pytest.mark.parametrize("is_held", [False, True])
def test_two_workers_that_claim_at_the_same_moment_refuse_each_other_nothing(
    monkeypatch: pytest.MonkeyPatch, *, is_held: bool
) -> None:
    world = World()
    first = Office(world, "first")
    if is_held:
        assert first.writes() is None
    quick = Office(world, "", first.place, first.database)
    late = Office(world, "", first.place, first.database)
    quick.numbers, late.numbers = count(50), count(100)
    find, listed = world.meta.find, count()

    def while_listing(act_id: ActId, kind: ObjectKind, *rest: Any) -> Any:
        found = find(act_id, kind, *rest)
        if kind is ObjectKind.LABEL and next(listed) == 0:
            quick.tries()
        return found

    monkeypatch.setattr(world.meta, "find", while_listing)
    late.tries()
    assert (quick.writes(), late.writes()) == (None, None)


def test_a_start_whose_claim_was_not_saved_is_not_proved_by_the_label_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    first = Office(world, "first")
    assert first.writes() is None
    clone = first.copy(first.place)  # the same machine twice

    def lost(_unit: MemoryUnitOfWork) -> None:
        raise UnavailableError(reason="the database does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryUnitOfWork, "commit", lost)
        with pytest.raises(UnavailableError):
            clone.claims.need(ACT)
    may = clone.writes()
    first.claims.look(ACT)
    assert (may, first.tries()) != (None, None)
