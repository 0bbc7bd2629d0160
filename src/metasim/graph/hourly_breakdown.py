"""Hourly breakdown of insights, by the account's day; as at Meta, without conversions off Meta and without reach."""

from collections.abc import Iterable

from metasim.graph.figures import Figures
from metasim.graph.metrics import Row, metrics
from metasim.graph.periods import Period
from metasim.graph.row_filters import Made
from metasim.scenario import Account
from metasim.state import Ad
from metasim.times import DAY, HOUR, STEP, local_offset
from metasim.world import World

HOURLY = "hourly_stats_aggregated_by_advertiser_time_zone"
ABSENT = (
    "reach",
    "frequency",
    "cpp",
    "unique_clicks",
    "unique_inline_link_clicks",
    "purchase_roas",
    "website_purchase_roas",
    "action_values",
)


def hourly_rows(world: World, account: Account, ads: Iterable[Ad], part: Period) -> list[Made]:
    """Return a row for each hour of day with delivery, added up over the days of a period."""
    hours: dict[int, Figures] = {}
    for ad in ads:
        for day, ledger in world.state.days.get(ad.id, {}).items():
            if part.since.isoformat() <= day <= part.until.isoformat():
                for step, figures in ledger.steps.items():
                    if (step + 1) * STEP <= world.figures_us:
                        hour = _local_hour(step, account)
                        hours[hour] = hours.get(hour, Figures()) + Figures(*figures)
    return [_row(hour, hours[hour], account, world.scenario.market.landing_share) for hour in sorted(hours)]


def _local_hour(step: int, account: Account) -> int:
    return (step * STEP + local_offset(step * STEP, account.zone)) % DAY // HOUR


def _row(hour: int, figures: Figures, account: Account, landing_share: float) -> Made:
    row: Row = metrics({"PURCHASE": figures}, account, landing_share)
    spelled = f"{hour:02d}:00:00 - {hour:02d}:59:59"
    shown = {HOURLY: spelled, **{name: value for name, value in row.items() if name not in ABSENT}}
    return Made(shown, {"PURCHASE": figures})
