"""Tokens, random and counted: each another, and kept under a digest that takes the key."""

import pytest

from autopublisher.adapters.memory.tokens import MemoryTokens
from autopublisher.adapters.tokens_hmac import HmacTokens
from autopublisher.ports.tokens import Tokens

KINDS = [HmacTokens, MemoryTokens]


@pytest.fixture(params=KINDS)
def tokens(request: pytest.FixtureRequest) -> Tokens:
    made: Tokens = request.param(b"key")
    return made


def test_no_two_are_the_same(tokens: Tokens) -> None:
    made = {tokens.fresh() for _ in range(100)}
    assert len(made) == 100
    assert len({tokens.digest(one) for one in made}) == 100


@pytest.mark.parametrize("text", ["", "ap_known", "\ud800", "ñ" * 5000])
def test_a_digest_is_always_the_same_and_not_the_token(tokens: Tokens, text: str) -> None:
    digest = tokens.digest(text)
    assert digest == tokens.digest(text) != text
    assert int(digest, 16) >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_has_another_digest(kind: type[HmacTokens | MemoryTokens]) -> None:
    assert kind(b"key").digest("ap_known") != kind(b"other key").digest("ap_known")


def test_the_digest_is_hmac_with_sha_256() -> None:
    # RFC 4231, test case 2
    known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert HmacTokens(b"Jefe").digest("what do ya want for nothing?") == known


def test_a_real_one_cannot_be_guessed() -> None:
    assert len(HmacTokens(b"key").fresh().removeprefix("ap_")) == 43  # 256 bits in base 64
