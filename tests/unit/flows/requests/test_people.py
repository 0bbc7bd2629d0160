"""Signing in, tokens and the register of users."""

from datetime import UTC, datetime, timedelta

import pytest

from autopublisher.adapters.memory.clock import ManualClock
from autopublisher.adapters.memory.passwords import MemoryPasswords
from autopublisher.adapters.memory.tokens import MemoryTokens
from autopublisher.adapters.memory.unit_of_work import MemoryDatabase
from autopublisher.domain.access import Role
from autopublisher.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
)
from autopublisher.domain.people import TokenKind
from autopublisher.flows.requests.people import SESSION_LIFETIME, People, WrongPasswordError
from autopublisher.flows.requests.sign_in_throttle import FREE_ATTEMPTS, LONGEST_PAUSE, TooManyAttemptsError

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def people(database: MemoryDatabase, clock: ManualClock) -> People:
    people = People(database.unit_of_work, clock, MemoryTokens(b"key"), MemoryPasswords())
    people.add_user("ana", PASSWORD, Role.MANAGER)
    return people


def guess(people: People, name: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPasswordError):
            people.sign_in(name, "wrong")


def test_signing_in_gives_a_session_token_of_its_holder(people: People) -> None:
    token, record = people.sign_in("ana", PASSWORD)
    assert people.identify(token).name == "ana"
    assert (record.kind, record.expires_at) == (TokenKind.SESSION, NOW + SESSION_LIFETIME)


def test_the_database_holds_neither_password_nor_token(people: People, database: MemoryDatabase) -> None:
    token, _ = people.sign_in("ana", PASSWORD)
    with database.unit_of_work() as unit:
        user = unit.people.by_name("ana")
        assert user is not None
        assert PASSWORD not in user.password_hash
        assert unit.tokens.get(token) is None


def test_a_token_of_another_installations_key_opens_nothing(
    people: People, database: MemoryDatabase, clock: ManualClock
) -> None:
    token, _ = people.sign_in("ana", PASSWORD)
    with pytest.raises(NotAuthenticatedError):
        People(database.unit_of_work, clock, MemoryTokens(b"other key"), MemoryPasswords()).identify(token)


def test_a_wrong_password_is_refused(people: People) -> None:
    guess(people, "ana", 1)


@pytest.mark.parametrize("name", ["a\x00", "\ud800"])
def test_a_name_no_database_can_hold_is_simply_unknown(people: People, name: str) -> None:
    guess(people, name, 1)


def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(
    database: MemoryDatabase, clock: ManualClock
) -> None:
    passwords = MemoryPasswords()
    guess(People(database.unit_of_work, clock, MemoryTokens(b"key"), passwords), "nobody", 1)
    assert passwords.checked == 1


def test_a_token_ends_when_its_time_is_over(people: People, clock: ManualClock) -> None:
    token, _ = people.sign_in("ana", PASSWORD)
    clock.advance_to(NOW + SESSION_LIFETIME)
    with pytest.raises(NotAuthenticatedError):
        people.identify(token)


def test_a_token_without_a_lifetime_lasts(people: People, clock: ManualClock) -> None:
    token = people.issue_token(people.user("ana"), "build server", None)
    clock.advance_to(NOW + timedelta(days=3650))
    assert people.identify(token).name == "ana"


def test_a_revoked_token_opens_nothing(people: People) -> None:
    token, _ = people.sign_in("ana", PASSWORD)
    people.revoke(token)
    with pytest.raises(NotAuthenticatedError):
        people.identify(token)


def test_revoking_what_is_no_token_changes_nothing(people: People) -> None:
    token, _ = people.sign_in("ana", PASSWORD)
    people.revoke("ap_unknown")
    assert people.identify(token).name == "ana"


@pytest.mark.parametrize("token", ["", "ap_", "\ud800", "x" * 100_000])
def test_what_is_no_token_opens_nothing(people: People, token: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        people.identify(token)


def test_after_too_many_wrong_passwords_even_the_right_one_waits(people: People) -> None:
    guess(people, "ana", FREE_ATTEMPTS)
    with pytest.raises(TooManyAttemptsError) as refused:
        people.sign_in("ana", PASSWORD)
    assert refused.value.seconds >= 1


def test_after_the_wait_the_right_password_works(people: People, clock: ManualClock) -> None:
    guess(people, "ana", FREE_ATTEMPTS)
    clock.advance_to(NOW + LONGEST_PAUSE)
    assert people.sign_in("ana", PASSWORD)


def test_each_further_wrong_password_doubles_the_wait(people: People, clock: ManualClock) -> None:
    waits = []
    guess(people, "ana", FREE_ATTEMPTS)
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError) as refused:
            people.sign_in("ana", "wrong")
        waits.append(refused.value.seconds)
        clock.advance_to(clock.now() + timedelta(seconds=refused.value.seconds))
        guess(people, "ana", 1)
    assert waits == [1, 2, 4]


def test_a_right_password_forgets_the_wrong_ones(people: People) -> None:
    guess(people, "ana", FREE_ATTEMPTS - 1)
    people.sign_in("ana", PASSWORD)
    guess(people, "ana", FREE_ATTEMPTS - 1)
    assert people.sign_in("ana", PASSWORD)


def test_one_names_wrong_passwords_do_not_hold_up_another(people: People) -> None:
    guess(people, "somebody", FREE_ATTEMPTS)
    assert people.sign_in("ana", PASSWORD)


def test_a_new_password_replaces_the_old(people: People) -> None:
    people.set_password("ana", "another good one")
    guess(people, "ana", 1)
    assert people.sign_in("ana", "another good one")


def test_a_password_for_nobody_is_refused(people: People) -> None:
    with pytest.raises(NotFoundError):
        people.set_password("nobody", PASSWORD)


def test_a_taken_name_is_refused(people: People) -> None:
    with pytest.raises(ConflictError):
        people.add_user("ana", PASSWORD, Role.VIEWER)


@pytest.mark.parametrize("name", ["", " ana", "a\nb", "x" * 65])
def test_an_unfit_name_is_refused(people: People, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        people.add_user(name, PASSWORD, Role.VIEWER)


def test_a_short_password_is_refused(people: People) -> None:
    with pytest.raises(InvalidRequestError):
        people.add_user("bea", "short", Role.VIEWER)
