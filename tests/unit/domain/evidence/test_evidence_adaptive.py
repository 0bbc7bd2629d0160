"""Verdicts on tests whose money was moved by the figures: the whole engine, with a clock for each pair."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from autopublisher.domain.evidence import (
    Criterion,
    Design,
    Figures,
    Kind,
    Snapshot,
    judge,
    method_note,
    replay,
    sentences,
)
from autopublisher.domain.evidence.allocation import ArmMoney, next_amounts
from support.torture import sized

Array = npt.NDArray[np.float64]
History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]

DAYS, COOL_DOWN, BUDGET, EVENTS = 14, 72, 336_000, 500.0
FOUR = ("a", "b", "c", "d")
ORDER = (2, 0, 3, 1)

PLAN = Design(
    variants=FOUR,
    planned_spend_per_variant=BUDGET / 100,
    planned_hours=24.0 * DAYS,
    criterion=Criterion.CONVERSIONS,
    adaptive=True,
)


class Moving:
    """A test whose money is moved once a day by the engine's own chances of being best; purchases come late."""

    def __init__(self, rates: tuple[float, ...], seed: int) -> None:
        self._rng = np.random.default_rng([17, seed])
        self._rates = np.array(rates)
        self.spend = np.zeros((24 * DAYS + COOL_DOWN, len(rates)))
        self.seen = np.zeros_like(self.spend)
        self.amounts = (BUDGET,) * len(rates)
        self._polls: list[Snapshot] = []
        for day in range(DAYS):
            self._move(day)
            self._deliver(day)

    def history(self, hours: int) -> History:
        """Return the hourly polls up to an hour; what a later day brings is seen after it, so no poll is made twice."""
        spend, seen = self.spend[:hours].cumsum(axis=0) / 100, self.seen[:hours].cumsum(axis=0)
        self._polls += [
            Snapshot(
                float(hour + 1),
                tuple(
                    Figures(spend[hour, arm], 100 * spend[hour, arm], spend[hour, arm], count, 50.0 * count)
                    for arm, count in enumerate(seen[hour])
                ),
            )
            for hour in range(len(self._polls), hours)
        ]
        return tuple(self._polls[:hours])

    def _move(self, day: int) -> None:
        if day < 3:
            return
        verdict = replay(PLAN, self.history(24 * day), detailed=False)
        chances = [each.p_best or 0.0 for each in verdict.variants]
        going = [arm for arm, each in enumerate(verdict.variants) if each.active]
        spent = self.spend.sum(axis=0)
        money = [ArmMoney(self.amounts[arm], min(int(spent[arm]), self.amounts[arm])) for arm in going]
        moved = dict(zip(going, next_amounts(money, [chances[arm] for arm in going]), strict=True))
        self.amounts = tuple(moved.get(arm, amount) for arm, amount in enumerate(self.amounts))

    def _deliver(self, day: int) -> None:
        hours = np.arange(24 * day, 24 * day + 24)
        left = np.maximum(np.array(self.amounts) - self.spend.sum(axis=0), 0.0)
        self.spend[hours] = left / (DAYS - day) / 24
        noise = self._gamma(0.3, (24, len(left))) * self._gamma(0.08, (1, len(left)))
        noise *= self._gamma(0.2, (24, 1))
        bought = self._rng.poisson(self.spend[hours] / BUDGET * EVENTS * self._rates * noise)
        for row, arm in np.argwhere(bought):
            count = int(bought[row, arm])
            late = np.where(self._rng.random(count) < 0.5, self._rng.lognormal(np.log(10), 1.5, count), 0.0)
            shown = (hours[row] + self._rng.random(count) + late).astype(int)
            np.add.at(self.seen[:, arm], shown[shown < len(self.seen)], 1)

    def _gamma(self, spread: float, shape: tuple[int, int]) -> Array:
        return self._rng.gamma(1 / spread**2, spread**2, shape)


@pytest.fixture(scope="module")
def moving() -> Moving:
    return Moving((1.0, 1.25, 1.0, 0.8), 5)


@pytest.fixture(scope="module")
def whole(moving: Moving) -> History:
    return moving.history(24 * DAYS + COOL_DOWN)


def test_money_has_followed_the_better_variant(moving: Moving) -> None:
    assert moving.amounts[1] > 1.1 * BUDGET
    assert sum(moving.amounts) == 4 * BUDGET


def test_relabelling_the_variants_relabels_the_verdict(whole: History) -> None:
    history = whole[:150]
    shuffled = replace(PLAN, variants=tuple(FOUR[each] for each in ORDER))
    moved = tuple(replace(each, figures=tuple(each.figures[i] for i in ORDER)) for each in history)
    one, other = judge(PLAN, history), judge(shuffled, moved)
    assert (one.kind, one.winner, set(one.eliminated)) == (other.kind, other.winner, set(other.eliminated))
    assert [each.boundary for each in one.analyses] == pytest.approx(
        [each.boundary for each in other.analyses]
    )
    # A pair's arm-day variance is estimated about the second one's share of each day, so order leaves a trace.
    assert {each.name: each.p_best for each in one.variants} == pytest.approx(
        {each.name: each.p_best for each in other.variants}, abs=0.01
    )


@pytest.mark.parametrize("hours", [1, 20, 73, 150, 336, 408])
@pytest.mark.parametrize("final", [False, True])
def test_a_verdict_is_finite_at_any_hour(whole: History, hours: int, *, final: bool) -> None:
    verdict = judge(PLAN, whole[:hours], final=final)
    assert verdict.method == "R"
    assert "Infinity" not in verdict.to_json()


def test_replaying_equals_judging_what_was_known_at_the_end(whole: History) -> None:
    verdict = replay(PLAN, whole, final=True)
    known = whole if verdict.decided_hour is None else whole[: round(verdict.decided_hour)]
    assert judge(PLAN, known, final=len(known) == len(whole)).to_json() == verdict.to_json()


def test_the_end_lowers_no_bar(whole: History) -> None:
    early = whole[:200]
    open_, last = judge(PLAN, early), judge(PLAN, early, final=True)
    # A final analysis right after another has no error to spend, whatever is left of it.
    assert last.analyses[-1].boundary >= min(each.boundary for each in open_.analyses)
    fixed = replace(PLAN, adaptive=False)
    assert last.analyses[-1].boundary > judge(fixed, early, final=True).analyses[-1].boundary


def test_a_large_difference_is_found_and_stays_found(whole: History, noisy_test: MakeTest) -> None:
    history = noisy_test(3, 336, (1.0, 3.0, 1.0, 1.0))
    design = replace(PLAN, planned_spend_per_variant=3360.0)
    first = replay(design, history)
    assert (first.kind, first.winner) == (Kind.WINNER, "b")
    assert judge(design, history).winner == "b"


def test_the_verdict_says_that_money_was_moved(whole: History) -> None:
    verdict = judge(PLAN, whole, final=True)
    assert "money_moved" in verdict.caveats
    assert any("Money was moved" in each for each in sentences(verdict))
    assert "each pair" in method_note(verdict)


def test_shares_that_were_moved_are_not_off_plan(whole: History) -> None:
    assert "spend_share_off_plan" not in {each.code for each in judge(PLAN, whole[:300]).diagnostics}


def test_shares_are_compared_with_the_plan_that_is_given(whole: History) -> None:
    last = whole[299].figures
    total = sum(each.spend for each in last)
    as_spent = tuple(each.spend / total for each in last)
    shifted = (as_spent[0] + 0.1, as_spent[1] - 0.1, *as_spent[2:])

    def off_plan(shares: tuple[float, ...]) -> bool:
        verdict = replay(PLAN, whole[:300], planned_shares=shares)
        return "spend_share_off_plan" in {each.code for each in verdict.diagnostics}

    assert (off_plan(as_spent), off_plan(shifted)) == (False, True)


def test_people_shared_by_all_variants_are_a_caveat(whole: History) -> None:
    shared = judge(replace(PLAN, same_people=True), whole[:100])
    assert "same_people" in shared.caveats
    assert any("same people" in each for each in sentences(shared))


def test_what_a_design_does_not_ask_for_leaves_its_digest_alone() -> None:
    plain = replace(PLAN, adaptive=False)
    assert "adaptive" not in plain.to_dict()
    assert Design.from_dict(json.loads(PLAN.to_json())) == PLAN
    assert Design.from_dict(json.loads(plain.to_json())) == plain


@pytest.mark.parametrize("changes", [{"variants": ("a", "b")}, {"open_ended": True}, {"futility": True}])
def test_a_design_that_cannot_be_judged_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Money is moved only"):
        replace(PLAN, **changes)  # type: ignore[arg-type]  # one of the fields named above


def false_winners(rates: tuple[float, ...], replicates: int) -> int:
    best = {name for name, rate in zip(FOUR, rates, strict=True) if math.isclose(rate, max(rates))}
    named = []
    for seed in range(replicates):
        history = Moving(rates, seed).history(24 * DAYS + COOL_DOWN)
        verdict = replay(PLAN, history, final=True, detailed=False)
        named.append(verdict.winner is not None and (len(best) > 1 or verdict.winner not in best))
    return sum(named)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_equally_good_of_four_rarely_produce_a_winner() -> None:
    # 5 % of 60 is 3; more than 9 has a probability of less than one in a thousand (of 120: more than 14).
    assert false_winners((1.0, 1.0, 0.7, 0.7), sized(60, 120)) <= sized(9, 14)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_four_equal_variants_hardly_ever_produce_a_winner() -> None:
    assert false_winners((1.0, 1.0, 1.0, 1.0), sized(30, 60)) <= sized(3, 4)
