"""Randomness that depends on what it is for, not on when it is drawn.

Every draw comes from its own generator keyed by (seed, purpose, object, moment), so the same world gives the
same figures however its clock was moved.
"""

import hashlib

import numpy as np


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """Return the generator of one purpose."""
    text = "|".join([str(seed), *map(str, key)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest)))


class NoiseBook:
    """Gamma multipliers of mean one, remembered while they are in use."""

    def __init__(self, seed: int, limit: int = 20_000) -> None:
        """Keep at most `limit` multipliers; forgotten ones are drawn again, equal."""
        self.seed = seed
        self._limit = limit
        self._known: dict[tuple[str | int, ...], float] = {}

    def gamma(self, cv: float, *key: str | int) -> float:
        """Return the multiplier with this coefficient of variation for a purpose."""
        if cv <= 0:
            return 1.0
        if key not in self._known:
            if len(self._known) >= self._limit:
                self._known.clear()
            shape = 1 / cv**2
            self._known[key] = float(stream(self.seed, *key).gamma(shape, 1 / shape))
        return self._known[key]
