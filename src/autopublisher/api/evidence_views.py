"""What callers receive of a test's evidence: the verdict and the money decision beside it, as pydantic models."""

from datetime import datetime

from pydantic import Field

from autopublisher.api.told import Told


class ImprovementOut(Told):
    """The leader over its nearest rival by the run's criterion, in per cent; positive is better, for costs cheaper."""

    leader: str = Field(description="The variant that leads, by its id.")
    against: str = Field(description="Its nearest rival, by its id.")
    measure: str = Field(description="What is compared, in words; for a cost, less is better.")
    percentage: float = Field(description="The best estimate, the one headline figure.")
    low: float | None = Field(description="The least that fits the data at the stated error; null: no limit.")
    high: float | None = Field(description="The most that fits the data at the stated error; null: no limit.")
    seen: float | None = Field(description="The plain ratio in the test, chance included.")


class VerdictOut(Told):
    """What the evidence says, in a sentence each in English and Spanish, whatever a person then chose."""

    kind: str
    winner: str | None = Field(description="The variant it names, proven or as a best bet (see ``kind``).")
    proven: bool = Field(description="Whether it proves what it names.")
    improvement: ImprovementOut | None = Field(description="Null where nothing could be compared.")
    final: bool
    at: datetime
    evidence_at: datetime | None = Field(description="When the figures it rests on were read.")
    sentence_en: str
    sentence_es: str


class OutcomeOut(Told):
    """What was expected of a run published as its money decision said, and what came once its figures had settled.

    Amounts are in major units of ``currency``. `observed_` is what Meta reports; `estimated_` is worked out from it and from
    the test's pooled figures. What came is null until it has settled, and where the criterion measures no revenue.
    """

    way: str = Field(description="How it was published, for which the expectation is stated.")
    variant: str | None = Field(
        description="What was published, by its id; null where all were kept. No proof."
    )
    expected_gain: float = Field(
        description="Over splitting the rest equally, as a share of what that earns."
    )
    expected_gain_amount: float | None
    expected_gain_low: float | None = Field(description="The range holds the gain with a chance of .9.")
    expected_gain_high: float | None
    expected_at: datetime | None = Field(description="When the figures that were decided on were read.")
    settled: bool = Field(description="Whether nothing of its figures moves any more.")
    spent_until: datetime = Field(description="When its money is over; figures are late from then on.")
    late_until: datetime = Field(description="Until when sales of it can still be reported.")
    observed_spent: float | None
    observed_revenue: float | None
    observed_events: int | None
    observed_at: datetime | None
    estimated_split_revenue: float | None = Field(
        description="What the same spend would have brought split equally, at the test's pooled figures."
    )
    estimated_more: float | None = Field(description="What came beyond that; negative: it fell short.")
    estimated_chance: float | None = Field(
        description="Chance alone moves `estimated_more` by no more than this either way, nine times of ten."
    )
    counts_from: datetime | None = Field(
        description="Where the same ads went on: sales of the test that were reported after this count here."
    )
    currency: str
    sentences: list[str] = Field(description="All of it in the reader's language.")


class MoneyDecisionOut(Told):
    """What deciding is worth in money by the verdict's figures: no proof. Shares are of what the rest of the budget earns.

    Amounts are in major units of ``currency``, and null where the run's criterion measures no revenue. They rest on assumed
    costs of publishing (``budget_config``), and without past tests of the account on an assumed spread between ads.
    """

    choice: str = Field(
        json_schema_extra={"enum": ["publish", "keep_split", "test_on", "spend_nothing"]},
        description="What is worth most: publish the variant, follow none of them, test on, or spend nothing more.",
    )
    variant: str = Field(description="The variant most probably best, by its id.")
    hour: float = Field(description="Hours of the test that it was reached after.")
    p_best: float = Field(description="The chance that no other variant is better, 0 to 1.")
    p_10_worse: float = Field(
        description="The chance that it is more than a tenth worse than the best, 0 to 1."
    )
    expected_gain: float = Field(description="Of following it over splitting the rest evenly, as a share.")
    expected_loss: float = Field(description="Against following the best, as a share.")
    expected_gain_amount: float | None
    expected_loss_amount: float | None
    worth_of_waiting: float | None = Field(
        description="What testing on is worth more than deciding now, as a share of what the whole budget earns; negative:"
        " it costs. Null where nothing is left to test."
    )
    worth_of_waiting_amount: float | None
    cost_of_scaling_amount: float | None = Field(
        description="What publishing `scaled` is expected to bring less than `in_place`: it learns anew and buys dearer."
    )
    cost_of_keeping_all_amount: float | None = Field(
        description="What `keep_all` is expected to bring less than following the variant `in_place`."
    )
    returns: float | None = Field(
        description="What comes back of each unit spent on the variant when the goods are paid; null without a `margin`."
    )
    lift: float = Field(description="The variant over the mean of the others, as a ratio, chance taken out.")
    lift_interval: list[float] = Field(description="The range of the lift that holds it with a chance of .9.")
    past_tests: int = Field(description="How many finished tests of the account it rests on.")
    currency: str
    at: datetime = Field(description="When it was reached.")
    evidence_at: datetime | None = Field(description="When the figures it rests on were read.")
