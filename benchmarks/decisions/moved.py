"""Rivals that move money while they learn, many tests at once: Thompson sampling each day, and delivery as Meta's.

They meet the same variants as the other rules, but draws of their own, for what is delivered depends on what they do.
"""

import numpy as np
from benchmarks.decisions.cells import Array, Cell, Effects

HOURS = 24
_CLICKS_PER_PURCHASE = 20.0
_DAY, _CLICK_DAY, _HOUR, _SEASON = 0.08, 0.04, 0.30, 0.20
_LATE = ((0, 0.5), (2, 0.09), (7, 0.16), (36, 0.19), (100, 0.06))
"""Hours after which a purchase is reported and the part that is, as the market's delays in five steps."""
_VALUE_DISPERSION = 1.25
_BELIEVED_SPREAD = 0.2
_DRAWS = 200
_LEARNED_AFTER, _GREEDY = 6, 0.9
_PSEUDO_PURCHASES = 5.0


def money_moved(cell: Cell, effects: Effects, rule: str, seed: int) -> Array:
    """Return each variant's share of the budget, shape (tests, variants), after rule ``thompson`` or ``greedy``.

    The effects are of the same shape.
    """
    rng = np.random.default_rng(
        [seed, cell.variants, round(cell.purchases), round(100 * cell.spread), cell.days]
    )
    shape, hours = effects.clicks.shape, HOURS * cell.days
    seen, worth, clicked, delivered = (np.zeros(shape) for _ in range(4))
    coming = np.zeros((hours + 1 + _LATE[-1][0], *shape))
    share, spent = np.full(shape, 1 / cell.variants), np.zeros(shape)
    for hour in range(hours):
        if hour % HOURS == 0:
            season = _gamma(rng, _SEASON, (shape[0], 1))
            of_clicks, of_sales = _gamma(rng, _CLICK_DAY, shape), _gamma(rng, _DAY, shape)
        if rule == "greedy" and hour >= _LEARNED_AFTER:
            share = _greedily(clicked, seen, delivered)
        elif rule == "thompson" and hour and hour % HOURS == 0:
            share = _sampled(rng, seen, worth, delivered)
        bought = cell.purchases / hours * share * season
        tempted = of_clicks * np.exp(effects.clicks)
        clicked += rng.poisson(_CLICKS_PER_PURCHASE * bought / season * tempted * _gamma(rng, 0.15, shape))
        mean = bought * tempted * of_sales * np.exp(effects.sales) * _gamma(rng, _HOUR, shape)
        for lag, part in _LATE:
            coming[hour + lag] += rng.poisson(part * mean)
        seen += coming[hour]
        paid = rng.gamma(np.maximum(coming[hour], 1e-9) / _VALUE_DISPERSION, _VALUE_DISPERSION)
        worth += np.where(coming[hour] > 0, paid, 0.0) * np.exp(effects.baskets)
        delivered += share
        spent += share / hours
    return spent


def _sampled(rng: np.random.Generator, seen: Array, worth: Array, delivered: Array) -> Array:
    """Return the chances of being best, each being log-normal about what it has earned, shrunk to the others' mean."""
    rate = worth.sum(axis=1, keepdims=True) / delivered.sum(axis=1, keepdims=True)
    value = np.where(seen.sum(axis=1) > 0, worth.sum(axis=1) / np.maximum(seen.sum(axis=1), 1), 1.0)[:, None]
    level = np.log((worth + value / 2) / (delivered * rate + value / 2))
    doubt = (1 + _VALUE_DISPERSION) / (seen + 0.5)
    keep = _BELIEVED_SPREAD**2 / (_BELIEVED_SPREAD**2 + doubt)
    draws = keep * level + np.sqrt(keep * doubt) * rng.standard_normal((_DRAWS, *seen.shape))
    best = draws.argmax(axis=2)
    return np.stack([(best == arm).mean(axis=0) for arm in range(seen.shape[1])], axis=1)


def _greedily(clicked: Array, seen: Array, delivered: Array) -> Array:
    """Return nine tenths for the highest clicks per delivery times smoothed purchases per click, the rest evenly."""
    common = (seen.sum(axis=1, keepdims=True) + 1) / (clicked.sum(axis=1, keepdims=True) + 1)
    buying = (seen + _PSEUDO_PURCHASES) / (clicked + _PSEUDO_PURCHASES / common)
    score = clicked / np.maximum(delivered, 1e-9) * buying
    share = np.full(seen.shape, (1 - _GREEDY) / seen.shape[1])
    share[np.arange(len(share)), score.argmax(axis=1)] += _GREEDY
    return share


def _gamma(rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> Array:
    return rng.gamma(1 / spread**2, spread**2, shape)
