"""The numbers a scenario may set: the market, its people and its auction. Every default switches a thing off."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MarketParameters:
    """The market's truth: price of a thousand impressions, rates, basket, dispersion and reporting delay."""

    cpm: float = 12.0
    ctr: float = 0.012
    cvr: float = 0.025
    aov: float = 80.0
    engagement_rate: float = 0.004
    landing_share: float = 0.8
    basket_sigma: float = 0.9
    cpm_cv: float = 0.15  # ad-hour
    pace_cv: float = 0.15  # budget-hour
    click_cv: float = 0.10  # ad-hour
    arm_hour_cv: float = 0.30  # purchases, ad-hour
    arm_day_cv: float = 0.08  # purchases, ad-day
    divergence_sd: float = 0.0  # lasting audience difference of each ad, log scale; none inside a split test
    season_hour_cv: float = 0.10  # purchases, shared by all ads
    season_day_cv: float = 0.05
    daily_flex_sd: float = 0.12
    immediate_share: float = 0.5  # purchases reported within the hour
    delay_median_hours: float = 10.0
    delay_sigma: float = 1.5
    delay_limit_hours: float = 168.0
    restatement_rate: float = 0.0  # purchases taken back later
    restatement_hours: float = 48.0
    content_click_sd: float = 0.0  # random effect of each creative's content, log scale
    content_conversion_sd: float = 0.0
    content_value_sd: float = 0.0
    unreported_share: float = 0.0  # purchases whose buyers do not let themselves be followed
    recovered_share: float = 0.0  # of the unreported, those that Meta's models add later
    recovered_hours: float = 72.0
    refund_rate: float = 0.0  # purchases whose value, not count, is taken back later
    refund_hours: float = 96.0  # mean time to a refund
    view_rate: float = 0.0  # purchases within a day by people who saw and did not click, per impression
    learning_cost: float = 0.0  # by how much impressions are dearer when learning begins
    learning_sd: float = 0.0  # spread of buying from hour to hour when learning begins, log scale


@dataclass(frozen=True)
class Trait:
    """One group of people along one axis; multipliers are relative, their mean over the population is one."""

    share: float
    click: float = 1.0
    conversion: float = 1.0
    value: float = 1.0
    cpm: float = 1.0
    unreported: float = 0.0  # share of this group's purchases that are never reported


@dataclass(frozen=True)
class Axis:
    """One way to tell people apart, named and divided like one of Meta's breakdowns."""

    name: str
    traits: tuple[tuple[str, Trait], ...]


@dataclass(frozen=True)
class PopulationParameters:
    """The people: cells are the axes' product."""

    axes: tuple[Axis, ...]
    size: int = 1_000_000
    regularity: float = 2.0  # shape of how evenly people are seen (gamma); small = few see most
    drift: float = 0.0  # how strongly delivery follows those who respond; 0 = to everybody alike
    drift_in_studies: float = 0.0  # the same while a split test divides people
    tiring_contacts: float | None = None  # clicks halve with so many further contacts per person reached
    interest_share: float = 0.3  # people who share an interest or belong to a custom audience


@dataclass(frozen=True)
class AuctionParameters:
    """Other bidders: their pressure is a factor of the price, of mean one."""

    pressure_sd: float = 0.0  # log scale
    pressure_hours: float = 12.0  # memory: the correlation falls by e in so many hours
    seasonal: bool = False  # prices follow the hour and the weekday
    depth: float | None = (
        None  # our spend per hour, in major units, at which the price has risen by 2 ** steepness
    )
    steepness: float = 0.3
