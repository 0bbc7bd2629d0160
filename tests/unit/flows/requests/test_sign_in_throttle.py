"""Who has to wait before the next password, and which failed sign-ins are written down."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.tokens import MemoryTokens
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.journal.records import Event
from autopublisher.flows.requests.people import FAMILIAR_ADDRESSES, People, WrongPasswordError
from autopublisher.flows.requests.sign_in_throttle import (
    FORGOTTEN_AFTER,
    FREE_ATTEMPTS,
    FREE_FROM_ADDRESS,
    FREE_FROM_STRANGERS,
    MOST_FROM_ADDRESS,
    MOST_FROM_STRANGERS,
    WRITTEN_AN_HOUR,
    SignInThrottle,
    TooManyAttemptsError,
    network_of,
)
from autopublisher.ports.passwords import PasswordsBusyError
from support.wording import english

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
HOME = "192.0.2.7"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def passwords() -> MemoryPasswords:
    return MemoryPasswords()


@pytest.fixture
def people(database: MemoryDatabase, clock: ManualClock, passwords: MemoryPasswords) -> People:
    people = People(database.unit_of_work, clock, MemoryTokens(b"key"), passwords)
    people.add_user("ana", PASSWORD, Role.MANAGER)
    return people


@pytest.fixture
def throttle(database: MemoryDatabase, clock: ManualClock) -> SignInThrottle:
    return SignInThrottle(database.unit_of_work, clock)


def stranger(number: int) -> str:
    return f"198.51.{number // 250}.{number % 250 + 1}"


def fail(people: People, name: str, address: str) -> None:
    with pytest.raises(WrongPasswordError):
        people.sign_in(name, "wrong", address)


def guess_from_everywhere(people: People, name: str) -> None:
    for number in range(FREE_FROM_STRANGERS):
        fail(people, name, stranger(number))


def events_of(database: MemoryDatabase) -> list[Event]:
    with database.unit_of_work() as unit:
        found = unit._tables.events
    return [one for one in found if one.tag == "person:sign-in:failed"]


def test_attempts_under_way_count_before_any_of_them_has_failed(throttle: SignInThrottle) -> None:
    with ExitStack() as under_way:
        for _ in range(MOST_FROM_ADDRESS):
            under_way.enter_context(throttle.attempt("ana", HOME))
        with pytest.raises(TooManyAttemptsError):
            under_way.enter_context(throttle.attempt("ana", HOME))
        with pytest.raises(TooManyAttemptsError):
            under_way.enter_context(throttle.attempt("bea", HOME))
        under_way.enter_context(throttle.attempt("ana", "192.0.2.8"))
    with throttle.attempt("ana", HOME):
        pass


def test_after_four_wrong_ones_only_one_more_is_under_way(throttle: SignInThrottle) -> None:
    for _ in range(FREE_ATTEMPTS - 1):
        with throttle.attempt("ana", HOME) as attempt:
            attempt.ended(right=False)
    with throttle.attempt("ana", HOME), pytest.raises(TooManyAttemptsError), throttle.attempt("ana", HOME):
        pass


def test_strangers_leave_places_to_those_who_are_known(throttle: SignInThrottle) -> None:
    with ExitStack() as under_way:
        for number in range(MOST_FROM_STRANGERS):
            under_way.enter_context(throttle.attempt("ana", stranger(number))).admit(familiar=False)
        late = under_way.enter_context(throttle.attempt("ana", stranger(99)))
        with pytest.raises(PasswordsBusyError):
            late.admit(familiar=False)
        under_way.enter_context(throttle.attempt("ana", HOME)).admit(familiar=True)
    with throttle.attempt("ana", stranger(99)) as attempt:
        attempt.admit(familiar=False)


def test_a_refused_attempt_costs_no_hash(people: People, passwords: MemoryPasswords) -> None:
    for _ in range(FREE_ATTEMPTS):
        fail(people, "ana", HOME)
    with pytest.raises(TooManyAttemptsError):
        people.sign_in("ana", PASSWORD, HOME)
    assert passwords.checked == FREE_ATTEMPTS


def test_one_address_cannot_try_many_names(people: People) -> None:
    for number in range(FREE_FROM_ADDRESS):
        fail(people, f"name {number}", HOME)
    with pytest.raises(TooManyAttemptsError):
        people.sign_in("another", "wrong", HOME)


def test_a_name_guessed_from_many_addresses_waits_at_new_ones(people: People) -> None:
    guess_from_everywhere(people, "ana")
    with pytest.raises(TooManyAttemptsError):
        people.sign_in("ana", PASSWORD, HOME)


def test_strangers_do_not_lock_out_who_has_signed_in_there_before(people: People) -> None:
    people.sign_in("ana", PASSWORD, HOME)
    guess_from_everywhere(people, "ana")
    assert people.sign_in("ana", PASSWORD, HOME)


def test_what_is_familiar_survives_a_restart(
    people: People, database: MemoryDatabase, clock: ManualClock
) -> None:
    people.sign_in("ana", PASSWORD, HOME)
    again = People(database.unit_of_work, clock, MemoryTokens(b"key"), MemoryPasswords())
    guess_from_everywhere(again, "ana")
    assert again.sign_in("ana", PASSWORD, HOME)


def test_the_newest_addresses_of_a_person_are_kept(people: People) -> None:
    for number in range(FAMILIAR_ADDRESSES + 5):
        people.sign_in("ana", PASSWORD, stranger(number))
    kept = people.user("ana").addresses
    assert (len(kept), kept[0]) == (FAMILIAR_ADDRESSES, stranger(FAMILIAR_ADDRESSES + 4))


def test_failures_are_forgotten_in_time(people: People, clock: ManualClock) -> None:
    for _ in range(FREE_ATTEMPTS):
        fail(people, "ana", HOME)
    clock.advance_to(NOW + FORGOTTEN_AFTER + timedelta(seconds=1))
    for _ in range(FREE_ATTEMPTS - 1):
        fail(people, "ana", HOME)
    assert people.sign_in("ana", PASSWORD, HOME)


def test_what_is_under_way_leaves_nothing_in_memory(throttle: SignInThrottle) -> None:
    for number in range(20):
        with throttle.attempt(f"name {number}", stranger(number)) as attempt:
            attempt.admit(familiar=False)
            attempt.ended(right=False)
    assert [len(gate._under_way) for gate in (throttle._pairs, throttle._addresses, throttle._names)] == [
        0
    ] * 3


def test_a_failed_sign_in_is_an_event_with_name_and_address(people: People, database: MemoryDatabase) -> None:
    fail(people, "ana", HOME)
    (event,) = events_of(database)
    assert (event.actor, event.data["address"]) == ("ana", HOME)
    assert english(event.message) == "A sign-in as ana from 192.0.2.7 failed."


def test_a_strangers_name_is_written_down_readable_and_short(
    people: People, database: MemoryDatabase
) -> None:
    fail(people, "\x1b[2J\x00" + "x" * 500, HOME)
    (event,) = events_of(database)
    assert event.actor == "?[2J?" + "x" * 59


def test_strangers_cannot_fill_the_database(
    people: People, database: MemoryDatabase, clock: ManualClock
) -> None:
    for number in range(WRITTEN_AN_HOUR + 40):
        fail(people, f"name {number}", stranger(number))
    assert len(events_of(database)) == WRITTEN_AN_HOUR
    clock.advance_to(NOW + timedelta(hours=1))
    fail(people, "ana", HOME)
    assert events_of(database)[-1].data["left_out"] == 40


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
