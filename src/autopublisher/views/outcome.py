"""What was expected of a published run when money decided on it, and what came of it, as every face says it.

What Meta reports is observed; what an equal split would have brought is estimated, at the test's pooled figures with the
sales that were still to come counted in. Until the final campaign's figures have settled there is no result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autopublisher.domain.amounts import Money
from autopublisher.domain.campaigns.campaign import CampaignState
from autopublisher.domain.journal.records import Figures
from autopublisher.domain.messages import Code, Message, Param
from autopublisher.domain.runs.run import Way
from autopublisher.flows.requests.reports import RunView
from autopublisher.views.amounts import about
from autopublisher.views.worth import Worth, worth_of

_BASKETS = 1.25
"""Squared variation of basket values between sales (money-decisions, 3), where revenue is what Meta reports."""

_NINE_IN_TEN = 1.645
_IN_REVENUE = frozenset({"roas", "revenue"})


class OutcomeMessage(Code):
    """What was expected, and what came."""

    EXPECTED = "outcome.expected"
    EXPECTED_SHARE = "outcome.expected_share"
    EXPECTED_KEEPING = "outcome.expected_keeping"
    SPENDING = "outcome.spending"
    LATE = "outcome.late"
    OBSERVED = "outcome.observed"
    ESTIMATED = "outcome.estimated"
    LATE_SALES_OF_TEST = "outcome.late_sales_of_test"
    SCALED = "outcome.scaled"
    IN_PLACE = "outcome.in_place"


@dataclass(frozen=True)
class Expected:
    """What following the money decision was expected to bring more than an equal split, in the way that was chosen.

    ``share`` is of what the rest of the budget earns; the amounts are None where the criterion measures no revenue.
    ``at`` is when the figures of the decision were read. Where all were kept there is no ``variant``, and nothing more was
    expected: that is the equal split.
    """

    variant: str | None
    way: Way
    share: float
    gain: Money | None
    gain_range: tuple[Money, Money] | None
    at: datetime | None


@dataclass(frozen=True)
class Came:
    """What the final campaign has spent and brought, read ``at``: observed. What it is held against is estimated.

    ``split`` is what the same spend would have brought split equally, ``more`` what came beyond that; in nine cases of ten
    chance alone moves it by no more than ``chance`` either way.
    """

    at: datetime
    spent: Money
    revenue: Money
    events: int
    split: Money
    more: Money
    chance: Money


@dataclass(frozen=True)
class Outcome:
    """A published run's expectation, its result once that has settled, and the moments until then.

    ``came`` is None until it has settled, and where the criterion measures no revenue. Money is spent until
    ``spent_until``, all of it where ``is_spent``, and figures come in until ``late_until``. ``counts_from`` is when the
    test's last figures were read, where the same ads go on: sales that were reported later count as the final campaign's.
    """

    expected: Expected
    came: Came | None
    is_settled: bool
    is_spent: bool
    spent_until: datetime
    late_until: datetime
    counts_from: datetime | None

    @property
    def said(self) -> Sequence[Message]:
        """All of it as sentences."""
        expected, came = self.expected, self.came
        told = [_expectation(expected)]
        if not self.is_settled:
            state = OutcomeMessage.LATE if self.is_spent else OutcomeMessage.SPENDING
            told.append(state(ends=self.spent_until, until=self.late_until))
        if came is not None:
            told += [
                OutcomeMessage.OBSERVED(
                    at=came.at, spent=came.spent, revenue=came.revenue, events=came.events
                ),
                OutcomeMessage.ESTIMATED(
                    spent=came.spent,
                    split=about(came.split),
                    more=about(came.more),
                    chance=about(came.chance),
                ),
            ]
            if self.counts_from is not None:
                told.append(OutcomeMessage.LATE_SALES_OF_TEST(at=self.counts_from))
        return told


def _expectation(expected: Expected) -> Message:
    if expected.variant is None:
        return OutcomeMessage.EXPECTED_KEEPING()
    way = OutcomeMessage.SCALED() if expected.way is Way.SCALED else OutcomeMessage.IN_PLACE()
    given: dict[str, Param] = {"variant": expected.variant, "way": way}
    if expected.at is not None and expected.gain is not None and expected.gain_range is not None:
        low, high = expected.gain_range
        return OutcomeMessage.EXPECTED(
            **given, at=expected.at, gain=about(expected.gain), low=about(low), high=about(high)
        )
    return OutcomeMessage.EXPECTED_SHARE(**given, share=round(100 * expected.share, 1))


def outcome_of(view: RunView) -> Outcome | None:
    """Return what a run that was published as its money decision says has come to; None of any other."""
    worth, final = worth_of(view), view.final
    if worth is None or final is None or view.settles_at is None:
        return None
    keeps = view.run.release.way is Way.KEEP_ALL
    follows = (
        worth.choice == "keep_split"
        if keeps
        else (worth.choice, view.run.release.winner) == ("publish", worth.variant)
    )
    if not follows:
        return None
    campaign, goes_on = final.campaign, view.run.release.way is not Way.SCALED
    is_settled = campaign.state is CampaignState.SETTLED
    return Outcome(
        expected=_expected(view, worth),
        came=_came(view) if is_settled else None,
        is_settled=is_settled,
        is_spent=campaign.is_over,
        spent_until=campaign.ends_at,
        late_until=view.settles_at,
        counts_from=view.figures_at if goes_on else None,
    )


def _expected(view: RunView, worth: Worth) -> Expected:
    """Return what was expected in the way chosen: a scaled campaign earns its efficiency of what going on in place would."""
    said, way = view.money_said or {}, view.run.release.way
    if way is Way.KEEP_ALL:
        return Expected(None, way, 0.0, None, None, worth.at)
    kept = said.get("scaled_efficiency") if way is Way.SCALED else 1.0
    kept = 1.0 if kept is None else kept
    rest = said.get("revenue")

    def left(gain: Money) -> Money:
        more = kept * (float(rest or 0) + float(gain.major)) - float(rest or 0)
        return Money.nearest(more, view.run.currency)

    return Expected(
        variant=worth.variant,
        way=way,
        share=kept * (1 + worth.gain_share) - 1,
        gain=None if worth.gain is None else left(worth.gain),
        gain_range=None
        if worth.gain_range is None
        else (left(worth.gain_range[0]), left(worth.gain_range[1])),
        at=worth.at,
    )


def _came(view: RunView) -> Came | None:
    """Return what has settled against an equal split of the same spend; None where no revenue is measured.

    Revenue of n independent sales varies by (1 + c^2)/n of its square (compound Poisson), and so does the test's.
    """
    whole = (view.money_said or {}).get("budget_revenue")
    if whole is None or view.sold is None:
        return None
    sold = view.sold.figures
    spent = Money(sold.spend, view.run.currency)
    revenue = _revenue(view, sold)
    split = float(spent.major) * whole / float(view.total.major)
    tested = sum(one.figures.conversions for one in view.variants)
    varies = 1 + (_BASKETS if _is_in_revenue(view) else 0.0)
    noise = varies * (float(revenue.major) ** 2 / max(1, sold.conversions) + split**2 / max(1, tested))
    return Came(
        at=view.sold.at,
        spent=spent,
        revenue=revenue,
        events=sold.conversions,
        split=Money.nearest(split, view.run.currency),
        more=Money.nearest(float(revenue.major) - split, view.run.currency),
        chance=Money.nearest(_NINE_IN_TEN * math.sqrt(noise), view.run.currency),
    )


def _revenue(view: RunView, sold: Figures) -> Money:
    """Return what was sold, by what one conversion is worth where the run counts them."""
    value = view.run.request.budget_config.value_per_conversion
    if _is_in_revenue(view) or value is None:
        return Money(sold.revenue, view.run.currency)
    return Money.nearest(float(value) * sold.conversions, view.run.currency)


def _is_in_revenue(view: RunView) -> bool:
    return view.run.request.ab_test_config.winner_criteria.value in _IN_REVENUE
