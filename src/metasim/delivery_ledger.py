"""Delivery ledger of one ad on one account day: delivery by quarter hour, purchases by the step of their report."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class AdDay:
    """One ad's delivery on one account day, by quarter hour, and its purchases by the step of their report."""

    ad_id: str
    day: str
    steps: dict[int, list[int]] = field(
        default_factory=dict
    )  # spend micros, impressions, clicks, engagements
    sales: dict[int, list[int]] = field(default_factory=dict)  # count, value in minor units; may be negative
    within_day: dict[int, list[int]] = field(
        default_factory=dict
    )  # of all purchases, those a day after the click
    uncounted: dict[int, list[int]] = field(default_factory=dict)  # purchases after the ad set's own window
    late: dict[int, list[int]] = field(default_factory=dict)  # of the uncounted, 7 to 28 days after the click
    views: dict[int, list[int]] = field(default_factory=dict)  # of `sales`, those without a click
    other_views: dict[int, list[int]] = field(default_factory=dict)  # the same where the ad set counts none
    cells: dict[int, list[list[int]]] = field(
        default_factory=dict
    )  # by cell of people: spend, impressions, clicks, sales, value; 0: all steps before the last

    restated: dict[str, float] = field(default_factory=dict)  # by fault plan: the factor of all purchases

    def deliver(self, step: int, figures: tuple[int, int, int, int]) -> None:
        """Add delivery of one quarter hour."""
        known = self.steps.get(step)
        if known is None:
            self.steps[step] = [*figures]
        else:
            self.steps[step] = [a + b for a, b in zip(known, figures, strict=True)]

    def meet(self, step: int, columns: list[list[int]]) -> None:
        """Add what cells of people did in a quarter hour, folding earlier quarter hours together."""
        for old in [known for known in self.cells if known not in (0, step)]:
            self.cells[0] = _added(self.cells.get(0), self.cells.pop(old))
        self.cells[step] = _added(self.cells.get(step), columns)


def _added(known: list[list[int]] | None, columns: list[list[int]]) -> list[list[int]]:
    if known is None:
        return columns
    return [[a + b for a, b in zip(one, two, strict=True)] for one, two in zip(known, columns, strict=True)]
