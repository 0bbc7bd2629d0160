"""Design of a test: everything agreed before it began that a verdict depends on besides the data."""

import json
import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from autopublisher.domain.evidence.criteria import MEASURES, Criterion, Measure
from autopublisher.domain.evidence.delay import ReportingDelay

FEWEST_VARIANTS, MOST_VARIANTS = 2, 10
FEWEST_ADAPTIVE_VARIANTS = 3
_POLL_JITTER = 0.99
_STORED_ANALYSIS_COUNT = "look_count"
"""What stored designs call `analysis_count`; digests are taken over it."""
_UNNAMED = frozenset({"adaptive", "same_people"})


class Mode(StrEnum):
    """Prove a winner at the stated error, decide on expected loss without calling it proof, or on what money is worth."""

    PROVE = "prove"
    DECIDE = "decide"
    MONEY = "money"


@dataclass(frozen=True)
class Design:
    """The frozen plan of one test.

    Attributes:
        variants: 2 to 10 distinct ids, in the order of every snapshot's figures.
        planned_spend_per_variant: major currency units.
        planned_hours: delivery time.
        criterion: what "better" means.
        alpha: two-sided chance of naming a winner when there is none.
        mode: whether "best bet" may end the test.
        same_offer: all variants sell the same thing at the same price (allows pooling of basket values).
        randomised: people were split at random between variants (an ad study), not by delivery.
        cooldown_hours: wait without spend for late purchases before the final analysis.
        guard_hours: no verdict before this much delivery (or the planned test, if shorter).
        min_purchases: events a pair of variants needs together before it is compared.
        min_spend_threshold: spend each variant needs before it is compared, major units.
        currency: ISO code, for wording.
        analysis_count: analyses planned, evenly spread over matured spend; the last comes after the cool-down.
        loss_threshold: expected relative loss below which a best bet is good enough.
        equivalence_margin: ratio within 1 +/- this is "the same".
        safe_margin: when set, "best or at most this much worse" may be claimed.
        planned_lift: relative lift the test was planned to find.
        stop_losers: proven losers may be stopped early (three variants or more).
        open_ended: no planned end: bounds hold however long the test goes on (method A), sharpest at the planned spend.
        futility: give up when the planned lift can hardly be proven any more.
        poll_hours: planned time between polls; None takes the median seen.
        block_hours: smallest time unit of the analysis.
        day_spread: prior s.d. of a variant's day effect; None takes the criterion's.
        day_spread_doubt: prior s.d. of its square; None takes the criterion's.
        prior_spread: prior s.d. of log rates between variants.
        delay: reporting delay of purchases.
        adaptive: money is moved between variants while the test runs, so that each pair has a clock of its own (method R).
        same_people: all variants are offered to the same people.
    """

    variants: tuple[str, ...]
    planned_spend_per_variant: float
    planned_hours: float
    criterion: Criterion = Criterion.ROAS
    alpha: float = 0.05
    mode: Mode = Mode.PROVE
    same_offer: bool = False
    randomised: bool = False
    cooldown_hours: float = 72.0
    guard_hours: float = 72.0
    min_purchases: int = 20
    min_spend_threshold: float = 0.0
    currency: str = "EUR"
    analysis_count: int = 20
    loss_threshold: float = 0.01
    equivalence_margin: float = 0.10
    safe_margin: float | None = None
    planned_lift: float = 0.30
    stop_losers: bool = True
    open_ended: bool = False
    futility: bool = False
    poll_hours: float | None = None
    block_hours: float = 1.0
    day_spread: float | None = None
    day_spread_doubt: float | None = None
    prior_spread: float = 0.20
    delay: ReportingDelay = field(default_factory=ReportingDelay)
    adaptive: bool = False
    same_people: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "variants", tuple(self.variants))
        object.__setattr__(self, "criterion", Criterion(self.criterion))
        object.__setattr__(self, "mode", Mode(self.mode))
        self._check_variants()
        self._check_numbers()

    def _check_variants(self) -> None:
        if not FEWEST_VARIANTS <= len(self.variants) <= MOST_VARIANTS:
            raise ValueError(f"A test has 2 to {MOST_VARIANTS} variants, not {len(self.variants)}.")
        if len(set(self.variants)) != len(self.variants):
            raise ValueError("Variant ids must be distinct.")

    def _check_numbers(self) -> None:
        if not (self.planned_spend_per_variant > 0 and self.planned_hours > 0):
            raise ValueError("Planned spend and planned hours must be positive.")
        if not 0 < self.alpha < 1:
            raise ValueError("alpha lies between 0 and 1.")
        if self.analysis_count < 1 or self.block_hours <= 0 or self.prior_spread <= 0:
            raise ValueError("analysis_count, block_hours and prior_spread must be positive.")
        if self.adaptive and (
            len(self.variants) < FEWEST_ADAPTIVE_VARIANTS or self.open_ended or self.futility
        ):
            raise ValueError(
                f"Money is moved only with {FEWEST_ADAPTIVE_VARIANTS} variants or more and a planned end."
            )

    @property
    def measure(self) -> Measure:
        """Return how the criterion is read from the counters."""
        return MEASURES[self.criterion]

    @property
    def event_delay(self) -> ReportingDelay | None:
        """Return the reporting delay of the criterion's events, None when they are seen at once."""
        return self.delay if self.measure.delayed else None

    @property
    def guard(self) -> float:
        """Return the hours of delivery before any verdict."""
        return min(self.guard_hours, self.planned_hours)

    def past_guard(self, hour: float) -> bool:
        """Return whether a verdict may be given at `hour` (polls come with a little jitter)."""
        return hour >= _POLL_JITTER * self.guard

    @property
    def settled_hour(self) -> float:
        """Return the hour from which the final analysis may be taken (clicks need no cool-down)."""
        return self.planned_hours + (self.cooldown_hours if self.measure.delayed else 0.0)

    @property
    def planned_days(self) -> float:
        """Return the planned delivery in days, at least one."""
        return max(self.planned_hours / 24.0, 1.0)

    @property
    def pools_baskets(self) -> bool:
        """Return whether basket values are pooled between variants (method E instead of B)."""
        return self.same_offer and self.criterion in (Criterion.ROAS, Criterion.REVENUE)

    @property
    def method(self) -> str:
        """Return the method's letter: B, E with pooled baskets, A for an open end, R for moved money (AE, RE with both)."""
        if self.adaptive:
            return "RE" if self.pools_baskets else "R"
        if not self.open_ended:
            return "E" if self.pools_baskets else "B"
        return "AE" if self.pools_baskets else "A"

    @property
    def last_step(self) -> float:
        """Return the number of analyses taken before the final one at most; infinite for an open end."""
        return math.inf if self.open_ended or self.adaptive else self.analysis_count - 1

    def step(self, share: float) -> int:
        """Return the number of analyses due by `share` of the clock; the last planned one is only taken as final."""
        return int(min(share * self.analysis_count + 1e-9, self.last_step))

    @property
    def day_variance(self) -> float:
        """Return the prior mean of the arm-day variance."""
        spread = self.measure.day_spread if self.day_spread is None else self.day_spread
        return spread**2

    @property
    def day_variance_doubt(self) -> float:
        """Return the prior standard deviation of the arm-day variance."""
        return self.measure.day_spread_doubt if self.day_spread_doubt is None else self.day_spread_doubt

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = asdict(self) | {"variants": list(self.variants)}
        plain[_STORED_ANALYSIS_COUNT] = plain.pop("analysis_count")
        # What a design does not ask for leaves no trace, so that the digests of older verdicts hold.
        return {name: value for name, value in plain.items() if value is not False or name not in _UNNAMED}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a design from what `to_dict` returned; ValueError or TypeError when it is not one."""
        plain = dict(values)
        if _STORED_ANALYSIS_COUNT in plain:
            plain["analysis_count"] = plain.pop(_STORED_ANALYSIS_COUNT)
        delay = ReportingDelay(**plain.pop("delay", {}))
        return cls(delay=delay, **plain)

    def to_json(self) -> str:
        """Return canonical JSON."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
