"""Insights broken down by people, places and devices, split so that rows add up to the whole.

Where a scenario has a population, its own axes divide totals by what each cell of people did; everything else
divides by fixed shares.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from metasim.graph.asset_breakdowns import CONTENTS
from metasim.graph.errors import GraphError
from metasim.graph.figures import Columns, Figures
from metasim.graph.metrics import Row

Shares = tuple[tuple[str, float], ...]
SHARES: dict[str, Shares] = {
    "age": (
        ("18-24", 0.14),
        ("25-34", 0.26),
        ("35-44", 0.24),
        ("45-54", 0.18),
        ("55-64", 0.11),
        ("65+", 0.07),
    ),
    "gender": (("female", 0.54), ("male", 0.44), ("unknown", 0.02)),
    "country": (("ES", 1.0),),
    "region": (("Comunidad de Madrid", 0.4), ("Cataluña", 0.35), ("Andalucía", 0.25)),
    "publisher_platform": (("facebook", 0.48), ("instagram", 0.47), ("audience_network", 0.05)),
    "platform_position": (("feed", 0.6), ("stories", 0.2), ("reels", 0.2)),
    "device_platform": (("mobile_app", 0.9), ("mobile_web", 0.03), ("desktop", 0.07)),
    "comscore_market": (("Madrid", 0.4), ("Barcelona", 0.35), ("Sevilla", 0.25)),
    "user_segment_key": (("prospecting", 0.82), ("engaged", 0.13), ("existing", 0.05)),
    "frequency_value": (("1", 0.62), ("2", 0.2), ("3", 0.09), ("4", 0.05), ("5", 0.03), ("6-10", 0.01)),
    "product_id": (),  # there are no catalogues, so no product was ever shown
    "impression_device": (("iphone", 0.35), ("android_smartphone", 0.58), ("desktop", 0.07)),
}
GROUPS = (
    frozenset({"age", "gender"}),
    frozenset({"country"}),
    frozenset({"region"}),
    frozenset({"comscore_market"}),
    frozenset({"user_segment_key"}),
    frozenset({"frequency_value"}),
    frozenset({"product_id"}),
    *(frozenset({content, "age", "gender"}) for content in sorted(CONTENTS)),
    frozenset({"publisher_platform", "platform_position", "device_platform"}),
    frozenset({"publisher_platform", "platform_position", "impression_device"}),
)
NEEDS = {"platform_position": "publisher_platform"}
WITHOUT_CONVERSIONS = frozenset(
    {"region", "comscore_market"}
)  # conversions off Meta are not divided by region

# Rows of `CellBreakdown.columns` that divide each column of `Figures`: impressions also divide engagements.
_ROWS = {"spend_micros": 0, "impressions": 1, "clicks": 2, "engagements": 1}
ROW_OF_COLUMN = tuple(_ROWS.get(each.name, 4 if "value" in each.name else 3) for each in fields(Figures))
FIGURE_COLUMNS = len(ROW_OF_COLUMN)


@dataclass(frozen=True)
class CellBreakdown:
    """What each cell of people did, and who they are."""

    labels: tuple[dict[str, str], ...]
    columns: Columns

    def values(self) -> dict[str, list[str]]:
        """Return the values of every axis, in the scenario's order."""
        return {name: list(dict.fromkeys(label[name] for label in self.labels)) for name in self.labels[0]}

    def inside(self, labels: Row) -> NDArray[np.float64]:
        """Return one for every cell that belongs to a group, zero for the others."""
        own = self.labels[0].keys()
        return np.array(
            [
                float(all(cell[name] == value for name, value in labels.items() if name in own))
                for cell in self.labels
            ]
        )


def check_breakdowns(names: list[str], hourly: str) -> None:
    """Refuse unknown breakdowns and those that cannot be combined."""
    unknown = sorted(set(names) - {*SHARES, *CONTENTS, hourly})
    if unknown:
        raise GraphError(f"(#100) breakdowns[0] must be one of the following values: {unknown[0]}", 100)
    wanted = set(names) - {hourly}
    fits = any(wanted <= group for group in GROUPS) and not (wanted and hourly in names)
    lonely = [name for name, other in NEEDS.items() if name in wanted and other not in wanted]
    if not fits or lonely:
        raise GraphError(f"(#100) Current combination of data breakdown columns ({names}) is invalid", 100)


def divide(
    by_event: dict[str, Figures], names: list[str], cells_by_event: dict[str, CellBreakdown] | None = None
) -> Iterator[tuple[Row, dict[str, Figures]]]:
    """Yield each group's labels and figures; the groups' figures add up to the whole.

    Args:
        by_event: figures of each conversion event.
        names: the breakdowns; none is one group.
        cells_by_event: what each cell of people did, by event, where the market knows cells.
    """
    known = cells_by_event or {}
    groups = _groups(names, next(iter(known.values()), None))
    bare = bool(WITHOUT_CONVERSIONS & set(names))
    parts = {
        event: _split(_bare(figures) if bare else figures, _weights(groups, known.get(event)))
        for event, figures in by_event.items()
    }
    for number, (labels, _) in enumerate(groups):
        figures = {event: split[number] for event, split in parts.items()}
        if any(part.delivered for part in figures.values()):
            yield labels, figures


def _groups(names: list[str], cells: CellBreakdown | None) -> list[tuple[Row, float]]:
    """Return every combination of values with its fixed share; values of a scenario's own axes have share one."""
    own = cells.values() if cells is not None else {}
    choices: list[Shares] = [
        tuple((value, 1.0) for value in own[name]) if name in own else SHARES[name] for name in names
    ]
    return [
        (
            {name: value for name, (value, _) in zip(names, cell, strict=True)},
            prod(share for _, share in cell),
        )
        for cell in product(*choices)
    ]


def _weights(groups: list[tuple[Row, float]], cells: CellBreakdown | None) -> list[list[float]]:
    """Return each group's share of every column of `Figures`."""
    if cells is None:
        return [[share for _, share in groups]] * FIGURE_COLUMNS
    shares = np.array([share for _, share in groups])
    inside = np.array([cells.inside(labels) for labels, _ in groups])
    weights = []
    for row in ROW_OF_COLUMN:
        total = max(float(cells.columns[row].sum()), 1e-9)
        part = shares * (inside @ cells.columns[row]) / total
        weights.append(part.tolist() if part.sum() > 0 else (shares / shares.sum()).tolist())
    return weights


def _bare(figures: Figures) -> Figures:
    return Figures(figures.spend_micros, figures.impressions, figures.clicks, figures.engagements)


def _split(figures: Figures, weights: list[list[float]]) -> list[Figures]:
    columns = [_apportion(value, each) for value, each in zip(astuple(figures), weights, strict=True)]
    return [Figures(*values) for values in zip(*columns, strict=True)]


def _apportion(total: int, weights: list[float]) -> list[int]:
    """Divide a whole number by weights of sum one, giving what rounding leaves to the largest remainders."""
    exact = [total * weight for weight in weights]
    parts = [int(value // 1) for value in exact]
    order = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts
