"""What deciding is worth, as every face shows it: a stored money decision with its shares as amounts."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from autopublisher.domain.amounts import Money
from autopublisher.flows.requests.reports import RunView


@dataclass(frozen=True)
class Worth:
    """A money decision. Shares are 0 to 1 of what the rest of the budget earns, ``waiting_share`` of what all of it earns.

    Amounts are None where the criterion measures no revenue, ``waiting`` also where nothing is left to test; a negative one
    is what testing on costs. ``scaling`` is what a scaled campaign is expected to bring less than going on in place,
    ``keeping`` what keeping all is expected to bring less than following the variant in place. ``at`` is when the figures
    were read that it rests on. ``returns`` is what comes back of each unit spent on the variant when the goods are paid,
    None where the margin is not known.
    """

    choice: str
    variant: str
    hour: float
    at: datetime | None
    p_best: float
    p_10_worse: float
    gain_share: float
    loss_share: float
    waiting_share: float | None
    gain: Money | None
    gain_range: tuple[Money, Money] | None
    loss: Money | None
    waiting: Money | None
    scaling: Money | None
    keeping: Money | None
    returns: float | None
    lift: float
    lift_interval: tuple[float, float]
    past_tests: int


def worth_of(view: RunView) -> Worth | None:
    """Return what deciding on a run's test is worth by its latest verdict's figures; None where that is not known."""
    said, starts = view.money_said, view.run.trial.starts_at
    if said is None:
        return None
    rest, whole, worth = said["revenue"], said["budget_revenue"], said["worth"]
    tested = worth["test_on"]
    waiting = None if tested is None else tested - max(worth["publish"], worth["keep"])
    low, high = said["lift_interval"]

    def amount(share: float | None, of: float | None) -> Money | None:
        return None if share is None or of is None else Money.nearest(share * of, view.run.currency)

    part = said["expected_gain"] / math.log(said["lift"]) if said["lift"] != 1 else 0.0
    ends = (amount(part * math.log(low), rest), amount(part * math.log(high), rest))
    return Worth(
        choice=said["choice"],
        variant=said["variant"],
        hour=said["hour"],
        at=None if starts is None else starts + timedelta(hours=said["hour"]),
        p_best=said["p_best"],
        p_10_worse=said["p_10_worse"],
        gain_share=said["expected_gain"],
        loss_share=said["expected_loss"],
        waiting_share=waiting,
        gain=amount(said["expected_gain"], rest),
        gain_range=None if ends[0] is None or ends[1] is None else (ends[0], ends[1]),
        loss=amount(said["expected_loss"], rest),
        waiting=amount(waiting, whole),
        scaling=amount(
            None if said.get("scaled_efficiency") is None else 1 - said["scaled_efficiency"], rest
        ),
        keeping=amount(max(0.0, worth["publish"] - worth["keep"]), whole),
        returns=said.get("returns"),
        lift=said["lift"],
        lift_interval=(low, high),
        past_tests=said["past_tests"],
    )
