"""What was spent by something that is in no list: the account's total less all that is known, beyond rounding."""

from decimal import Decimal

import pytest

from autopublisher.domain.errors import MetaReadError
from autopublisher.domain.runs.deleted_spend import unlisted_spend


def of(total: str, rows: list[str], known: list[str] | None = None, currency: str = "EUR") -> int:
    return unlisted_spend(
        Decimal(total), [Decimal(one) for one in rows], [Decimal(one) for one in known or []], currency
    )


def test_what_neither_rows_nor_known_deleted_objects_explain_counts_at_its_most() -> None:
    # Each of four figures may be half a cent off.
    assert of("182.50", ["60.00", "20.00"], ["50.00"]) == 5250 + 2
    assert of("1825", ["600"], currency="JPY") == 1225 + 1
    assert of("0.00", []) == 0


def test_what_rounding_explains_is_nothing() -> None:
    assert of("80.01", ["60.00", "20.00"]) == 0
    assert of("80.02", ["60.00", "20.00"]) == 4


def test_rows_above_their_total_are_not_of_one_moment() -> None:
    assert of("79.99", ["60.00", "20.00"]) == 0
    with pytest.raises(MetaReadError):
        of("75.00", ["60.00", "20.00"])


def test_known_objects_may_have_spent_what_the_total_has_not_yet() -> None:
    assert of("80.00", ["60.00"], ["25.00"]) == 0
