"""A random key passes, whatever made it; what is no secret does not."""

import random

import pytest

from autopublisher.domain.secret_keys import weakness

HEX, BASE64 = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@pytest.mark.parametrize(("alphabet", "length"), [(HEX, 64), (BASE64, 32), (BASE64, 64)])
def test_random_keys_pass(alphabet: str, length: int) -> None:
    chance = random.Random(7)  # noqa: S311 - the same keys every time
    keys = ["".join(chance.choices(alphabet, k=length)) for _ in range(2000)]
    refused = [key for key in keys if weakness(key) is not None]
    assert len(refused) <= (
        20 if length == 32 else 0
    )  # few draws of 32 letters have fewer than 16 different ones


@pytest.mark.parametrize(
    "key",
    ["", "Zk3vR8pLw0QmXyT5sHd7BnCf1GjUaEi", "0" * 64, "your-secret-key-goes-here-1234567890", "deadbeef" * 8],
)
def test_what_is_no_secret_is_refused(key: str) -> None:
    assert weakness(key) is not None
