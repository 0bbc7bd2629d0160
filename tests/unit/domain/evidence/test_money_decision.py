"""Money decisions: every formula against another way to the same number, and what must hold whatever the figures are."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from autopublisher.domain.evidence import Criterion, Design, Figures, Mode, Snapshot
from autopublisher.domain.evidence.effects import Part, Totals, noise_over, rate_part, totals_at, value_part
from autopublisher.domain.evidence.money_decision import Choice, MoneyDecision, MoneyTerms
from autopublisher.domain.evidence.money_record import money_from_json, money_to_json
from autopublisher.domain.evidence.money_replay import (
    MoneyOutcome,
    money_at_end,
    money_so_far,
    replay_with_money,
)
from autopublisher.domain.evidence.money_text import money_sentences, money_sentences_beside_proof
from autopublisher.domain.evidence.spread import (
    GRID,
    Mixture,
    PastTest,
    default_prior,
    given_spread,
    learned,
    mixed,
)
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.evidence.verdict_text import Language
from autopublisher.domain.evidence.worth import Budget, Publishing, deviations, gain_of, worth_of

Array = npt.NDArray[np.float64]

SALES = np.array([30.0, 45.0])
DAYS = np.array([2.0, 2.0])


def totals_of(counts: Array = SALES, days: Array = DAYS) -> Totals:
    spend = np.full(len(counts), 900.0)
    return Totals(counts, counts * 80.0, counts * 30, spend, spend, spend * 0.9, days, 0.12, 0.30)


def test_a_rate_is_the_mode_of_a_poisson_log_normal_and_its_working_response() -> None:
    found, totals = rate_part(totals_of(), 1.0), totals_of()
    for variant in range(2):
        expected = float(totals.matured[variant]) * totals.rate
        noise = float(totals.noise[variant])
        count = float(totals.counts[variant])
        mode = brentq(
            lambda z, n=count, e=expected, w=noise: n - e * math.exp(z) - z / (0.2**2 + w), -5, 5, xtol=1e-14
        )
        mean = expected * math.exp(mode)
        assert found.estimate[variant] == pytest.approx(mode + (count - mean) / mean, rel=1e-9)
        assert found.variance[variant] == pytest.approx(1 / mean + noise, rel=1e-9)


def test_days_and_hours_leave_their_noise() -> None:
    assert noise_over(np.array([2.0]), 0.12, 0.30) == pytest.approx((0.12**2 + 0.30**2 / 24) / 2)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_clicks_vary_less_from_day_to_day_than_purchases(criterion: Criterion) -> None:
    clicks = criterion in {Criterion.CTR, Criterion.CPC, Criterion.ENGAGEMENT}
    day, hour = (0.05, 0.10) if clicks else (0.12, 0.30)
    design = replace(DESIGN, criterion=criterion)
    timeline = build(design, polls_of(4, 9))
    totals = totals_at(design, timeline, len(timeline.hours) - 1, (0, 1))
    assert totals.noise == pytest.approx((day**2 + hour**2 / 24) / totals.days)


def test_nothing_seen_says_nothing() -> None:
    none = totals_of(np.zeros(2))
    for part in (rate_part(none, 1.0), value_part(none, 1.25, 0.16)):
        assert (part.estimate.tolist(), part.variance.tolist()) == ([0, 0], [1e6, 1e6])


def test_baskets_are_compared_with_one_average_basket_more() -> None:
    totals = replace(totals_of(), values=np.array([30 * 70.0, 45 * 90.0]))
    unit = (30 * 70 + 45 * 90) / 75
    found = value_part(totals, 1.25, 0.16)
    assert found.estimate == pytest.approx(
        [math.log((2100 + unit) / (31 * unit)), math.log((4050 + unit) / (46 * unit))]
    )
    assert found.variance == pytest.approx([1.25 / 31, 1.25 / 46])


@pytest.mark.parametrize("place", [1, 5, 8])
def test_effects_given_a_spread_are_those_of_the_hierarchical_model(place: int) -> None:
    """The common mean has a flat prior; it is integrated out here by quadrature."""
    part, spread = Part(np.array([-0.1, 0.25, 0.05]), np.array([0.02, 0.05, 0.03])), float(GRID[place])
    total = part.variance + spread**2

    def density(mean: float) -> float:
        return float(np.prod(np.exp(-0.5 * (part.estimate - mean) ** 2 / total) / np.sqrt(2 * np.pi * total)))

    def effect(mean: float) -> float:
        keep = spread**2 / total[1]
        return float(keep * (part.estimate[1] - mean)) * density(mean)

    area = quad(density, -3, 3, points=[0, 0.1], limit=200)[0]
    means, _, likelihoods = given_spread(part)
    assert means[place][1] == pytest.approx(
        quad(effect, -3, 3, points=[0, 0.1], limit=200)[0] / area, abs=1e-7
    )
    constant = (len(total) - 1) / 2 * math.log(2 * math.pi)
    assert likelihoods[place] == pytest.approx(math.log(area) + constant, abs=1e-7)


def test_a_spread_is_never_a_point() -> None:
    prior = default_prior()
    assert prior.sum() == pytest.approx(1)
    assert float(prior @ GRID) == pytest.approx(0.19, abs=0.005)
    assert float(prior @ GRID**2) ** 0.5 == pytest.approx(0.22, abs=0.005)
    wide = mixed([Part(np.array([-0.8, 0.8]), np.full(2, 0.001))], prior)
    assert wide.weights @ GRID > prior @ GRID


def test_what_a_piece_more_may_move_is_what_the_posterior_would_lose_of_its_variance() -> None:
    """The variance of the future mean is the variance now less the one to come: checked by the normal model itself."""
    totals, budget = totals_of(), Budget(9000.0, 0.8, 10.0, 2)
    parts = [rate_part(totals, 1.0)]
    moves = deviations(0.1, budget, totals, parts)
    more = (
        900.0 / 2 * (75 + 0.5) / 1620.0
    )  # a tenth of the budget, half of it each, at what matured spend has brought
    sampling = 1 / (1 / (parts[0].variance - totals.noise) + more) + noise_over(totals.days + 1.0, 0.12, 0.30)
    for place, spread in enumerate(GRID):
        before = spread**2 * parts[0].variance / (spread**2 + parts[0].variance)
        after = spread**2 * sampling / (spread**2 + sampling)
        assert moves[place] ** 2 == pytest.approx(before - after, rel=1e-9)


def test_the_gain_of_two_is_the_expected_maximum() -> None:
    totals, budget = totals_of(), Budget(9000.0, 0.8, 10.0, 2)
    parts = [rate_part(totals, 1.0)]
    effects = Mixture(np.eye(len(GRID))[5], *(np.array(each) for each in given_spread(parts[0])[:2]))
    moves = deviations(0.2, budget, totals, parts)[5]
    apart, spread = abs(float(np.diff(effects.means[5])[0])), float(np.hypot(*moves))

    def beyond(z: float) -> float:
        return max(0.0, spread * z - apart) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    whole = quad(beyond, -12, 12, points=[apart / spread], limit=200)[0]
    assert gain_of(0.2, budget, totals, parts, effects) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(("days", "learning"), [(10.0, 0.2), (5.0, 0.4)])
def test_publishing_twice_the_budget_costs_returns_and_learning(days: float, learning: float) -> None:
    """At elasticity .9 and two days at 80 %: some 10 % over ten days and 14 % over five."""
    assert Publishing(2.0).efficiency(1.0, 2, days) == pytest.approx(2**-0.1 * (1 - 0.2 * learning))


def test_no_way_is_worth_more_than_what_is_left() -> None:
    totals = totals_of()
    parts = [rate_part(totals, 0.84), value_part(totals, 1.25, 0.16)]
    effects = mixed(parts, default_prior())
    found = worth_of(Budget(9000.0, 0.8, 10.0, 2), totals, parts, effects)
    assert found.keep <= found.publish == pytest.approx(0.8 * math.exp(effects.mean.max()))
    assert (
        worth_of(Budget(9000.0, 0.8, 10.0, 2, Publishing(2.0)), totals, parts, effects).publish
        < found.publish
    )


# --- memory -----------------------------------------------------------------------------------------


def past(spread: float, tie: float, count: int, seed: int = 5) -> list[PastTest]:
    chance, tests = np.random.default_rng(seed), []
    for age in range(count):
        clicks = chance.normal(0, spread, 4)
        rates = tie * clicks + chance.normal(0, spread * (1 - tie**2) ** 0.5, 4) + chance.normal(0, 0.1, 4)
        tests.append(
            PastTest(
                age,
                np.stack([rates - rates.mean(), np.full(4, 0.01)], 1),
                np.stack([clicks, np.full(4, 1e-4)], 1),
            )
        )
    return tests


def test_without_past_tests_the_default_holds_and_clicks_say_nothing() -> None:
    memory = learned([])
    assert (memory.spread.tolist(), memory.slope) == (default_prior().tolist(), 0.0)


def test_an_account_whose_ads_differ_more_is_expected_to_go_on_so() -> None:
    alike, unlike = learned(past(0.05, 0.0, 20)).spread, learned(past(0.4, 0.0, 20)).spread
    assert alike @ GRID < default_prior() @ GRID < unlike @ GRID
    assert (unlike >= 0.1 * default_prior() - 1e-12).all(), "a tenth of the default stays"


def test_clicks_count_only_where_past_tests_have_tied_them_to_sales() -> None:
    assert learned(past(0.2, 0.0, 20)).slope == 0
    assert learned(past(0.2, 0.9, 20)).slope > 0.5
    assert learned([replace(one, clicks=np.zeros((0, 2))) for one in past(0.2, 0.9, 20)]).slope == 0


# --- the rule on a test -----------------------------------------------------------------------------

DESIGN = Design(
    variants=("A", "B"),
    planned_spend_per_variant=2400.0,
    planned_hours=240.0,
    mode=Mode.MONEY,
    same_offer=True,
    cooldown_hours=0.0,
    currency="EUR",
)
TERMS = MoneyTerms(4800.0)


def polls_of(
    *sales_a_day: float, hours: int = 240, price: float = 80.0, money: float = 1.0
) -> tuple[Snapshot, ...]:
    """Return polls every six hours of variants that sell evenly."""
    return tuple(
        Snapshot(
            float(hour),
            tuple(
                Figures(
                    10.0 * money * hour,
                    1000.0 * hour,
                    20.0 * hour,
                    float(int(sold * hour / 24)),
                    price * money * int(sold * hour / 24),
                )
                for sold in sales_a_day
            ),
        )
        for hour in range(6, hours + 1, 6)
    )


def decided(outcome: MoneyOutcome) -> MoneyDecision:
    assert outcome.money is not None
    return outcome.money


def test_a_plain_difference_ends_the_test_with_a_bet_that_is_no_winner() -> None:
    found = replay_with_money(DESIGN, polls_of(4, 9), TERMS)
    assert (found.kind, found.by_money, decided(found).variant) == ("money_bet", True, "B")
    assert found.proof.winner is None
    assert decided(found).hour % 24 == 0
    assert decided(found).expected_gain > 0


def test_where_publishing_costs_more_than_it_brings_all_are_kept() -> None:
    terms = replace(TERMS, publishing=Publishing(2.0, elasticity=0.5))
    found = replay_with_money(DESIGN, polls_of(6, 6.5), terms)
    assert (found.kind, decided(found).choice) == ("keep_all", Choice.KEEP_SPLIT)


def test_testing_goes_on_while_a_piece_more_pays() -> None:
    found = replay_with_money(DESIGN, polls_of(6, 6.5, hours=24), TERMS)
    assert (found.kind, decided(found).choice, found.by_money) == ("not_yet", Choice.TEST_ON, False)
    capped = replay_with_money(DESIGN, polls_of(6, 6.5, hours=24), replace(TERMS, largest_test_share=0.05))
    assert capped.by_money


def test_proof_comes_first_and_money_stands_beside_it() -> None:
    prove = replace(DESIGN, mode=Mode.PROVE)
    found = replay_with_money(prove, polls_of(40, 90), TERMS)
    assert (found.kind, found.by_money, found.proof.winner) == ("winner", False, "B")
    assert decided(found).variant == "B"
    assert (
        found.proof.to_json()
        == replay_with_money(prove, polls_of(40, 90), replace(TERMS, total_budget=9e9)).proof.to_json()
    )


def test_polling_ends_a_test_where_its_replay_does() -> None:
    history, ended = polls_of(4, 9), replay_with_money(DESIGN, polls_of(4, 9), TERMS).money
    assert ended is not None
    kept = 0.0
    for count in range(1, len(history) + 1):
        found = money_so_far(DESIGN, history[:count], TERMS, (0, 1), after=kept)
        kept = kept if found is None else found.hour
        if found is not None and found.choice is not Choice.TEST_ON:
            assert found == ended
            assert history[count - 1].hour == ended.hour
            return
    pytest.fail("it never ended")


def test_a_look_that_was_missed_is_made_up_for() -> None:
    history, ended = polls_of(4, 9), replay_with_money(DESIGN, polls_of(4, 9), TERMS).money
    assert money_so_far(DESIGN, history, TERMS, (0, 1)) == ended


def test_where_money_only_reports_the_latest_look_counts() -> None:
    found = money_so_far(replace(DESIGN, mode=Mode.PROVE), polls_of(4, 9), MoneyTerms(9600.0), (0, 1))
    assert found is not None
    assert found.hour == 240


def test_a_test_that_is_over_cannot_go_on() -> None:
    close = polls_of(6, 6.5, hours=30)
    going = money_so_far(DESIGN, close, TERMS, (0, 1))
    over = money_at_end(DESIGN, close, TERMS, (0, 1))
    assert going is not None
    assert over is not None
    assert (going.choice, going.hour) == (Choice.TEST_ON, 24)
    assert over.choice is not Choice.TEST_ON
    assert over.hour == 30
    assert (over.worth_of_waiting or 0) > 0


@pytest.mark.parametrize("active", [(), (0,)])
def test_one_variant_alone_is_compared_with_nothing(active: tuple[int, ...]) -> None:
    assert money_so_far(DESIGN, polls_of(4, 9), TERMS, active) is None
    assert money_at_end(DESIGN, polls_of(4, 9), TERMS, active) is None


def test_a_decision_is_stored_in_the_same_bytes_and_read_back() -> None:
    found = decided(replay_with_money(DESIGN, polls_of(4, 9), TERMS))
    text = money_to_json(found, past_tests=3)
    assert money_to_json(money_from_json(text), past_tests=3) == text
    assert money_from_json(text).expected_gain == pytest.approx(found.expected_gain, rel=1e-8)


@pytest.mark.parametrize("share", [0.05, 0.95])
def test_the_range_of_the_gain_is_that_of_the_leaders_lead_over_all(share: float) -> None:
    found = decided(replay_with_money(DESIGN, polls_of(4, 9), TERMS))
    # Over two, the gain over an even split is half the log lift over the other one.
    expected = 0.5 * math.log(found.lift_interval[0 if share < 0.5 else 1])
    assert found.gain_interval[0 if share < 0.5 else 1] == pytest.approx(expected)
    assert found.expected_gain == pytest.approx(0.5 * math.log(found.lift))


@pytest.mark.parametrize("language", list(Language))
def test_beside_a_proven_winner_money_tells_the_gain_and_its_range(language: Language) -> None:
    found = decided(replay_with_money(DESIGN, polls_of(4, 9), TERMS))
    proven = money_sentences_beside_proof(found, "EUR", language, 1, named="B")
    bet = money_sentences_beside_proof(found, "EUR", language, 1, named=None)
    assert proven[0].count("EUR") == 3
    assert proven[0] != bet[0]
    assert len(bet) == len(money_sentences(found, "EUR", language, 1))
    assert not any(word in " ".join(bet).lower() for word in ("winner", "ganador", "significan", "confian"))


def test_where_testing_on_changes_no_choice_it_is_worth_no_more() -> None:
    dear = replace(TERMS, publishing=Publishing(2.0, elasticity=0.1))
    found = replay_with_money(DESIGN, polls_of(6, 6.1), dear).money
    assert found is not None
    assert (found.choice, found.hour) == (Choice.KEEP_SPLIT, 24)
    assert "worth no more than" in " ".join(money_sentences(found, "EUR", Language.ENGLISH, 1))


@pytest.mark.parametrize(
    ("language", "said"),
    [(Language.ENGLISH, "no variant is ahead"), (Language.SPANISH, "ninguna variante va por delante")],
)
def test_of_equals_none_is_said_to_lead(language: Language, said: str) -> None:
    found = money_at_end(DESIGN, polls_of(6, 6, hours=120), TERMS, (0, 1))
    assert found is not None
    assert said in money_sentences_beside_proof(found, "EUR", language, 1, named=None)[0]


@pytest.mark.parametrize(("margin", "choice"), [(0.9, Choice.PUBLISH), (0.1, Choice.SPEND_NOTHING)])
def test_where_less_comes_back_than_is_spent_nothing_more_is_worth_most(
    margin: float, choice: Choice
) -> None:
    # Nine sales a day of 80 for 240 spent: three come back of each unit, before the goods are paid.
    terms = MoneyTerms(9600.0, margin=margin)
    found = money_at_end(DESIGN, polls_of(4, 9), terms, (0, 1))
    assert found is not None
    assert found.choice is choice
    assert found.returns == pytest.approx(margin * 3.0, rel=0.15)
    told = money_sentences_beside_proof(found, "EUR", Language.ENGLISH, 1, named=None)
    assert ("spending nothing more is worth most" in told[0]) is (choice is Choice.SPEND_NOTHING)
    ended = replay_with_money(DESIGN, polls_of(4, 9), terms)
    assert ended.kind == ("money_bet" if choice is Choice.PUBLISH else "spend_nothing")


def test_a_value_of_conversions_puts_costs_per_purchase_into_money() -> None:
    design = replace(DESIGN, criterion=Criterion.CPA)
    plain = money_at_end(design, polls_of(4, 9), MoneyTerms(9600.0), (0, 1))
    worth = money_at_end(design, polls_of(4, 9), MoneyTerms(9600.0, value_per_event=80.0), (0, 1))
    assert plain is not None
    assert worth is not None
    assert plain.budget_revenue is None
    # 6.5 sales a day of 80 each for 240 spent, on 9,600.
    assert worth.budget_revenue == pytest.approx(9600 * 6.5 * 80 / 240, rel=0.1)
    assert worth.choice is plain.choice


@pytest.mark.parametrize("sales", [(0, 0), (5, 0)])
def test_too_little_is_no_look(sales: tuple[float, float]) -> None:
    found = replay_with_money(DESIGN, polls_of(*sales, hours=18), TERMS)
    assert (found.money, found.by_money) == (None, False)


def test_a_look_that_cannot_be_trusted_decides_nothing() -> None:
    edited = [replace(one, edited=one.hour > 12) for one in polls_of(4, 9)]
    found = replay_with_money(DESIGN, edited, TERMS)
    assert (found.kind, found.money) == ("unhealthy", None)


def test_names_and_units_of_money_change_nothing() -> None:
    plain = decided(replay_with_money(DESIGN, polls_of(4, 9), TERMS))
    turned = decided(replay_with_money(DESIGN, polls_of(9, 4), TERMS))
    assert turned.variant == "A"
    for name in ("hour", "p_best", "p_10_worse", "expected_gain", "expected_loss", "lift", "revenue"):
        assert getattr(turned, name) == pytest.approx(getattr(plain, name), rel=1e-9)
    dear = replace(DESIGN, planned_spend_per_variant=240_000.0)
    scaled = decided(replay_with_money(dear, polls_of(4, 9, money=100.0), MoneyTerms(480_000.0)))
    assert scaled.hour == plain.hour
    assert scaled.p_best == pytest.approx(plain.p_best, rel=1e-9)
    assert scaled.revenue == pytest.approx(100 * (plain.revenue or 0))


def test_three_variants_are_looked_at_as_two_are() -> None:
    design = replace(DESIGN, variants=("A", "B", "C"), planned_spend_per_variant=1600.0)
    found = decided(replay_with_money(design, polls_of(4, 9, 5), TERMS))
    assert found.variant == "B"
    assert 1 / 3 < found.p_best < 1
    assert found.lift_interval[0] < found.lift < found.lift_interval[1]


def test_criteria_without_revenue_tell_shares_and_no_money() -> None:
    found = decided(replay_with_money(replace(DESIGN, criterion=Criterion.CPA), polls_of(4, 9), TERMS))
    assert (found.variant, found.revenue, found.budget_revenue) == ("B", None, None)


@pytest.mark.parametrize("language", list(Language))
def test_a_bet_is_worded_without_the_words_of_proof(language: Language) -> None:
    for sales, publishing in (((4, 9), None), ((6, 6.5), Publishing(2.0, elasticity=0.5))):
        found = decided(replay_with_money(DESIGN, polls_of(*sales), replace(TERMS, publishing=publishing)))
        said = " ".join(money_sentences(found, "EUR", language, past_tests=0))
        assert found.variant in said
        assert not any(
            word in said.lower() for word in ("winner", "ganador", "significan", "confiden", "confianza")
        )
    assert "EUR" in " ".join(
        money_sentences(decided(replay_with_money(DESIGN, polls_of(4, 9), TERMS)), "EUR", language, 3)
    )
