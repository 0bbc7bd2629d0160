"""The final budget: scaled, under every cap, at least Meta's minimum, and never more than what is left."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autopublisher.domain.amounts import Money
from autopublisher.domain.money.exposure import Reservation, calendar_of, last_day
from autopublisher.domain.money.limits import Breach, Limits, Scope, first_breach
from autopublisher.domain.request.request import RunRequest
from autopublisher.domain.runs.optimizer import (
    LONGEST_DAYS,
    Arm,
    BudgetMessage,
    FinalBudget,
    NoBudget,
    Room,
    base_daily,
    final_budget,
    fitted_budget,
    in_place_budget,
)
from support.wording import english
from unit.domain.samples import NOW, asked


def euro(amount: str) -> Money:
    return Money.from_major(Decimal(amount), "EUR")


ROOM = Room(euro("400"), euro("40"), euro("100"))


def budget_of(
    left: str = "400",
    least: str = "40",
    cap: str = "100",
    request: RunRequest | None = None,
) -> FinalBudget:
    found = final_budget(request or asked(), Room(euro(left), euro(least), euro(cap)), NOW)
    assert isinstance(found, FinalBudget)
    return found


def test_the_winners_daily_budget_is_scaled_and_ends_when_the_rest_is_spent() -> None:
    budget = budget_of()
    assert (budget.daily, budget.spend_cap, budget.total) == (euro("100"), euro("400"), euro("400"))
    assert budget.ends_at - budget.starts_at == timedelta(days=4)
    assert english(budget.why) == "scaling_factor 2.0"


@pytest.mark.parametrize(("hours", "daily"), [(1, "50"), (24, "50"), (48, "25"), (168, "7.14")])
def test_scaling_starts_from_what_a_variant_spent_a_day(hours: int, daily: str) -> None:
    assert base_daily(asked(test={"test_duration_hours": hours}), "EUR") == euro(daily)


def test_scaling_starts_from_the_daily_budget_that_was_asked_for() -> None:
    assert base_daily(asked(budget={"daily_budget": Decimal("33.33")}), "EUR") == euro("33.33")


def test_the_most_a_day_caps_scaling() -> None:
    budget = budget_of(request=asked(budget={"max_daily_budget": Decimal(60)}))
    assert (budget.daily, english(budget.why)) == (euro("60"), "max_daily_budget")


def test_metas_minimum_lifts_a_daily_budget_that_is_too_small() -> None:
    budget = budget_of(request=asked(budget={"daily_budget": Decimal(10), "scaling_factor": Decimal(1)}))
    assert (budget.daily, english(budget.why)) == (euro("40"), "Meta's minimum daily budget")


def test_less_than_a_days_minimum_is_nothing_to_publish_with() -> None:
    found = final_budget(asked(), Room(euro("39.99"), euro("40"), euro("100")), NOW)
    assert found == NoBudget(BudgetMessage.TOO_LITTLE_LEFT(left=euro("39.99"), least=euro("40")))


def test_a_most_below_metas_minimum_is_not_overruled() -> None:
    request = asked(budget={"max_daily_budget": Decimal(30)})
    found = final_budget(request, ROOM, NOW)
    assert isinstance(found, NoBudget)
    assert "max_daily_budget is 30.00 EUR" in english(found.reason)


def test_below_metas_smallest_cap_the_rest_becomes_a_lifetime_budget() -> None:
    budget = budget_of(left="99.99", request=asked(budget={"scaling_factor": Decimal(1)}))
    assert (budget.daily, budget.spend_cap, budget.total) == (None, None, euro("99.99"))


def test_a_rest_for_a_single_day_becomes_a_lifetime_budget() -> None:
    budget = budget_of(left="100", cap="0")
    assert budget.daily is None
    assert budget.ends_at - budget.starts_at == timedelta(days=1)


def test_a_lifetime_budget_lasts_no_more_days_than_metas_minimum_allows() -> None:
    budget = budget_of(left="60", request=asked(budget={"scaling_factor": Decimal(1)}))
    assert budget.ends_at - budget.starts_at == timedelta(days=1)


def test_a_lifetime_budget_keeps_to_the_most_a_day() -> None:
    budget = budget_of(left="60", request=asked(budget={"max_daily_budget": Decimal(50)}))
    assert budget.total == euro("50")


def test_a_campaign_never_runs_for_more_than_a_year() -> None:
    budget = budget_of(left="100000", request=asked(budget={"max_daily_budget": Decimal(50)}))
    assert budget.ends_at - budget.starts_at == timedelta(days=LONGEST_DAYS)


MONEY = st.integers(1, 10**8).map(lambda minor: Money(minor, "EUR"))
FACTORS = st.decimals(min_value=1, max_value=10, places=2)
DAILY = st.none() | st.decimals(min_value=Decimal("0.01"), max_value=10**4, places=2)


@given(MONEY, MONEY, MONEY, FACTORS, DAILY, DAILY)
def test_no_final_budget_exceeds_what_is_left_or_undercuts_metas_minimum(  # noqa: PLR0917 - hypothesis' arguments
    left: Money,
    least: Money,
    cap: Money,
    factor: Decimal,
    daily: Decimal | None,
    most: Decimal | None,
) -> None:
    request = asked(budget={"scaling_factor": factor, "daily_budget": daily, "max_daily_budget": most})
    budget = final_budget(request, Room(left, least, cap), NOW)
    assume(isinstance(budget, FinalBudget))
    assert isinstance(budget, FinalBudget)
    days = (budget.ends_at - budget.starts_at).days
    assert 1 <= days <= LONGEST_DAYS
    assert budget.total <= left
    a_day = budget.total.minor / days if budget.daily is None else budget.daily.minor
    assert a_day >= least.minor
    if most is not None:
        assert a_day <= Money.from_major(most, "EUR").minor


@given(MONEY, MONEY, MONEY, FACTORS)
def test_without_a_cap_of_the_customers_the_whole_rest_can_be_spent_in_time(
    left: Money, least: Money, cap: Money, factor: Decimal
) -> None:
    budget = final_budget(asked(budget={"scaling_factor": factor}), Room(left, least, cap), NOW)
    assume(isinstance(budget, FinalBudget))
    assert isinstance(budget, FinalBudget)
    assert budget.total == left
    days = (budget.ends_at - budget.starts_at).days
    if budget.daily is not None:
        assert budget.spend_cap == left
        assert budget.daily.minor * days >= left.minor or days == LONGEST_DAYS


# --- within the spend limits ----------------------------------------------------------------------


def scaled(room: Room) -> FinalBudget | NoBudget:
    return final_budget(asked(), room, NOW)


def breach_under(limits: Limits, taken: int = 0) -> Callable[[FinalBudget], Breach | None]:
    """Return the limits' judgement of a budget, with ``taken`` spoken for on the day it begins."""

    def breach_of(budget: FinalBudget) -> Breach | None:
        first, last = budget.starts_at.date(), last_day(budget.ends_at)
        daily = None if budget.daily is None else budget.daily.minor
        before = [Reservation("other", taken, first, first)]
        after = [*before, Reservation("final", budget.total.minor, first, last, daily)]
        return first_breach(Scope.ACCOUNT, limits, "EUR", calendar_of(before), calendar_of(after))

    return breach_of


def test_without_a_limit_the_budget_is_what_scaling_makes_it() -> None:
    assert fitted_budget(scaled, ROOM, breach_under(Limits())) == final_budget(asked(), ROOM, NOW)


def test_a_daily_budget_is_lowered_until_its_stretched_day_fits_and_lasts_longer() -> None:
    budget = fitted_budget(scaled, ROOM, breach_under(Limits(daily=9000)))
    assert isinstance(budget, FinalBudget)
    assert (budget.daily, budget.total, english(budget.why)) == (
        Money(5142, "EUR"),
        euro("400"),
        "the spend limits",
    )
    assert (budget.ends_at - budget.starts_at).days == 8


def test_what_others_take_is_not_there_for_the_winner() -> None:
    budget = fitted_budget(scaled, ROOM, breach_under(Limits(daily=19_000), taken=10_000))
    assert isinstance(budget, FinalBudget)
    assert budget.daily == Money(5142, "EUR")


def test_a_lifetime_budget_is_cut_because_one_day_could_spend_it_whole() -> None:
    room = Room(euro("60"), euro("40"), euro("100"))
    budget = fitted_budget(scaled, room, breach_under(Limits(daily=5000)))
    assert isinstance(budget, FinalBudget)
    assert (budget.daily, budget.total) == (None, euro("50"))


def test_where_not_even_metas_minimum_fits_the_limit_is_named() -> None:
    found = fitted_budget(scaled, ROOM, breach_under(Limits(daily=6999)))
    assert isinstance(found, Breach)
    assert found.limit == euro("69.99")


@given(MONEY, MONEY, MONEY, st.integers(1, 10**8), st.integers(1, 10**9), st.integers(0, 10**7))
def test_whatever_is_published_breaks_no_limit(  # noqa: PLR0917 - hypothesis' arguments
    left: Money, least: Money, cap: Money, daily: int, monthly: int, taken: int
) -> None:
    breach_of = breach_under(Limits(daily, monthly), taken)
    budget = fitted_budget(scaled, Room(left, least, cap), breach_of)
    assert not isinstance(budget, FinalBudget) or breach_of(budget) is None


def arm(before: int = 5000, days: int = 4, letter: str = "B") -> Arm:
    return Arm(letter, Money(before, "EUR"), Money(before, "EUR"), NOW - timedelta(days=days))


@given(MONEY, MONEY, st.integers(0, 10**8), st.integers(0, 40))
def test_an_arm_goes_on_within_what_is_left_and_above_metas_minimum_for_each_day(
    left: Money, least: Money, before: int, gone: int
) -> None:
    budget = in_place_budget(asked(), Room(left, least, euro("100")), [arm(before, gone)], NOW)
    if isinstance(budget, NoBudget):
        assert left < least or left.minor + before < (gone + 1) * least.minor
        return
    days = (budget.ends_at - budget.starts_at).days
    assert (budget.daily, budget.spend_cap) == (None, None)
    assert budget.total <= left
    assert budget.arms[0].lifetime.minor == budget.total.minor + before
    assert days >= 1
    assert budget.arms[0].lifetime.minor >= (days + gone) * least.minor


@given(MONEY, MONEY, st.lists(st.integers(0, 10**8), min_size=1, max_size=8), st.integers(0, 40))
def test_all_that_are_kept_have_equal_parts_of_what_is_left_and_metas_minimum_each(
    left: Money, least: Money, befores: list[int], gone: int
) -> None:
    arms = [arm(before, gone, letter) for before, letter in zip(befores, "ABCDEFGH", strict=False)]
    budget = in_place_budget(asked(), Room(left, least, euro("100")), arms, NOW)
    each = left.minor // len(arms)
    if isinstance(budget, NoBudget):
        assert each < least.minor or each + min(befores) < (gone + 1) * least.minor
        return
    days = (budget.ends_at - budget.starts_at).days
    assert {part.total.minor for part in budget.arms} == {each}
    assert budget.total.minor == each * len(arms) <= left.minor
    assert [(part.letter, part.before.minor) for part in budget.arms] == [
        (one.letter, one.before.minor) for one in arms
    ]
    assert all(part.lifetime.minor >= (days + gone) * least.minor for part in budget.arms)


def test_together_they_stay_below_the_most_a_day_and_without_any_there_is_no_budget() -> None:
    capped = asked(budget={"max_daily_budget": Decimal(110)})
    budget = in_place_budget(capped, ROOM, [arm(days=1, letter="A"), arm(days=1, letter="B")], NOW)
    assert isinstance(budget, FinalBudget)
    days = (budget.ends_at - budget.starts_at).days
    assert budget.total <= euro("110").times(days)
    none = in_place_budget(asked(), ROOM, [], NOW)
    assert isinstance(none, NoBudget)
    assert none.reason.code == "budget.no_arm_left"


def test_an_arm_goes_on_at_the_pace_of_its_test_and_below_the_most_a_day() -> None:
    budget = in_place_budget(asked(), ROOM, [arm()], NOW)
    assert isinstance(budget, FinalBudget)
    assert (budget.total, budget.arms[0].lifetime) == (euro("400"), euro("450"))
    assert (
        budget.ends_at - budget.starts_at
    ).days == 7  # of 450 at least 40 for each of 11 days, 4 of which are gone
    early = in_place_budget(asked(), ROOM, [arm(days=1)], NOW)
    assert isinstance(early, FinalBudget)
    assert (early.ends_at - early.starts_at).days == 8
    slower = asked(budget={"max_daily_budget": Decimal(55)})
    late = in_place_budget(slower, ROOM, [arm()], NOW)
    assert isinstance(late, NoBudget)  # 7 days at 55 and the 50 of the test are less than 11 at 40
    assert late.reason.code == "budget.in_place_too_late"
    soon = in_place_budget(slower, ROOM, [arm(days=2)], NOW)
    assert isinstance(soon, FinalBudget)
    assert (soon.total, (soon.ends_at - soon.starts_at).days) == (euro("400"), 8)
