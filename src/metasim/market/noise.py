"""Randomness that depends on what it is for, not on when it is drawn.

Every draw comes from its own generator keyed by (seed, purpose, object, moment), so the same world gives the
same figures however its clock was moved.
"""

import hashlib

import numpy as np

_WORD = 1 << 64


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return a generator of its own for one purpose."""
    return np.random.Generator(np.random.Philox(key=_digest(seed, key)))


def _digest(seed: int, key: tuple[str | int, ...]) -> int:
    text = "|".join([str(seed), *map(str, key)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


class RandomStreams:
    """Streams of many purposes by one generator: ten times as quick as `stream`, with the same numbers.

    Each `throw` sets the generator to the beginning of a stream and ends the stream before it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._bits = np.random.Philox(key=0)
        self._generator = np.random.Generator(self._bits)
        self._state = self._bits.state

    def throw(self, *key: str | int) -> np.random.Generator:
        """Return the generator at the beginning of one purpose's stream; valid until the next throw."""
        high, low = divmod(_digest(self._seed, key), _WORD)
        self._state["state"]["key"][:] = (low, high)
        self._bits.state = self._state
        return self._generator


class NoiseBook:
    """Gamma multipliers of mean one, remembered while they are in use."""

    def __init__(self, seed: int, limit: int = 100_000) -> None:
        """Keep at most `limit` multipliers; forgotten ones are drawn again, equal."""
        self.seed = seed
        self._limit = limit
        self._streams = RandomStreams(seed)
        self._known: dict[tuple[str | int, ...], float] = {}

    def gamma(self, cv: float, *key: str | int) -> float:
        """Return the multiplier with this coefficient of variation for a purpose."""
        if cv <= 0:
            return 1.0
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._limit:
                self._known.clear()
            shape = 1 / cv**2
            known = self._known[key] = float(self._streams.throw(*key).gamma(shape, 1 / shape))
        return known

    def normal(self, *key: str | int) -> float:
        """Return the standard normal number of a purpose."""
        return float(self._streams.throw(*key).standard_normal())
