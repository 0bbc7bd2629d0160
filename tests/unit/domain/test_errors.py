"""Errors: the docstring is the message, the brief's texts word for word."""

from collections.abc import Iterator

import pytest

from autopublisher.domain.errors import (
    AccountNotFoundError,
    AutoPublisherError,
    ConflictError,
    CreativesNotFoundError,
    DisabledError,
    GateRefusedError,
    InvalidRequestError,
    MetaNotFoundError,
    MetaRefusedError,
    MetaThrottledError,
    NotFoundError,
    Problem,
    TransitionError,
)

PROBLEM = Problem("headlines", "headlines is empty.", "Give one.")


def family(root: type[AutoPublisherError]) -> Iterator[type[AutoPublisherError]]:
    for child in root.__subclasses__():
        yield child
        yield from family(child)


def test_the_briefs_texts_are_kept() -> None:
    assert DisabledError().message == "AutoPublisher is disabled"
    assert AccountNotFoundError(id="x").message == "Meta account not found"


@pytest.mark.parametrize("kind", sorted(family(AutoPublisherError), key=str))
def test_every_error_has_a_message_of_its_own(kind: type[AutoPublisherError]) -> None:
    assert "__doc__" in vars(kind)
    assert kind.__doc__


def test_facts_are_filled_in_and_kept() -> None:
    error = GateRefusedError(key="test/a/adset", reason="too much")
    assert error.message == "The money gate refused test/a/adset: too much"
    assert error.facts == {"key": "test/a/adset", "reason": "too much"}


def test_an_invalid_request_speaks_with_its_first_problem() -> None:
    error = InvalidRequestError([PROBLEM, Problem("x", "y", "z")])
    assert (error.message, error.remedy, len(error.problems)) == ("headlines is empty.", "Give one.", 2)


def test_braces_in_what_people_wrote_do_no_harm() -> None:
    assert ConflictError("a {strange} word").message == "a {strange} word"
    assert MetaRefusedError("Invalid {parameter}").message == "Meta refused the call: Invalid {parameter}"


def test_a_throttle_keeps_its_codes() -> None:
    error = MetaThrottledError("slow", code=17, subcode=2446079, user_message="Wait")
    assert (error.code, error.subcode, error.user_message, error.retry_at) == (17, 2446079, "Wait", None)


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (AccountNotFoundError, NotFoundError),
        (CreativesNotFoundError, NotFoundError),
        (TransitionError, ConflictError),
        (MetaNotFoundError, MetaRefusedError),
    ],
)
def test_an_error_is_caught_with_its_family(
    child: type[AutoPublisherError], parent: type[AutoPublisherError]
) -> None:
    assert issubclass(child, parent)
