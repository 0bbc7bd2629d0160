"""Random but frozen tests of every sort: what the engine once said about them must not change by rewriting it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence import Criterion, Design, Figures, Mode, Snapshot, Verdict

CASES = 64
_NAMES = "abcde"
_CRITERIA = tuple(Criterion)
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FrozenCase:
    """A design with its polls, and a moment in the middle at which to ask as well."""

    design: Design
    history: tuple[Snapshot, ...]
    middle: int


def frozen_case(number: int) -> FrozenCase:
    """Return case `number`; its random stream is one that numpy has promised never to change."""
    rng = np.random.RandomState(number)
    arms, hours = 2 + number % 4, int(rng.choice([24, 60, 120, 168, 168, 336, 336]))
    design = Design(
        variants=tuple(_NAMES[:arms]),
        planned_spend_per_variant=10.0 * hours * float(rng.choice([0.8, 1.0, 1.0, 1.0, 1.3])),
        planned_hours=float(hours),
        criterion=_CRITERIA[number % len(_CRITERIA)],
        mode=Mode.DECIDE if number % 5 == 1 else Mode.PROVE,
        same_offer=number % 3 == 0,
        cooldown_hours=float(rng.choice([24, 72])),
        futility=number % 7 == 3,
        safe_margin=0.05 if number % 6 == 4 else None,
        day_spread=0.06 if number % 9 == 5 else None,
        block_hours=2.0 if number % 11 == 7 else 1.0,
    )
    totals = _totals(rng, arms, hours, hours + int(design.cooldown_hours))
    times = np.arange(1.0, len(totals) + 1)
    if number % 4 == 3:
        times = times - rng.uniform(0.0, 0.4, len(times)).round(3)
    kept = rng.uniform(size=len(times)) > float(rng.choice([0.0, 0.0, 0.0, 0.05, 0.1, 0.3]))
    kept[-1] = True
    _correct(rng, totals, number)
    history = tuple(
        Snapshot(float(hour), tuple(Figures(*row) for row in rows))
        for hour, rows in zip(times[kept], totals[kept].tolist(), strict=True)
    )
    return FrozenCase(design, history, int(len(history) * rng.uniform(0.2, 0.9)))


def _totals(rng: Any, arms: int, hours: int, polls: int) -> Array:
    days = -(-hours // 24)
    lifts = np.array([1.0, *rng.choice([1.0, 1.0, 0.8, 1.3, 1.4, 0.4], arms - 1)])
    season = rng.gamma(25, 1 / 25, days)[np.arange(hours) // 24]
    noise = rng.gamma(150, 1 / 150, (days, arms))[np.arange(hours) // 24] * rng.gamma(
        11, 1 / 11, (hours, arms)
    )
    spend = (10 * rng.gamma(30, 1 / 30, (hours, arms))).round(2)
    if rng.uniform() < 0.2:
        spend[: hours // 6, 0] = 0.0  # one variant starts late
    bought = rng.poisson(rng.choice([0.2, 1.5, 5.0]) * spend / 10 * season[:, None] * noise * lifts)
    figures = np.zeros((polls, arms, 6))
    figures[:hours, :, 0] = spend
    figures[:hours, :, 1] = rng.poisson(100 * spend)
    figures[:hours, :, 2] = rng.poisson(2 * spend * lifts)
    figures[:hours, :, 5] = rng.poisson(spend * lifts)
    hour, arm = np.nonzero(bought)
    times = bought[hour, arm]
    hour, arm = np.repeat(hour, times), np.repeat(arm, times)
    late = np.where(rng.uniform(size=len(hour)) < 0.5, rng.lognormal(np.log(10.0), 1.5, len(hour)), 0.0)
    seen = (hour + rng.uniform(size=len(hour)) + late).astype(int)
    value = rng.lognormal(4.0, 0.9, len(hour)).round(2)
    inside = seen < polls
    np.add.at(figures[:, :, 3], (seen[inside], arm[inside]), 1)
    np.add.at(figures[:, :, 4], (seen[inside], arm[inside]), value[inside])
    return np.asarray(figures.cumsum(axis=0))


def _correct(rng: Any, totals: Array, number: int) -> None:
    """Take back a little (small corrections), or once a lot (a reading to be set aside)."""
    if number % 4 == 2:
        for row in rng.randint(0, len(totals), 6):
            totals[row] *= 0.995
    if number % 8 == 5:
        totals[int(rng.randint(len(totals) // 2, len(totals) - 1))] *= 0.5


def essence(verdict: Verdict) -> dict[str, Any]:
    """Return what the engine itself decides of a verdict: no wording, no costs, no diagnostics, no digest."""
    plain = verdict.to_dict()
    for name in (
        "diagnostics",
        "caveats",
        "cost_of_proof",
        "digest",
        "version",
        "currency",
        "alpha",
        "criterion",
    ):
        del plain[name]
    plain["variants"] = [
        [each[name] for name in ("active", "rate", "rate_low", "rate_high", "p_best", "expected_loss")]
        for each in plain["variants"]
    ]
    for name in ("pairs", "looks"):
        plain[name] = [list(each.values()) for each in plain[name]]
    return plain
