"""Account memory: rows against another way to the same numbers, and what they say together against quadrature."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from autopublisher.domain.evidence import Criterion, Design, Figures, Snapshot
from autopublisher.domain.evidence.effects import parts_of, totals_at
from autopublisher.domain.evidence.memory import measured_test, memory_of
from autopublisher.domain.evidence.money_decision import MoneyRule, MoneyTerms
from autopublisher.domain.evidence.spread import GRID, PastTest, learned
from autopublisher.domain.evidence.timeline import build
from autopublisher.domain.past_tests import KNOWN_FROM, MeasuredTest, Omission

Array = npt.NDArray[np.float64]

DESIGN = Design(
    variants=("A", "B", "C"),
    planned_spend_per_variant=240.0,
    planned_hours=48.0,
    same_offer=True,
    cooldown_hours=0.0,
)
DAY_SALES, BASKETS = (24, 36, 30), (80.0, 100.0, 90.0)


def history(hours: int = 48, sales: Sequence[int] = DAY_SALES, quiet: int = 0) -> list[Snapshot]:
    """Return hourly polls of variants that sell evenly, then ``quiet`` hours in which nothing more is spent."""
    return [
        Snapshot(
            float(hour),
            tuple(
                Figures(
                    5.0 * on,
                    500.0 * on,
                    20.0 * on + index,
                    float(sold * on // 24),
                    basket * (sold * on // 24),
                )
                for index, (sold, basket) in enumerate(zip(sales, BASKETS, strict=False))
            ),
        )
        for hour in range(1, hours + quiet + 1)
        for on in (min(hour, hours),)
    ]


def worthless(polls: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the polls without what was paid."""
    return [replace(each, figures=tuple(replace(one, revenue=0.0) for one in each.figures)) for each in polls]


def left(
    design: Design = DESIGN, polls: Sequence[Snapshot] | None = None, hours: float = 48.0
) -> MeasuredTest:
    found = measured_test(design, history() if polls is None else polls, hours)
    assert isinstance(found, MeasuredTest)
    return found


def test_a_row_holds_rate_and_basket_together_with_what_days_add() -> None:
    timeline = build(DESIGN, history())
    matured, by_day = timeline.matured[-1].sum(axis=1), timeline.matured[-1]
    sales, revenue = np.array(DAY_SALES) * 2.0, np.array(DAY_SALES) * 2.0 * np.array(BASKETS)
    rate, basket = sales.sum() / matured.sum(), revenue.sum() / sales.sum()
    estimates, variances = [], []
    for index, count in enumerate(sales):
        days = matured[index] ** 2 / (by_day[index] ** 2).sum()
        noise = (0.12**2 + 0.30**2 / 24) / days
        expected = matured[index] * rate
        mode = brentq(
            lambda z, n=count, e=expected, w=noise: n - e * math.exp(z) - z / (0.04 + w), -5, 5, xtol=1e-14
        )
        mean = expected * math.exp(mode)
        estimates.append(
            mode + (count - mean) / mean + math.log((revenue[index] + basket) / ((count + 1) * basket))
        )
        variances.append(1 / mean + noise + 1.25 / (count + 1))
    found = left()
    assert [rate for rate, _ in found.rates] == pytest.approx(
        np.array(estimates) - np.mean(estimates), rel=1e-9
    )
    assert [doubt for _, doubt in found.rates] == pytest.approx(variances, rel=1e-9)
    clicks = np.log(np.array([960.0, 961.0, 962.0]) + 0.5)
    assert [level for level, _ in found.clicks] == pytest.approx(clicks - clicks.mean(), abs=1e-6)
    assert (found.days, found.events, found.moved) == (2.0, 180.0, False)


def test_a_basket_always_alike_has_no_variation_and_readings_tell_that_of_others() -> None:
    assert left().value_dispersion == pytest.approx(0.0, abs=1e-12)
    assert left(replace(DESIGN, criterion=Criterion.CPA)).value_dispersion is None
    draw = np.random.default_rng(3)
    sold = draw.poisson(2.0, (48, 3))
    earned = np.array([[draw.lognormal(4.0, 0.9, number).sum() for number in row] for row in sold])
    counts, sums = sold.cumsum(axis=0), earned.cumsum(axis=0)
    polls = [
        replace(
            each,
            figures=tuple(
                replace(one, conversions=float(counts[row, index]), revenue=float(sums[row, index]))
                for index, one in enumerate(each.figures)
            ),
        )
        for row, each in enumerate(history())
    ]
    found = measured_test(replace(DESIGN, same_offer=False), polls, 48.0)
    assert isinstance(found, MeasuredTest)
    assert found.value_dispersion == pytest.approx(math.exp(0.81) - 1, rel=0.35)


@pytest.mark.parametrize(
    ("polls", "hours", "why"),
    [
        (history(12), 12.0, Omission.TOO_SHORT),
        ([], 0.0, Omission.TOO_SHORT),
        (history(quiet=20), 23.0, Omission.TOO_SHORT),
        ([], 30.0, Omission.NO_EVENT),
        (history(sales=(0, 0, 0)), 48.0, Omission.NO_EVENT),
        (worthless(history(sales=(1, 1, 1))), 48.0, Omission.NO_EVENT),
        ([*history(), replace(history(4)[-1], hour=49.0)], 49.0, Omission.SET_ASIDE),
        ([replace(each, edited=each.hour > 40) for each in history()], 48.0, Omission.UNHEALTHY),
        (
            [replace(each, figures=(*each.figures[:2], Figures())) for each in history()],
            48.0,
            Omission.NOT_DELIVERED,
        ),
    ],
)
def test_what_cannot_be_told_or_trusted_leaves_nothing(
    polls: Sequence[Snapshot], hours: float, why: Omission
) -> None:
    assert measured_test(DESIGN, polls, hours) is why


def test_whatever_was_counted_leaves_finite_numbers_or_a_reason() -> None:
    draw = np.random.default_rng(3)
    kinds = set()
    for _ in range(150):
        polls, step = int(draw.choice([1, 2, 8, 30])), float(draw.choice([0.25, 6.0, 48.0]))
        added = draw.poisson(draw.choice([0.1, 1.0, 50.0]), (polls, 3, 6))
        added[:, int(draw.integers(3))] *= int(draw.integers(0, 2))
        sums = added.cumsum(axis=0).astype(np.float64)
        sums[-1] *= float(draw.choice([0.5, 1.0]))
        figures = [tuple(Figures(*row) for row in poll) for poll in sums.tolist()]
        test = [Snapshot(step * (hour + 1), each) for hour, each in enumerate(figures)]
        found = measured_test(DESIGN, test, 48.0)
        kinds.add("row" if isinstance(found, MeasuredTest) else found.value)
        if isinstance(found, MeasuredTest):
            assert np.isfinite([*found.rates, *found.clicks]).all()
            assert min(doubt for _, doubt in (*found.rates, *found.clicks)) > 0
            assert np.isfinite(memory_of(Criterion.ROAS, [found]).spread).all()
    assert len(kinds) >= 4


def test_clicks_are_no_sign_of_themselves_and_need_no_purchase() -> None:
    found = left(replace(DESIGN, criterion=Criterion.CPC), history(sales=(0, 0, 0)))
    assert found.clicks == ()
    assert found.events == sum(960 + index for index in range(3))


def test_a_row_does_not_depend_on_the_names_of_variants_on_money_or_on_the_accounts_own_noise() -> None:
    turned = [replace(each, figures=each.figures[::-1]) for each in history()]
    assert np.array(left(polls=turned).rates[::-1]) == pytest.approx(np.array(left().rates))
    dear = [
        replace(
            each,
            figures=tuple(
                replace(one, spend=one.spend * 100, revenue=one.revenue * 100) for one in each.figures
            ),
        )
        for each in history()
    ]
    richer = left(replace(DESIGN, planned_spend_per_variant=24000.0), dear)
    assert np.array(richer.rates) == pytest.approx(np.array(left().rates))
    assert left(replace(DESIGN, day_spread=0.3, day_spread_doubt=0.01)) == left()


# --- what an account's tests say together -----------------------------------------------------------


def past(number: int, spread: float = 0.2, seed: int = 1, tie: float = 0.0) -> list[MeasuredTest]:
    draw = np.random.default_rng(seed)
    tests = []
    for _ in range(number):
        clicks = draw.normal(0, 0.2, 4)
        true = tie * clicks + draw.normal(0, spread, 4)
        rates = true + draw.normal(0, 0.15, 4)
        tests.append(
            MeasuredTest(
                rates=tuple((float(y), 0.15**2) for y in rates - rates.mean()),
                clicks=tuple((float(x), 0.01**2) for x in clicks - clicks.mean()),
                days=7.0,
                events=float(draw.integers(50, 400)),
                value_dispersion=float(draw.uniform(0.4, 0.8)),
                day_variance=float(draw.normal(0.04, 0.02)),
                day_doubt=0.02**2,
            )
        )
    return tests


def test_the_spread_is_that_of_a_power_prior_mixed_with_the_default() -> None:
    """The common mean of each test has a flat prior; it is integrated out here by quadrature."""
    tests = [replace(each, clicks=()) for each in past(3)]
    default = np.exp(-0.5 * (np.log(GRID / 0.15) / 0.7) ** 2)
    default /= default.sum()
    weights = default.copy()
    for age, test in zip((2, 1, 0), tests, strict=True):
        for place, spread in enumerate(GRID):
            doubts = np.array([doubt for _, doubt in test.rates]) + spread**2
            levels = np.array([level for level, _ in test.rates])

            def density(mean: float, levels: Array = levels, doubts: Array = doubts) -> float:
                return float(np.exp(-0.5 * (levels - mean) ** 2 / doubts).prod() / np.sqrt(doubts).prod())

            weights[place] *= quad(density, -3, 3, points=[0.0], epsabs=0, epsrel=1e-10)[0] ** (0.97**age)
    expected = 0.9 * weights / weights.sum() + 0.1 * default
    assert memory_of(Criterion.ROAS, tests).spread == pytest.approx(expected, rel=1e-6)


def test_later_tests_say_more_and_names_of_variants_nothing() -> None:
    alike, unlike = past(10, 0.03), past(10, 0.4, seed=2)
    first, last = memory_of(Criterion.ROAS, [*unlike, *alike]), memory_of(Criterion.ROAS, [*alike, *unlike])
    assert float(np.array(first.spread) @ GRID) < float(np.array(last.spread) @ GRID)
    turned = [replace(each, rates=each.rates[::-1], clicks=each.clicks[::-1]) for each in alike]
    assert memory_of(Criterion.ROAS, turned).spread == pytest.approx(memory_of(Criterion.ROAS, alike).spread)


def test_nothing_remembered_is_what_is_assumed() -> None:
    memory = memory_of(Criterion.ROAS, [])
    assert (memory.tests, memory.slope, memory.used_dispersion, memory.day_spread) == (0, 0.0, None, None)
    assert memory.useless == pytest.approx(0.54)


def test_basket_variation_and_day_noise_are_the_accounts_own_from_twenty_tests_on() -> None:
    tests = past(KNOWN_FROM)
    few, enough = memory_of(Criterion.ROAS, tests[1:]), memory_of(Criterion.ROAS, tests)
    assert (few.is_known, few.used_dispersion, few.day_spread, few.day_spread_doubt) == (
        False,
        None,
        None,
        None,
    )
    raw = np.array([test.day_variance for test in tests], dtype=np.float64)
    error = raw.std(ddof=1) / math.sqrt(len(raw))
    assert enough.is_known
    assert enough.day_spread == pytest.approx(math.sqrt(raw.mean() + error))
    assert enough.day_spread_doubt == pytest.approx(error)
    shrunk = np.average([0.12**2, raw.mean()], weights=[1 / 0.05**2, 1 / error**2])
    assert enough.likely_day_spread(0.12, 0.05) == pytest.approx(math.sqrt(shrunk))
    weights = [test.events for test in tests]
    own = np.average([test.value_dispersion or 0.0 for test in tests], weights=weights)
    assert enough.used_dispersion == pytest.approx(own)
    quiet = [replace(test, day_variance=-0.01, value_dispersion=0.0) for test in tests]
    least = memory_of(Criterion.ROAS, quiet)
    assert least.day_spread == pytest.approx(0.06)
    assert least.likely_day_spread(0.12, 0.05) == pytest.approx(0.06)
    assert least.likely_day_spread(0.05, 0.006) == pytest.approx(0.025)
    assert least.used_dispersion == 0.01


def test_a_memory_fixed_beforehand_decides_as_its_tests_do_until_it_knows_more() -> None:
    tests = past(10, tie=0.9)
    memory, timeline = memory_of(Criterion.ROAS, tests), build(DESIGN, history())
    assert memory.slope > 0.5
    rows = tuple(
        PastTest(9 - place, np.array(test.rates), np.array(test.clicks)) for place, test in enumerate(tests)
    )
    decided = [
        MoneyRule(DESIGN, terms, timeline).decided(48, (0, 1, 2))
        for terms in (MoneyTerms(2000.0, past_tests=rows), MoneyTerms(2000.0, memory=memory))
    ]
    assert decided[0] == decided[1] is not None
    noisy = replace(memory, day_variance=0.09, day_error=0.01, days_from=KNOWN_FROM)
    doubtful = MoneyRule(DESIGN, MoneyTerms(2000.0, memory=noisy), timeline).decided(48, (0, 1, 2))
    assert decided[1] is not None
    assert doubtful is not None
    assert doubtful.p_best < decided[1].p_best
    assert MoneyTerms(1.0, memory=memory).tests_behind == len(tests)


def test_a_row_tells_apart_what_an_event_is_worth() -> None:
    row, timeline = left(), build(DESIGN, history())
    _, values = parts_of(DESIGN, totals_at(DESIGN, timeline, 48, (0, 1, 2)))
    assert [each for each, _ in row.values] == pytest.approx(values.estimate - values.estimate.mean())
    assert [each for _, each in row.values] == pytest.approx(values.variance)
    assert row.share_of_values == 0.16
    by_cost = left(replace(DESIGN, criterion=Criterion.CPA))
    assert (by_cost.values, by_cost.share_of_values) == ((), 0.0)


def test_what_baskets_do_is_no_doubt_of_a_tie_of_clicks() -> None:
    clicks, baskets = ((-0.2, 0.001), (0.0, 0.001), (0.2, 0.001)), (0.1, -0.2, 0.1)
    rates = tuple((0.9 * level + more, 0.06) for (level, _), more in zip(clicks, baskets, strict=True))
    untold = [replace(test, rates=rates, clicks=clicks) for test in past(8)]
    values = tuple((each, 0.03) for each in baskets)
    told = [replace(test, values=values, share_of_values=0.16) for test in untold]
    known, unknown = (memory_of(Criterion.ROAS, each) for each in (told, untold))
    assert known.useless < unknown.useless
    assert known.expected_slope > unknown.expected_slope


def test_the_spread_is_learned_from_both_parts_with_their_shares() -> None:
    rates, values = np.array([[0.3, 0.05], [-0.3, 0.07]]), np.array([[0.1, 0.02], [-0.1, 0.03]])
    found = learned([PastTest(0, rates, np.zeros((0, 2)), values, 0.16)]).spread
    weights = np.exp(-0.5 * (np.log(GRID / 0.15) / 0.7) ** 2)
    default = weights / weights.sum()
    for part, share in ((rates - values, 0.84), (values, 0.16)):
        # Of two with a flat mean, only their difference tells.
        apart, variance = part[0, 0] - part[1, 0], 2 * share * GRID**2 + part[:, 1].sum()
        weights = weights * np.exp(-0.5 * apart**2 / variance) / np.sqrt(variance)
    assert found == pytest.approx(0.9 * weights / weights.sum() + 0.1 * default, rel=1e-9)
