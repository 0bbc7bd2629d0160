"""How often equal variants produce a winner, polled every hour: a fast version of the benchmark."""

from collections.abc import Callable

import pytest

from autopublisher.domain.evidence import Design, Kind, Snapshot, replay

pytestmark = pytest.mark.slow  # hundreds of tests judged

MakeTest = Callable[..., tuple[Snapshot, ...]]
REPLICATES = 150
# 5 % of 150 is 7.5; a calibrated engine exceeds 16 with a probability of about one in a thousand.
MOST_FALSE_WINNERS = 16


@pytest.mark.parametrize("purchases_per_hour", [0.3, 3.0])
def test_equal_variants_rarely_produce_a_winner_however_often_one_analyses(
    purchases_per_hour: float, noisy_test: MakeTest
) -> None:
    design = Design(("a", "b"), 1200.0, 120.0)
    named = sum(
        replay(design, noisy_test(seed, 120, (purchases_per_hour,) * 2, cooldown=24), final=True).kind
        is Kind.WINNER
        for seed in range(REPLICATES)
    )
    assert named <= MOST_FALSE_WINNERS


def test_a_real_difference_of_half_is_mostly_found(noisy_test: MakeTest) -> None:
    design = Design(("a", "b"), 2400.0, 240.0)
    found = sum(
        replay(design, noisy_test(seed, 240, (2.5, 3.75)), final=True).winner == "b" for seed in range(25)
    )
    assert found >= 16
