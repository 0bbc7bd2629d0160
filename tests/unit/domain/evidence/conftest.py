"""Simulated tests for the decision engine: even ones without any noise, and noisy ones from a seeded generator."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autopublisher.domain.evidence import Design, Figures, Snapshot

History = tuple[Snapshot, ...]
MakeTest = Callable[..., History]


def _history(cumulative: Sequence[Sequence[Sequence[float]]]) -> History:
    return tuple(
        Snapshot(float(hour + 1), tuple(Figures(*row) for row in rows))
        for hour, rows in enumerate(cumulative)
    )


@pytest.fixture
def even_test() -> MakeTest:
    """Return a maker of perfectly even histories: one purchase count per variant and hour, no noise, no delay."""

    def make(hours: int, purchases: Sequence[float], *, spend: float = 10.0, basket: float = 50.0) -> History:
        rows = [
            [(spend * t, 1000 * t, 20 * t, count * t, basket * count * t, 0.0) for count in purchases]
            for t in range(1, hours + 1)
        ]
        return _history(rows)

    return make


@pytest.fixture
def noisy_test() -> MakeTest:
    """Return a maker of random histories with arm-hour and arm-day noise, log-normal baskets and late reports."""

    def make(
        seed: int, hours: int, purchases: Sequence[float], *, cooldown: int = 72, day: float = 0.08
    ) -> History:
        rng = np.random.default_rng(seed)
        arms, days = len(purchases), -(-hours // 24)
        noise = rng.gamma(1 / day**2, day**2, (days, arms))[np.arange(hours) // 24]
        noise = noise * rng.gamma(1 / 0.3**2, 0.3**2, (hours, arms))
        bought = rng.poisson(np.array(purchases) * noise)
        figures = np.zeros((hours + cooldown, arms, 6))
        figures[:hours] += np.array([10.0, 1000.0, 20.0, 0.0, 0.0, 0.0])
        hour, arm = np.nonzero(bought)
        times = bought[hour, arm]
        hour, arm = np.repeat(hour, times), np.repeat(arm, times)
        late = np.where(rng.random(len(hour)) < 0.5, rng.lognormal(np.log(10.0), 1.5, len(hour)), 0.0)
        seen = (hour + rng.random(len(hour)) + late).astype(int)
        inside = seen < len(figures)
        np.add.at(figures[:, :, 3], (seen[inside], arm[inside]), 1)
        np.add.at(figures[:, :, 4], (seen[inside], arm[inside]), rng.lognormal(4.0, 0.9, int(inside.sum())))
        return _history(figures.cumsum(axis=0).tolist())

    return make


@pytest.fixture
def two_weeks() -> Design:
    """Return the design of a two-week test of two variants."""
    return Design(variants=("a", "b"), planned_spend_per_variant=3360.0, planned_hours=336.0)


@pytest.fixture
def one_day() -> Design:
    """Return the design of a 24-hour test of two variants."""
    return Design(variants=("a", "b"), planned_spend_per_variant=240.0, planned_hours=24.0)
