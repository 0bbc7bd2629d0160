"""How late Meta has listed new objects is kept for good: the longest that was seen, in every kind of database."""

from datetime import datetime, timedelta

from autopublisher.ports.repositories import OpenUnitOfWork


def test_where_nothing_was_seen_the_lag_is_nothing(open_unit: OpenUnitOfWork) -> None:
    with open_unit() as unit:
        assert unit.listing_lags.longest() == timedelta(0)


def test_the_longest_lag_is_kept(open_unit: OpenUnitOfWork, now: datetime) -> None:
    for number, minutes in enumerate((5, 20, 7)):
        with open_unit() as unit:
            unit.listing_lags.note(timedelta(minutes=minutes), now + timedelta(hours=number))
            unit.commit()
    with open_unit() as unit:
        assert unit.listing_lags.longest() == timedelta(minutes=20)


def test_two_lags_seen_at_one_moment_leave_the_longer(open_unit: OpenUnitOfWork, now: datetime) -> None:
    with open_unit() as unit:
        unit.listing_lags.note(timedelta(minutes=5), now)
        unit.listing_lags.note(timedelta(minutes=6), now)
        unit.commit()
    with open_unit() as unit:
        assert unit.listing_lags.longest() == timedelta(minutes=6)
