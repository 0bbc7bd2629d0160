"""Delivery rules of an ad set: frequency caps, hours of the day, pacing, lengths of schedules."""

from typing import Any

from metasim.facts import IMPRESSION_GOALS, VIDEO_GOALS
from metasim.graph.errors import malformed, not_one_of, refusal
from metasim.graph.wire import Params
from metasim.times import DAY, MINUTE

PACING_TYPES = ("standard", "no_pacing", "day_parting")
LONGEST_INTERVAL = MOST_CONTACTS = 90
HOUR_MINUTES, DAY_MINUTES = 60, 24 * 60
SHORTEST = 30 * MINUTE  # assumed
LATEST_START = DAY  # assumed: an older start is refused, a younger one counts as now
ROAS_FLOORS = (100, 10_000_000)


def check_pace(params: Params, goal: str, *, lifetime: bool) -> None:
    """Refuse caps, hours and pacing that do not fit each other, the goal or the kind of budget."""
    _check_caps(params, goal)
    hours = params.structure("adset_schedule") or []
    _check_hours(hours)
    pacing = params.words("pacing_type") or ["day_parting" if hours else "standard"]
    for name in pacing:
        if name not in PACING_TYPES:
            raise not_one_of("pacing_type", PACING_TYPES)
    if bool(hours) != ("day_parting" in pacing):
        text = "adset_schedule and the pacing type day_parting go together."
        raise refusal(None, "Schedule and pacing", text, "pacing_type")
    if hours and not lifetime:
        raise refusal(
            None, "Lifetime budget required", "Hours of the day need a lifetime budget.", "adset_schedule"
        )
    if "no_pacing" in pacing and params.text("bid_strategy") != "LOWEST_COST_WITH_BID_CAP":
        text = "Accelerated delivery needs LOWEST_COST_WITH_BID_CAP."
        raise refusal(None, "Pacing not available", text, "pacing_type")


def _check_caps(params: Params, goal: str) -> None:
    caps = params.structure("frequency_control_specs") or []
    if not isinstance(caps, list) or not all(isinstance(cap, dict) for cap in caps):
        raise malformed("frequency_control_specs", "an array of objects")
    if caps and goal not in IMPRESSION_GOALS | VIDEO_GOALS:
        text = f"{goal} cannot cap its frequency."
        raise refusal(None, "Frequency cap not available", text, "frequency_control_specs")
    for cap in caps:
        if cap.get("event") not in ("IMPRESSIONS", "VIDEO_VIEWS"):
            raise not_one_of("frequency_control_specs[event]", ("IMPRESSIONS", "VIDEO_VIEWS"))
        _whole(cap, "interval_days", 1, LONGEST_INTERVAL)
        _whole(cap, "max_frequency", 1, MOST_CONTACTS)


def _check_hours(rows: Any) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("adset_schedule", "an array of objects")
    for row in rows:
        start = _whole(row, "start_minute", 0, DAY_MINUTES - HOUR_MINUTES)
        end = _whole(row, "end_minute", HOUR_MINUTES, DAY_MINUTES)
        days = row.get("days")
        if start % HOUR_MINUTES or end % HOUR_MINUTES or start >= end:
            text = "Times of the day are whole hours, and the end is after the start."
            raise refusal(None, "Invalid schedule", text, "adset_schedule")
        if not isinstance(days, list) or not days or {str(day) for day in days} - set("0123456"):
            raise malformed("adset_schedule[days]", "an array of days from 0 to 6")


def _whole(row: dict[str, Any], name: str, low: int, high: int) -> int:
    try:
        value = int(str(row.get(name)))
    except ValueError as error:
        raise malformed(name, "an integer") from error
    if not low <= value <= high:
        raise malformed(name, f"from {low} to {high}")
    return value


def check_schedule(start_us: int | None, end_us: int | None, now_us: int) -> None:
    """Refuse a start that is long past and a schedule shorter than half an hour."""
    if start_us is not None and start_us < now_us - LATEST_START:
        raise refusal(1487033, "Start date is past", "The start must not be in the past.", "start_time")
    begin = max(now_us, start_us or now_us)
    if end_us is not None and begin < end_us < begin + SHORTEST:
        raise refusal(None, "Schedule too short", "An ad set must run for at least 30 minutes.", "end_time")


def check_roas_floor(params: Params, goal: str) -> None:
    """Refuse a floor of ROAS for goals that know no value, or outside Meta's bounds."""
    if params.text("bid_strategy") != "LOWEST_COST_WITH_MIN_ROAS":
        return
    if goal != "VALUE":
        text = "A minimum ROAS needs the goal VALUE."
        raise refusal(None, "Bid strategy not available", text, "bid_strategy")
    _whole(params.table("bid_constraints") or {}, "roas_average_floor", *ROAS_FLOORS)
