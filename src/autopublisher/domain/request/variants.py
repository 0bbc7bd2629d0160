"""Variants of a request: the creative, copy and placements that each arm of the test shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from autopublisher.domain.ids import CreativeId, RunId
from autopublisher.domain.request.request import RunRequest, Strategy

_T = TypeVar("_T")

LETTERS = "ABCDEFGHIJ"
"""Variant names, in order; ten arms at most."""


@dataclass(frozen=True)
class Variant:
    """One arm of a test; ``letter`` is its short name within the run."""

    run_id: RunId
    letter: str
    name: str
    creative_id: CreativeId
    headline: str
    primary_text: str
    call_to_action: str | None
    placements: tuple[str, ...]

    @property
    def content(self) -> tuple[object, ...]:
        """What people would see, and where: two arms with equal content are the same arm."""
        return (self.creative_id, self.headline, self.primary_text, self.call_to_action, self.placements)


_Cell = tuple[CreativeId, str, str, str | None, tuple[str, ...]]


def build_variants(run_id: RunId, request: RunRequest) -> tuple[Variant, ...]:
    """Return the variants of a checked request, ``variants_count`` of them, in a fixed order."""
    cells = _cells(request)[: request.ab_test_config.variants_count]
    return tuple(
        Variant(run_id, letter, f"{request.campaign_name} - Variant {letter}", *cell)
        for letter, cell in zip(LETTERS, cells, strict=False)
    )


def _cells(request: RunRequest) -> list[_Cell]:
    strategy = request.ab_test_config.strategy
    places = request.targeting_config.placements
    ctas: Sequence[str | None] = request.call_to_actions or (None,)
    if strategy is Strategy.FACTORIAL:
        combinations = product(request.creative_ids, request.headlines, request.primary_texts, ctas)
        return [(*combination, places) for combination in combinations]
    if strategy is Strategy.PLACEMENT_SPLIT:
        shared = (request.creative_ids[0], request.headlines[0], request.primary_texts[0], ctas[0])
        return [(*shared, (place,)) for place in places]
    count = request.ab_test_config.variants_count
    creatives = request.creative_ids if strategy is Strategy.CREATIVE_SPLIT else request.creative_ids[:1]
    return [
        (
            _nth(creatives, index),
            _nth(request.headlines, index),
            _nth(request.primary_texts, index),
            _nth(ctas, index),
            places,
        )
        for index in range(count)
    ]


def _nth(values: Sequence[_T], index: int) -> _T:
    """One value serves every variant; several are dealt out in order."""
    return values[0] if len(values) == 1 else values[index]
