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
from autopublisher.flows.requests.people import SESSION_LIFETIME, PeopleDesk, WrongPasswordError
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
def desk(database: MemoryDatabase, clock: ManualClock) -> PeopleDesk:
    desk = PeopleDesk(database.unit_of_work, clock, MemoryTokens(b"key"), MemoryPasswords())
    desk.add_user("ana", PASSWORD, Role.MANAGER)
    return desk


def guess(desk: PeopleDesk, name: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPasswordError):
            desk.sign_in(name, "wrong")


def test_signing_in_gives_a_session_token_of_its_holder(desk: PeopleDesk) -> None:
    token, record = desk.sign_in("ana", PASSWORD)
    assert desk.identify(token).name == "ana"
    assert (record.kind, record.expires_at) == (TokenKind.SESSION, NOW + SESSION_LIFETIME)


def test_the_database_holds_neither_password_nor_token(desk: PeopleDesk, database: MemoryDatabase) -> None:
    token, _ = desk.sign_in("ana", PASSWORD)
    with database.unit_of_work() as unit:
        user = unit.people.by_name("ana")
        assert user is not None
        assert PASSWORD not in user.password_hash
        assert unit.tokens.get(token) is None


def test_a_token_of_another_installations_key_opens_nothing(
    desk: PeopleDesk, database: MemoryDatabase, clock: ManualClock
) -> None:
    token, _ = desk.sign_in("ana", PASSWORD)
    with pytest.raises(NotAuthenticatedError):
        PeopleDesk(database.unit_of_work, clock, MemoryTokens(b"other key"), MemoryPasswords()).identify(
            token
        )


def test_a_wrong_password_is_refused(desk: PeopleDesk) -> None:
    guess(desk, "ana", 1)


@pytest.mark.parametrize("name", ["a\x00", "\ud800"])
def test_a_name_no_database_can_hold_is_simply_unknown(desk: PeopleDesk, name: str) -> None:
    guess(desk, name, 1)


def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(
    database: MemoryDatabase, clock: ManualClock
) -> None:
    passwords = MemoryPasswords()
    guess(PeopleDesk(database.unit_of_work, clock, MemoryTokens(b"key"), passwords), "nobody", 1)
    assert passwords.checked == 1


def test_a_token_ends_when_its_time_is_over(desk: PeopleDesk, clock: ManualClock) -> None:
    token, _ = desk.sign_in("ana", PASSWORD)
    clock.advance_to(NOW + SESSION_LIFETIME)
    with pytest.raises(NotAuthenticatedError):
        desk.identify(token)


def test_a_token_without_a_lifetime_lasts(desk: PeopleDesk, clock: ManualClock) -> None:
    token = desk.issue_token(desk.user("ana"), "build server", None)
    clock.advance_to(NOW + timedelta(days=3650))
    assert desk.identify(token).name == "ana"


def test_a_revoked_token_opens_nothing(desk: PeopleDesk) -> None:
    token, _ = desk.sign_in("ana", PASSWORD)
    desk.revoke(token)
    with pytest.raises(NotAuthenticatedError):
        desk.identify(token)


def test_revoking_what_is_no_token_changes_nothing(desk: PeopleDesk) -> None:
    token, _ = desk.sign_in("ana", PASSWORD)
    desk.revoke("ap_unknown")
    assert desk.identify(token).name == "ana"


@pytest.mark.parametrize("token", ["", "ap_", "\ud800", "x" * 100_000])
def test_what_is_no_token_opens_nothing(desk: PeopleDesk, token: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        desk.identify(token)


def test_after_too_many_wrong_passwords_even_the_right_one_waits(desk: PeopleDesk) -> None:
    guess(desk, "ana", FREE_ATTEMPTS)
    with pytest.raises(TooManyAttemptsError) as refused:
        desk.sign_in("ana", PASSWORD)
    assert refused.value.seconds >= 1


def test_after_the_wait_the_right_password_works(desk: PeopleDesk, clock: ManualClock) -> None:
    guess(desk, "ana", FREE_ATTEMPTS)
    clock.advance_to(NOW + LONGEST_PAUSE)
    assert desk.sign_in("ana", PASSWORD)


def test_each_further_wrong_password_doubles_the_wait(desk: PeopleDesk, clock: ManualClock) -> None:
    waits = []
    guess(desk, "ana", FREE_ATTEMPTS)
    for _ in range(3):
        with pytest.raises(TooManyAttemptsError) as refused:
            desk.sign_in("ana", "wrong")
        waits.append(refused.value.seconds)
        clock.advance_to(clock.now() + timedelta(seconds=refused.value.seconds))
        guess(desk, "ana", 1)
    assert waits == [1, 2, 4]


def test_a_right_password_forgets_the_wrong_ones(desk: PeopleDesk) -> None:
    guess(desk, "ana", FREE_ATTEMPTS - 1)
    desk.sign_in("ana", PASSWORD)
    guess(desk, "ana", FREE_ATTEMPTS - 1)
    assert desk.sign_in("ana", PASSWORD)


def test_one_names_wrong_passwords_do_not_hold_up_another(desk: PeopleDesk) -> None:
    guess(desk, "somebody", FREE_ATTEMPTS)
    assert desk.sign_in("ana", PASSWORD)


def test_a_new_password_replaces_the_old(desk: PeopleDesk) -> None:
    desk.set_password("ana", "another good one")
    guess(desk, "ana", 1)
    assert desk.sign_in("ana", "another good one")


def test_a_password_for_nobody_is_refused(desk: PeopleDesk) -> None:
    with pytest.raises(NotFoundError):
        desk.set_password("nobody", PASSWORD)


def test_a_taken_name_is_refused(desk: PeopleDesk) -> None:
    with pytest.raises(ConflictError):
        desk.add_user("ana", PASSWORD, Role.VIEWER)


@pytest.mark.parametrize("name", ["", " ana", "a\nb", "x" * 65])
def test_an_unfit_name_is_refused(desk: PeopleDesk, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        desk.add_user(name, PASSWORD, Role.VIEWER)


def test_a_short_password_is_refused(desk: PeopleDesk) -> None:
    with pytest.raises(InvalidRequestError):
        desk.add_user("bea", "short", Role.VIEWER)
