"""Verdicts in the situations that matter."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from autopublisher.domain.evidence import (
    Criterion,
    Design,
    Figures,
    Kind,
    Mode,
    Snapshot,
    Verdict,
    judge,
    replay,
)

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]
FOUR = ("a", "b", "c", "d")


def test_a_day_with_a_thousand_purchases_and_a_huge_difference_names_the_winner(
    one_day: Design, noisy_test: MakeTest
) -> None:
    verdict = judge(one_day, noisy_test(7, 24, (45.0, 121.5)), final=True)
    assert (verdict.kind, verdict.winner) == (Kind.WINNER, "b")


def test_a_day_with_twenty_purchases_is_not_enough(one_day: Design, noisy_test: MakeTest) -> None:
    verdict = judge(one_day, noisy_test(1, 24, (0.6, 0.9)), final=True)
    assert (verdict.kind, verdict.winner) == (Kind.NOT_ENOUGH_DATA, None)


def test_a_verdict_from_one_day_says_that_it_is_one_day(one_day: Design, noisy_test: MakeTest) -> None:
    verdict = judge(one_day, noisy_test(7, 24, (45.0, 121.5)), final=True)
    assert {"under_three_days", "day_noise_assumed", "not_randomised"} <= set(verdict.caveats)


def test_nothing_is_decided_before_the_guard_however_large_the_lead(
    two_weeks: Design, even_test: MakeTest
) -> None:
    verdict = judge(two_weeks, even_test(71, (1, 50)))
    assert (verdict.kind, verdict.reasons, verdict.next_analysis_hour) == (
        Kind.NOT_YET,
        ("guard_hours",),
        72.0,
    )


def test_between_analyses_the_verdict_says_when_the_next_is_due(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(2, 336, (1.0, 1.0))
    verdicts = [judge(two_weeks, history[:hour]) for hour in range(100, 130)]
    before, at = next(pair for pair in pairwise(verdicts) if pair[1].analyses_taken > pair[0].analyses_taken)
    assert before.reasons == ("look_not_due",)
    assert before.next_analysis_share is not None
    assert before.share < before.next_analysis_share <= at.share


def test_the_final_analysis_gives_an_answer_whatever_the_clock(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    verdict = judge(two_weeks, noisy_test(2, 150, (1.0, 1.0)), final=True)
    assert verdict.kind is Kind.NOT_ENOUGH_DATA
    assert verdict.ends_test
    assert verdict.next_analysis_share is None


def test_a_test_cut_short_before_the_guard_names_nobody(two_weeks: Design, even_test: MakeTest) -> None:
    verdict = judge(two_weeks, even_test(40, (1, 90)), final=True)
    assert (verdict.kind, verdict.winner) == (Kind.NOT_ENOUGH_DATA, None)


def test_no_figures_at_all_is_an_answer_too(two_weeks: Design) -> None:
    assert judge(two_weeks, ()).kind is Kind.NOT_YET
    assert judge(two_weeks, (), final=True).kind is Kind.NOT_ENOUGH_DATA


def test_a_winner_once_named_stays_named_when_asked_later(two_weeks: Design, noisy_test: MakeTest) -> None:
    history = noisy_test(5, 336, (2.0, 4.0))
    first = replay(two_weeks, history)
    later = judge(two_weeks, history)
    assert (first.kind, first.winner) == (Kind.WINNER, "b")
    assert (later.kind, later.winner, later.decided_hour) == (Kind.WINNER, "b", first.hour)


def test_replaying_stops_where_polling_one_by_one_would_have(two_weeks: Design, noisy_test: MakeTest) -> None:
    history = noisy_test(5, 336, (2.0, 4.0))
    polled = (judge(two_weeks, history[:index]) for index in range(1, len(history)))
    live = next(verdict for verdict in polled if verdict.ends_test)
    assert replay(two_weeks, history).to_json() == live.to_json()


@pytest.mark.parametrize("seed", range(6))
def test_replaying_equals_judging_what_was_known_at_the_end_byte_for_byte(
    seed: int, two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(seed, 336, (1.0, 1.6))
    replayed = replay(two_weeks, history, final=True)
    known = tuple(each for each in history if each.hour <= replayed.hour)
    assert replayed.to_json() == judge(two_weeks, known, final=replayed.final).to_json()


def test_a_winner_that_late_purchases_turn_into_a_loser_is_withdrawn(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = even_test(120, (2, 8))
    last = history[-1]
    late = replace(last.figures[0], conversions=9000.0, revenue=450_000.0)
    settled = replace(last, hour=168.0, figures=(late, last.figures[1]))
    verdict = judge(two_weeks, (*history, settled), final=True)
    assert judge(two_weeks, history).winner == "b"
    assert (verdict.kind, verdict.winner) == (Kind.NOT_ENOUGH_DATA, None)
    assert "reversed_after_settling" in verdict.reasons


def test_a_clear_loser_is_stopped_and_the_others_go_on(noisy_test: MakeTest) -> None:
    design = Design(FOUR, 3360.0, 336.0)
    verdict = replay(design, noisy_test(3, 336, (3.0, 3.0, 3.0, 0.8)), final=True)
    assert verdict.eliminated == ("d",)
    assert not verdict.variant("d").active


def test_a_stopped_loser_is_told_at_its_analysis(noisy_test: MakeTest) -> None:
    design, history = Design(FOUR, 3360.0, 336.0), noisy_test(3, 336, (3.0, 3.0, 3.0, 0.8))
    hours = [round(analysis.hour) for analysis in judge(design, history).analyses]
    verdicts = [judge(design, history[:hour]) for hour in hours]
    stops = [verdict for verdict in verdicts if verdict.kind is Kind.STOP_LOSER]
    assert [verdict.newly_eliminated for verdict in stops] == [("d",)]


def test_a_fallen_counter_pauses_the_test(two_weeks: Design, even_test: MakeTest) -> None:
    history = even_test(100, (2, 2))
    broken = replace(history[50], hour=101.0)
    verdict = judge(two_weeks, (*history, broken))
    assert (verdict.kind, verdict.reasons) == (Kind.UNHEALTHY, ("counter_fell",))


def test_a_glitch_that_passes_is_mentioned_and_changes_nothing(
    two_weeks: Design, even_test: MakeTest
) -> None:
    history = even_test(100, (2, 2))
    glitch = replace(history[20], hour=90.5)
    clean, seen = judge(two_weeks, history), judge(two_weeks, (*history, glitch))
    assert [each.code for each in seen.diagnostics] == ["readings_set_aside"]
    plain = {"digest": "", "diagnostics": []}
    assert seen.to_dict() | plain == clean.to_dict() | plain


def test_too_many_missing_polls_pause_the_test(two_weeks: Design, even_test: MakeTest) -> None:
    history = even_test(100, (2, 2))
    thinned = tuple(each for each in history if each.hour < 50 or each.hour > 80)
    assert judge(two_weeks, thinned).reasons == ("polls_missing",)


def test_an_edited_variant_pauses_the_test(two_weeks: Design, even_test: MakeTest) -> None:
    history = even_test(100, (2, 2))
    assert judge(two_weeks, (*history[:-1], replace(history[-1], edited=True))).reasons == ("edited",)


def test_a_variant_that_never_delivers_blocks_the_verdict(even_test: MakeTest) -> None:
    design = Design(("a", "b"), 1000.0, 100.0)
    history = tuple(replace(each, figures=(each.figures[0], Figures())) for each in even_test(100, (5, 5)))
    verdict = judge(design, history, final=True)
    assert (verdict.kind, verdict.reasons) == (Kind.NOT_ENOUGH_DATA, ("not_delivering",))


def test_decide_mode_names_a_best_bet_and_says_that_it_is_no_proof(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    verdict = replay(replace(two_weeks, mode=Mode.DECIDE), noisy_test(4, 336, (2.0, 2.7)), final=True)
    assert (verdict.kind, verdict.winner) == (Kind.BEST_BET, "b")
    assert verdict.expected_loss is not None
    assert verdict.expected_loss < 0.01
    assert "not_proof" in verdict.caveats


def test_large_equal_variants_end_without_a_difference(two_weeks: Design, noisy_test: MakeTest) -> None:
    verdict = replay(
        replace(two_weeks, criterion=Criterion.CPA), noisy_test(8, 336, (10.0, 10.0)), final=True
    )
    assert verdict.kind is Kind.NO_DIFFERENCE
    assert verdict.largest_difference is not None
    assert verdict.largest_difference < 0.30


def test_a_safe_pick_is_claimed_only_when_asked_for(two_weeks: Design, noisy_test: MakeTest) -> None:
    history = noisy_test(11, 336, (3.0, 3.5))
    plain = replay(two_weeks, history, final=True)
    safe = replay(replace(two_weeks, safe_margin=0.30), history, final=True)
    assert plain.kind is not Kind.SAFE_PICK
    assert (safe.kind, safe.winner) == (Kind.SAFE_PICK, "b")


def test_futility_gives_up_on_a_hopeless_test(two_weeks: Design, noisy_test: MakeTest) -> None:
    verdict = replay(replace(two_weeks, futility=True), noisy_test(2, 336, (0.2, 0.2)), final=True)
    assert (verdict.kind, verdict.reasons) == (Kind.NOT_ENOUGH_DATA, ("futile",))
    assert verdict.hour < 336


@pytest.mark.parametrize("criterion", list(Criterion))
def test_every_criterion_finds_a_large_difference_the_right_way_round(
    two_weeks: Design, criterion: Criterion, noisy_test: MakeTest
) -> None:
    history = tuple(
        replace(each, figures=(replace(each.figures[0], clicks=3 * each.figures[0].clicks), each.figures[1]))
        for each in noisy_test(9, 336, (9.0 if criterion is Criterion.CVR else 3.0, 1.0))
    )
    verdict = replay(replace(two_weeks, criterion=criterion), history, final=True)
    expected = "a" if criterion is not Criterion.CVR else verdict.leader
    assert (verdict.kind, verdict.winner) == (Kind.WINNER, expected)


def test_the_same_snapshots_give_the_same_bytes_and_survive_json(
    two_weeks: Design, noisy_test: MakeTest
) -> None:
    history = noisy_test(6, 200, (1.0, 1.5))
    verdict = judge(two_weeks, history)
    assert judge(two_weeks, list(history)).to_json() == verdict.to_json()
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_design_survives_json(two_weeks: Design) -> None:
    assert Design.from_dict(two_weeks.to_dict()) == two_weeks


def test_pooling_baskets_narrows_the_range(two_weeks: Design, noisy_test: MakeTest) -> None:
    history = noisy_test(10, 336, (1.5, 1.5))
    plain, pooled = judge(two_weeks, history), judge(replace(two_weeks, same_offer=True), history)
    assert pooled.method == "E"
    assert _width(pooled) < _width(plain)


def _width(verdict: Verdict) -> float:
    pair = verdict.pairs[0]
    assert pair.high is not None
    return pair.high / pair.low
