"""Insights broken down by people, places and devices: fixed shares, split so that rows add up to the whole.

The simulated public does not differ between groups; what a breakdown shows is only how totals divide.
"""

from collections.abc import Iterator
from dataclasses import astuple
from itertools import product

from autopublisher.simulator.graph.errors import GraphError
from autopublisher.simulator.graph.figures import Figures
from autopublisher.simulator.graph.metrics import Row

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
    "impression_device": (("iphone", 0.35), ("android_smartphone", 0.58), ("desktop", 0.07)),
}
GROUPS = (
    frozenset({"age", "gender"}),
    frozenset({"country"}),
    frozenset({"region"}),
    frozenset({"publisher_platform", "platform_position", "device_platform"}),
    frozenset({"publisher_platform", "platform_position", "impression_device"}),
)
NEEDS = {"platform_position": "publisher_platform"}
WITHOUT_CONVERSIONS = frozenset({"region"})  # conversions off Meta are not divided by region


def check_breakdowns(names: list[str], hourly: str) -> None:
    """Refuse unknown breakdowns and those that cannot be combined."""
    unknown = sorted(set(names) - {*SHARES, hourly})
    if unknown:
        raise GraphError(f"(#100) breakdowns[0] must be one of the following values: {unknown[0]}", 100)
    wanted = set(names) - {hourly}
    fits = any(wanted <= group for group in GROUPS) and not (wanted and hourly in names)
    lonely = [name for name, other in NEEDS.items() if name in wanted and other not in wanted]
    if not fits or lonely:
        raise GraphError(f"(#100) Current combination of data breakdown columns ({names}) is invalid", 100)


def divide(by_event: dict[str, Figures], names: list[str]) -> Iterator[tuple[Row, dict[str, Figures]]]:
    """Yield each group's labels and figures; the groups' figures add up to the whole."""
    cells = list(product(*(SHARES[name] for name in names)))
    weights = [_weight(cell) for cell in cells]
    bare = bool(WITHOUT_CONVERSIONS & set(names))
    parts = {
        event: _split(_bare(figures) if bare else figures, weights) for event, figures in by_event.items()
    }
    for number, cell in enumerate(cells):
        figures = {event: split[number] for event, split in parts.items()}
        if any(part.delivered for part in figures.values()):
            yield {name: value for name, (value, _) in zip(names, cell, strict=True)}, figures


def _weight(cell: tuple[tuple[str, float], ...]) -> float:
    weight = 1.0
    for _, share in cell:
        weight *= share
    return weight


def _bare(figures: Figures) -> Figures:
    return Figures(figures.spend_micros, figures.impressions, figures.clicks, figures.engagements)


def _split(figures: Figures, weights: list[float]) -> list[Figures]:
    columns = [_apportion(value, weights) for value in astuple(figures)]
    return [Figures(*values) for values in zip(*columns, strict=True)]


def _apportion(total: int, weights: list[float]) -> list[int]:
    """Divide a whole number by weights of sum one, giving what rounding leaves to the largest remainders."""
    exact = [total * weight for weight in weights]
    parts = [int(value // 1) for value in exact]
    order = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts
