"""Verdict: the engine's answer as a frozen value with one exact JSON form.

Floats are kept to nine significant digits, so that the same stored snapshots give the same bytes on any
machine.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from types import MappingProxyType
from typing import Any, Self

from autopublisher.domain.evidence.planning import ProofCost
from autopublisher.domain.evidence.rules import ENDING_KINDS, Kind

VERSION = "4"
_DIGITS = 9
_CHANCE_DECIMALS = 12


@dataclass(frozen=True)
class VariantResult:
    """One variant's totals, rate and chances.

    Attributes:
        roas: revenue per unit of spend; cpa, ctr, cvr, cpc likewise; None where the denominator is zero.
        rate: events per matured exposure of the criterion; None before any exposure has matured.
        rate_low: lower end of its range, at the analysis's critical value; rate_high likewise.
        p_best: posterior chance of being best among active variants; None for a stopped one.
        expected_loss: expected relative shortfall against the best if this one is chosen.
    """

    name: str
    active: bool
    spend: float
    impressions: float
    clicks: float
    conversions: float
    revenue: float
    engagements: float
    roas: float | None
    cpa: float | None
    ctr: float | None
    cvr: float | None
    cpc: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    p_best: float | None
    expected_loss: float | None


@dataclass(frozen=True)
class PairResult:
    """`first` over `second`: z, ratio of rates and its repeated range (high None: no upper limit)."""

    first: str
    second: str
    statistic: float
    ratio: float | None
    low: float
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """The leader over `against`, its nearest rival.

    `raw` is what was seen, `shrunk` what to expect (the one to show first), low and high the repeated range.
    """

    against: str
    raw: float | None
    shrunk: float
    low: float
    high: float | None


@dataclass(frozen=True)
class InterimAnalysis:
    """One analysis that spent error: its number, hour, clock and the bound a winner had to exceed."""

    index: int
    hour: float
    share: float
    boundary: float


@dataclass(frozen=True)
class Diagnostic:
    """A finding about the data; `variant` is None when it concerns the whole test."""

    code: str
    value: float
    variant: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer at one poll.

    Attributes:
        kind: what is said.
        winner: the variant named by winner, safe_pick or best_bet; else None.
        leader: the variant most probably best, proven or not; None without events.
        eliminated: all variants proven worse so far: act on it whatever the kind.
        newly_eliminated: those of this very analysis.
        hour: hour of the latest usable snapshot.
        decided_hour: hour of the analysis that ended the test; None while it runs.
        reasons: codes for why nothing is decided (guard_hours, few_purchases, look_not_due, ...).
        share: matured spend over planned spend of the active variants, the information clock.
        mature_share: part of the exposure whose events can have been reported.
        analyses: the analyses so far.
        next_analysis_share: clock of the next analysis; 1 means the final one; None when over.
        next_analysis_hour: set before the guard has passed: no analysis is taken earlier.
        boundary: critical value of this analysis (of an analysis taken now, when none is due).
        p_best: the leader's; expected_loss likewise.
        largest_difference: for no_difference_larger_than and equivalent: bound on the relative difference.
        day_spread: arm-day standard deviation in use.
        currency: ISO code of the money figures.
        digest: SHA-256 of design, snapshots and `final`.
    """

    kind: Kind
    criterion: str
    method: str
    final: bool
    winner: str | None
    leader: str | None
    eliminated: tuple[str, ...]
    newly_eliminated: tuple[str, ...]
    hour: float
    decided_hour: float | None
    reasons: tuple[str, ...]
    share: float
    mature_share: float
    analyses: tuple[InterimAnalysis, ...]
    next_analysis_share: float | None
    next_analysis_hour: float | None
    boundary: float | None
    estimate: Estimate | None
    p_best: float | None
    expected_loss: float | None
    largest_difference: float | None
    pairs: tuple[PairResult, ...]
    variants: tuple[VariantResult, ...]
    day_spread: float | None
    cost_of_proof: tuple[ProofCost, ...]
    diagnostics: tuple[Diagnostic, ...]
    caveats: tuple[str, ...]
    alpha: float
    currency: str
    digest: str
    version: str = VERSION

    @property
    def ends_test(self) -> bool:
        """Return whether the test is over with this verdict."""
        return self.kind in ENDING_KINDS

    @property
    def analyses_taken(self) -> int:
        """Return how many analyses have been taken."""
        return len(self.analyses)

    def variant(self, name: str) -> VariantResult:
        """Return one variant's result; KeyError when there is none of that name."""
        found = {each.name: each for each in self.variants}
        return found[name]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = json.loads(self.to_json())
        return plain

    def to_json(self) -> str:
        """Return canonical JSON: sorted keys, no spaces, always the same bytes for the same verdict."""
        plain = {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Build a verdict from what `to_json` returned; TypeError or ValueError when it is not one."""
        names = {stored: name for name, stored in _STORED_NAMES.items()}
        values: dict[str, Any] = {names.get(key, key): value for key, value in json.loads(text).items()}
        for name, of in _PARTS.items():
            values[name] = tuple(of(**each) for each in values[name])
        for name in ("eliminated", "newly_eliminated", "reasons", "caveats"):
            values[name] = tuple(values[name])
        estimate = values.pop("estimate")
        kind = Kind(values.pop("kind"))
        return cls(kind=kind, estimate=None if estimate is None else Estimate(**estimate), **values)

    def tidy(self) -> Self:
        """Return the verdict with all floats rounded to nine significant digits."""
        tidied: Self = rounded(self)
        return tidied


_STORED_NAMES = {
    "analyses": "looks",
    "next_analysis_share": "next_look_share",
    "next_analysis_hour": "next_look_hour",
}
"""Fields that stored verdicts call otherwise: their bytes are proof, so they keep the name."""

_PARTS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "analyses": InterimAnalysis,
        "pairs": PairResult,
        "variants": VariantResult,
        "cost_of_proof": ProofCost,
        "diagnostics": Diagnostic,
    }
)


def settled_chance(value: float) -> float:
    """Return a chance, or a loss in shares, without what is smaller than the rounding of the sums behind it.

    Both are what two sums near 1 differ by: another order of adding, on another machine, leaves other digits below 1e-12.
    """
    settled: float = round(rounded(value), _CHANCE_DECIMALS)
    return settled


def rounded(value: Any) -> Any:
    """Return a value, its parts likewise, with floats of nine significant digits; ValueError for infinite ones."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("A verdict holds finite numbers only.")
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, tuple):
        return tuple(rounded(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{name: rounded(each) for name, each in vars(value).items()})
    return value
