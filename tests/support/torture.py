"""How much torture: TORTURE=full in the environment, which ``./test --torture`` sets, is all of it; else a sample."""

import os
import random
from itertools import pairwise

IS_FULL = os.environ.get("TORTURE") == "full"


def sized(sample: int, full: int) -> int:
    """Return the number for the size that was asked for."""
    return full if IS_FULL else sample


def spread(highest: int, count: int, chance: random.Random) -> list[int]:
    """Return ``count`` numbers from 1 to ``highest``, by chance but one from each stretch of equal length."""
    edges = [round(highest * step / count) for step in range(count + 1)]
    return [chance.randint(low + 1, high) for low, high in pairwise(edges) if high > low]
