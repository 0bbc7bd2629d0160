"""The worst an ad set can do on a day and in a month: no schedule Meta may choose spends more than what was computed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopublisher.domain.money.exposure import DAY_STRETCH, Calendar, Reservation, calendar_of, month_of

MONDAY = date(2026, 11, 23)


def lifetime(most: int, first: date = MONDAY, days: int = 1) -> Reservation:
    return Reservation("test/a/adset", most, first, first + timedelta(days=days - 1))


def daily(most: int, budget: int, days: int, first: date = MONDAY) -> Reservation:
    return Reservation("final/adset", most, first, first + timedelta(days=days - 1), budget)


RESERVATIONS = st.builds(
    lambda most, first, days, budget: Reservation(
        "key", most, first, first + timedelta(days=days - 1), None if budget is None else budget
    ),
    most=st.integers(0, 100_000),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    days=st.integers(1, 80),
    budget=st.none() | st.integers(1, 5_000),
)


def worst_schedule(reservation: Reservation, days: Sequence[date]) -> Counter[date]:
    """Spend as greedily as Meta may, taking the days in the order given."""
    spent: Counter[date] = Counter()
    weeks: Counter[date] = Counter()
    for day in days:
        room = reservation.most - spent.total()
        if reservation.daily is not None:
            week = day - timedelta(days=day.isoweekday() % 7)
            room = min(room, reservation.daily * 7 // 4, 7 * reservation.daily - weeks[week])
            weeks[week] += room
        spent[day] += room
    return spent


def months_of(spent: Counter[date]) -> Counter[date]:
    months: Counter[date] = Counter()
    for day, amount in spent.items():
        months[month_of(day)] += amount
    return months


def exceeds(spent: Counter[date], allowed: Calendar) -> list[date]:
    """Return the days and months on which more was spent than was computed."""
    return [day for day in spent if spent[day] > allowed.days.get(day, 0)] + [
        month for month, sum_ in months_of(spent).items() if sum_ > allowed.months.get(month, 0)
    ]


@given(st.lists(RESERVATIONS, max_size=6), st.data())
def test_no_order_of_spending_exceeds_what_was_computed(
    reservations: list[Reservation], data: st.DataObject
) -> None:
    spent: Counter[date] = Counter()
    for one in reservations:
        spent.update(worst_schedule(one, data.draw(st.permutations(list(one.days())))))
    assert exceeds(spent, calendar_of(reservations)) == []


@given(st.lists(RESERVATIONS, max_size=5), RESERVATIONS)
def test_one_more_reservation_never_lowers_a_day_or_a_month(
    reservations: list[Reservation], more: Reservation
) -> None:
    before, after = calendar_of(reservations), calendar_of([*reservations, more])
    assert [day for day, sum_ in before.days.items() if after.days[day] < sum_] == []
    assert [month for month, sum_ in before.months.items() if after.months[month] < sum_] == []


@given(RESERVATIONS, st.integers(0, 5_000), st.integers(0, 40))
def test_a_larger_reserve_or_a_longer_schedule_never_lowers_a_day(
    reservation: Reservation, money: int, days: int
) -> None:
    larger = replace(
        reservation,
        most=reservation.most + money,
        last=reservation.last + timedelta(days=days),
        daily=None if reservation.daily is None else reservation.daily + money,
    )
    before, after = calendar_of([reservation]), calendar_of([larger])
    assert [day for day, sum_ in before.days.items() if after.days[day] < sum_] == []
    assert [month for month, sum_ in before.months.items() if after.months[month] < sum_] == []


@given(st.lists(RESERVATIONS, min_size=1, max_size=5), st.data())
def test_releasing_a_reservation_takes_away_at_most_what_it_added(
    reservations: list[Reservation], data: st.DataObject
) -> None:
    released = data.draw(st.sampled_from(range(len(reservations))))
    rest = calendar_of(one for number, one in enumerate(reservations) if number != released)
    assert min([*rest.days.values(), *rest.months.values()], default=0) >= 0
    whole, alone = calendar_of(reservations), calendar_of([reservations[released]])
    days = {day: rest.days.get(day, 0) + alone.days.get(day, 0) for day in whole.days}
    assert days == whole.days


@given(RESERVATIONS)
def test_a_reservation_never_counts_more_in_a_month_than_its_reserve(reservation: Reservation) -> None:
    assert max(reservation.by_month().values(), default=0) <= reservation.most


def test_a_lifetime_budget_can_be_spent_whole_on_each_day_it_touches() -> None:
    found = calendar_of([lifetime(5000, days=2)])
    assert found.days == {MONDAY: 5000, MONDAY + timedelta(days=1): 5000}


def test_two_arms_on_one_day_add_up() -> None:
    assert calendar_of([lifetime(5000), lifetime(5000)]).days == {MONDAY: 10_000}


def test_a_daily_budget_stretches_to_metas_documented_most() -> None:
    assert daily(100_000, 1000, days=3).worst_day == 1000 * DAY_STRETCH // 100 == 1750


def test_half_a_cent_of_stretch_counts_as_one() -> None:
    assert daily(100_000, 333, days=3).worst_day == 583


def test_a_daily_budget_never_counts_more_than_what_its_cap_leaves() -> None:
    assert daily(1200, 1000, days=3).worst_day == 1200


def test_a_week_holds_seven_daily_budgets_however_they_are_spread() -> None:
    sunday = MONDAY - timedelta(days=1)
    assert daily(100_000, 1000, days=7, first=sunday).by_month() == {date(2026, 11, 1): 7000}


def test_a_few_days_of_a_week_hold_their_stretch() -> None:
    assert daily(100_000, 1000, days=3).by_month() == {date(2026, 11, 1): 5250}


def test_a_schedule_across_months_counts_in_both() -> None:
    found = daily(100_000, 1000, days=3, first=date(2026, 11, 30)).by_month()
    assert found == {date(2026, 11, 1): 1750, date(2026, 12, 1): 3500}


def test_a_schedule_that_ends_before_it_begins_touches_no_day() -> None:
    assert calendar_of([lifetime(5000, days=0)]) == Calendar({}, {})


@pytest.mark.parametrize("stretch", [100, 125, 175])
def test_another_stretch_is_taken_as_set(stretch: int) -> None:
    assert replace(daily(100_000, 1000, days=3), stretch=stretch).worst_day == 10 * stretch
