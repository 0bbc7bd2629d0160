"""Verdicts in words."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from autopublisher.domain.evidence import (
    Criterion,
    Design,
    Kind,
    Snapshot,
    headline,
    judge,
    method_note,
    replay,
    sentences,
)
from autopublisher.domain.evidence.verdict_phrases import ENGLISH, SPANISH

MakeTest = Callable[..., tuple[Snapshot, ...]]


def test_a_winner_is_told_with_its_range_and_its_error(two_weeks: Design, noisy_test: MakeTest) -> None:
    text = headline(replay(two_weeks, noisy_test(5, 336, (2.0, 4.0))))
    assert text.startswith("b earns more per euro than a: about +")
    assert "kept at 5%" in text


def test_a_cheaper_variant_is_told_by_its_lower_cost(two_weeks: Design, noisy_test: MakeTest) -> None:
    text = headline(replay(replace(two_weeks, criterion=Criterion.CPA), noisy_test(5, 336, (2.0, 4.0))))
    assert text.startswith("b brings purchases at a lower cost than a: about -")


def test_spanish_says_the_same_in_spanish(two_weeks: Design, noisy_test: MakeTest) -> None:
    text = headline(replay(two_weeks, noisy_test(5, 336, (2.0, 4.0))), "es")
    assert text.startswith("b gana más por euro que a: alrededor de +")
    assert "5 %" in text


def test_a_one_day_test_without_proof_names_no_winner_and_says_what_proof_costs(
    one_day: Design, noisy_test: MakeTest
) -> None:
    verdict = judge(one_day, noisy_test(1, 24, (0.6, 0.9)), final=True)
    text = " ".join(sentences(verdict))
    assert "Not enough data" in text
    assert "less than three days" in text
    assert "Proving +30%" in text
    assert "winner" not in text


def test_as_delivered_is_always_said(two_weeks: Design) -> None:
    assert ENGLISH.caveats["as_delivered"] in sentences(judge(two_weeks, ()))


def test_both_languages_know_the_same_things() -> None:
    for part in ("better", "verdicts", "reasons", "caveats", "findings", "parts", "method"):
        assert getattr(ENGLISH, part).keys() == getattr(SPANISH, part).keys()


def test_every_kind_and_every_criterion_has_words() -> None:
    assert set(ENGLISH.verdicts) == {kind.value for kind in Kind}
    assert set(ENGLISH.better) == {criterion.value for criterion in Criterion}


def test_an_unknown_language_is_refused(two_weeks: Design) -> None:
    with pytest.raises(ValueError, match="fr"):
        headline(judge(two_weeks, ()), "fr")


@pytest.mark.parametrize(("language", "promise"), [("en", "in at most about 5%"), ("es", "alrededor de 5 %")])
def test_the_method_is_told_in_one_paragraph_with_its_error(
    two_weeks: Design, language: str, promise: str
) -> None:
    note = method_note(judge(two_weeks, ()), language)
    assert promise in note
    assert "{" not in note
    assert "\n" not in note


def test_pooling_baskets_is_part_of_the_method_where_it_is_used(two_weeks: Design) -> None:
    pooled = judge(replace(two_weeks, same_offer=True), ())
    assert method_note(pooled).startswith(method_note(judge(two_weeks, ())))
    assert "basket sizes is shared" in method_note(pooled)
