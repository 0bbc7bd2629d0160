"""Observations: cumulative figures per variant, as the ad platform reported them at one moment."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import Figure
from autopublisher.domain.evidence.design import Design

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """One variant's counters since the start; money in major units.

    `engagements` are post actions other than the clicks already counted in `clicks`.
    """

    spend: float = 0.0
    impressions: float = 0.0
    clicks: float = 0.0
    conversions: float = 0.0
    revenue: float = 0.0
    engagements: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= value < math.inf for value in self.row()):
            raise ValueError("Figures must be finite and not negative.")

    def row(self) -> tuple[float, ...]:
        """Return the counters in the order of `Figure`."""
        return (
            float(self.spend),
            float(self.impressions),
            float(self.clicks),
            float(self.conversions),
            float(self.revenue),
            float(self.engagements),
        )


_ROW = attrgetter(*Figure)


@dataclass(frozen=True)
class Snapshot:
    """All variants' figures at `hour` hours after the start.

    Attributes:
        hour: hours since delivery began.
        figures: one per variant, in the design's order.
        edited: a variant was changed since the start, so its figures mix two different ads.
        cohorts: for each variant and each day since the start (24 hours each), (purchases, revenue) reported so far for
            the clicks of that day; empty when the platform's answer does not tell.
    """

    hour: float
    figures: tuple[Figures, ...]
    edited: bool = False
    cohorts: tuple[tuple[tuple[float, float], ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", tuple(self.figures))
        cohorts = tuple(tuple((float(n), float(v)) for n, v in days) for days in self.cohorts)
        object.__setattr__(self, "cohorts", cohorts)
        _check_cohorts(cohorts, len(self.figures))
        if not math.isfinite(self.hour) or self.hour < 0:
            raise ValueError("A snapshot's hour must be finite and not negative.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = {
            "hour": self.hour,
            "edited": self.edited,
            "figures": [dict(vars(each)) for each in self.figures],
        }
        return plain | ({"cohorts": self.cohorts} if self.cohorts else {})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a snapshot from what `to_dict` returned."""
        figures = tuple(Figures(**each) for each in values["figures"])
        edited, cohorts = values.get("edited", False), tuple(values.get("cohorts", ()))
        return cls(hour=values["hour"], figures=figures, edited=edited, cohorts=cohorts)


def _check_cohorts(cohorts: tuple[tuple[tuple[float, float], ...], ...], variants: int) -> None:
    if cohorts and (len(cohorts) != variants or len({len(days) for days in cohorts}) != 1):
        raise ValueError("Cohorts need the same days for every variant.")
    if not all(0 <= value < math.inf for days in cohorts for day in days for value in day):
        raise ValueError("Cohorts must be finite and not negative.")


@dataclass(frozen=True, eq=False)
class History(Sequence[Snapshot]):
    """Snapshots in order of time, kept as columns: a sequence of snapshots that need not exist one by one.

    Attributes:
        hours: (polls,) rising hours since the start.
        figures: (polls, variants, figures) cumulative counters in the order of `Figure`.
        edited: (polls,) whether a variant had been changed.
        cohorts: (polls, variants, days, 2) purchases and revenue by day of the click, NaN where not given; None without.
    """

    hours: Array
    figures: Array
    edited: npt.NDArray[np.bool_]
    cohorts: Array | None = None

    def __len__(self) -> int:
        return len(self.hours)

    @overload
    def __getitem__(self, index: int) -> Snapshot: ...

    @overload
    def __getitem__(self, index: slice) -> "History": ...

    def __getitem__(self, index: int | slice) -> "Snapshot | History":
        if isinstance(index, slice):
            cohorts = None if self.cohorts is None else self.cohorts[index]
            return History(self.hours[index], self.figures[index], self.edited[index], cohorts)
        rows = tuple(Figures(*row) for row in self.figures[index].tolist())
        return Snapshot(float(self.hours[index]), rows, bool(self.edited[index]), self._cohorts_at(index))

    def _cohorts_at(self, index: int) -> tuple[tuple[tuple[float, float], ...], ...]:
        if self.cohorts is None:
            return ()
        known = np.isfinite(self.cohorts[index]).all(axis=(0, 2))
        days = self.cohorts[index][:, known].tolist()
        return tuple(tuple((count, value) for count, value in each) for each in days) if known.any() else ()


def in_order(history: Sequence[Snapshot], variant_count: int) -> History:
    """Return the snapshots by hour, the later reading winning where two share an hour.

    Raises ValueError when a snapshot does not have one figure row per variant.
    """
    if isinstance(history, History):
        return history
    if any(len(snapshot.figures) != variant_count for snapshot in history):
        raise ValueError(f"Every snapshot needs figures for {variant_count} variants.")
    by_hour = {snapshot.hour: snapshot for snapshot in history}
    ordered = [by_hour[hour] for hour in sorted(by_hour)]
    rows = np.array([_ROW(each) for snapshot in ordered for each in snapshot.figures], dtype=np.float64)
    return History(
        hours=np.array([snapshot.hour for snapshot in ordered], dtype=np.float64),
        figures=rows.reshape(len(ordered), variant_count, len(Figure)),
        edited=np.array([snapshot.edited for snapshot in ordered], dtype=np.bool_),
        cohorts=cohort_columns([snapshot.cohorts for snapshot in ordered], variant_count),
    )


def cohort_columns(
    cohorts: Sequence[Sequence[Sequence[Sequence[float]]]], variant_count: int
) -> Array | None:
    """Return cohorts by poll, variant and day as one array, NaN where a poll has none; None when no poll has any."""
    days = max((len(each[0]) for each in cohorts if each), default=0)
    if days == 0:
        return None
    table = np.full((len(cohorts), variant_count, days, 2), np.nan)
    for poll, each in enumerate(cohorts):
        if each:
            table[poll, :, : len(each[0])] = each
    return table


def digest(design: Design, history: History, *, final: bool) -> str:
    """Return the SHA-256 of the inputs; equal inputs give equal verdict bytes.

    Taken over the design as canonical JSON, `final`, and the columns as little-endian IEEE doubles.
    """
    seal = hashlib.sha256(design.to_json().encode())
    seal.update(b"final" if final else b"open")
    columns = [history.hours, history.figures, history.edited.astype(np.float64)]
    for column in columns if history.cohorts is None else [*columns, history.cohorts]:
        # Adding zero turns a negative zero into the zero it equals.
        seal.update(np.ascontiguousarray(column + 0.0, dtype="<f8").tobytes())
    return seal.hexdigest()
