"""Variants: what each strategy varies, and that it varies nothing else."""

import pytest

from autopublisher.domain.request.request import RunRequest, Strategy
from autopublisher.domain.request.variants import LETTERS, Variant, build_variants
from unit.domain.samples import RUN_ID, asked, creative_ids


def variants_of(request: RunRequest) -> tuple[Variant, ...]:
    return build_variants(RUN_ID, request)


def of_strategy(strategy: Strategy, count: int = 2, **changes: object) -> tuple[Variant, ...]:
    return variants_of(asked(test={"strategy": strategy, "variants_count": count}, **changes))  # type: ignore[arg-type]


def test_variants_are_lettered_and_named_in_order() -> None:
    variants = variants_of(asked())
    assert [(one.letter, one.name) for one in variants] == [
        ("A", "Test Campaign - Variant A"),
        ("B", "Test Campaign - Variant B"),
    ]


def test_a_creative_split_gives_each_variant_its_creative_and_its_copy() -> None:
    first, second = of_strategy(Strategy.CREATIVE_SPLIT)
    assert (first.creative_id, first.headline, first.primary_text) == ("creative-0", "Headline A", "Text A")
    assert (second.creative_id, second.headline, second.primary_text) == (
        "creative-1",
        "Headline B",
        "Text B",
    )


def test_a_creative_split_shares_a_single_text() -> None:
    variants = of_strategy(Strategy.CREATIVE_SPLIT, headlines=("One",), primary_texts=("Two",))
    assert {(one.headline, one.primary_text) for one in variants} == {("One", "Two")}


def test_a_copy_split_shows_the_same_creative_everywhere() -> None:
    variants = of_strategy(Strategy.COPY_SPLIT)
    assert {one.creative_id for one in variants} == {"creative-0"}
    assert [one.headline for one in variants] == ["Headline A", "Headline B"]


def test_a_placement_split_gives_each_variant_one_placement_and_nothing_else_of_its_own() -> None:
    places = ("facebook_feed", "instagram_story")
    variants = of_strategy(Strategy.PLACEMENT_SPLIT, targeting={"placements": places})
    assert [one.placements for one in variants] == [("facebook_feed",), ("instagram_story",)]
    assert len({one.content[:4] for one in variants}) == 1


def test_the_other_strategies_give_every_variant_all_placements() -> None:
    places = ("facebook_feed", "instagram_story")
    for strategy in set(Strategy) - {Strategy.PLACEMENT_SPLIT}:
        variants = of_strategy(strategy, targeting={"placements": places})
        assert {one.placements for one in variants} == {places}


def test_a_factorial_crosses_every_factor() -> None:
    variants = of_strategy(Strategy.FACTORIAL, 8)
    assert len({one.content for one in variants}) == 8
    assert {one.creative_id for one in variants} == set(creative_ids(2))


def test_a_factorial_crosses_calls_to_action_too() -> None:
    variants = of_strategy(
        Strategy.FACTORIAL,
        2,
        creative_ids=creative_ids(1),
        headlines=("One",),
        primary_texts=("Two",),
        call_to_actions=("SHOP_NOW", "LEARN_MORE"),
    )
    assert [one.call_to_action for one in variants] == ["SHOP_NOW", "LEARN_MORE"]


@pytest.mark.parametrize("count", range(2, len(LETTERS) + 1))
def test_there_are_as_many_variants_as_asked_for(count: int) -> None:
    texts = tuple(f"Text {number}" for number in range(count))
    variants = of_strategy(Strategy.COPY_SPLIT, count, headlines=texts, primary_texts=texts)
    assert [one.letter for one in variants] == list(LETTERS[:count])


@pytest.mark.parametrize("strategy", list(Strategy))
def test_the_same_request_always_gives_the_same_variants(strategy: Strategy) -> None:
    places = ("facebook_feed", "instagram_story")
    assert of_strategy(strategy, targeting={"placements": places}) == of_strategy(
        strategy, targeting={"placements": places}
    )
