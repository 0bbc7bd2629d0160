"""One whole test as a line of JSON, and its verdict as another: the form in which recorded tests are judged in bulk.

Pure text and numbers. What a line leaves out takes the engine's default; what it spells wrong is refused, because
a silently ignored setting would give a verdict on another test than the one meant.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from autopublisher.domain.evidence.criteria import COLUMN, Criterion, Figure
from autopublisher.domain.evidence.design import (
    FEWEST_ADAPTIVE_VARIANTS,
    FEWEST_VARIANTS,
    MOST_VARIANTS,
    Design,
    Mode,
)
from autopublisher.domain.evidence.fields import LineError, Range, as_object, flag_of, known_only, needed
from autopublisher.domain.evidence.observations import History, Snapshot, cohort_columns
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY
from autopublisher.domain.evidence.verdict import Verdict

Array = npt.NDArray[np.float64]

_Kind = TypeVar("_Kind", Criterion, Mode)

_CURRENCY = re.compile(r"[A-Z]{3}")
_POLL_FIELDS = frozenset({"hour", "figures", "cohorts"})
_NECESSARY_POLL_FIELDS = 2
_COHORT_FIGURES = 2
_FIELDS = frozenset({"id", "design", "variants", "polls", "final"})
_FIGURES_WITHOUT_ENGAGEMENTS = len(Figure) - 1
_MOST_POLLS = 5_000
_LARGEST_FIGURE = 1e12
_LONGEST_HOURS = 10_000.0
_POLL_JITTER = 0.99


@dataclass(frozen=True, eq=False)
class RecordedTest:
    """A test as it was planned and polled.

    Attributes:
        id: the caller's name for it.
        design: the plan.
        hours: (polls,) hours since the start.
        figures: (polls, variants, figures) cumulative counters in the order of `Figure`.
        final: no poll will follow, so the last one is the last look.
        cohorts: (polls, variants, days, 2) purchases and revenue by day of the click, as in `History`; None without.
    """

    id: str
    design: Design
    hours: Array
    figures: Array
    final: bool
    cohorts: Array | None = None

    @property
    def history(self) -> History:
        """The polls as the live system reads them."""
        return History(self.hours, self.figures, np.zeros(len(self.hours), dtype=np.bool_), self.cohorts)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the polls one by one, as the live system stores them."""
        return tuple(self.history)


def read_line(text: str) -> RecordedTest:
    """Return the test a line describes; raises LineError naming the first field that is wrong.

    Polls after the one at which the live system takes its last look (planned hours and cool-down) are not read.
    Unless the line says otherwise the test is final when its polls reach the planned hours. One with an open end is
    read to its last poll, and final only if the line says so.
    """
    line = as_object(_json(text), "line")
    known_only(line, _FIELDS, "")
    identity = _identity(line)
    design = _design(line)
    hours, figures = _polls(line, design)
    cohorts = _cohorts(line["polls"], design.variants)
    used = len(hours) if design.open_ended else _until_settled(design, hours)
    reached = bool(used) and float(hours[used - 1]) >= _POLL_JITTER * design.planned_hours
    ended = reached and not design.open_ended
    final = flag_of(line, "final", default=ended)
    known = None if cohorts is None else cohorts[:used]
    return RecordedTest(identity, design, hours[:used], figures[:used], final, known)


def answer(test: RecordedTest, verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain JSON values; money in major units, ratios as leader over `estimate.against`."""
    estimate = verdict.estimate
    return {
        "id": test.id,
        "verdict": verdict.kind.value,
        "winner": verdict.winner,
        "leader": verdict.leader,
        "eliminated": list(verdict.eliminated),
        "decided_hour": verdict.decided_hour,
        "hour": verdict.hour,
        "spend_at_decision": round(sum(each.spend for each in verdict.variants), 6),
        "estimate": None
        if estimate is None
        else {"against": estimate.against, "raw": estimate.raw, "shrunk": estimate.shrunk},
        "interval": None if estimate is None else [estimate.low, estimate.high],
        "p_best": verdict.p_best,
        "expected_loss": verdict.expected_loss,
        "reasons": list(verdict.reasons),
        "caveats": list(verdict.caveats),
        "method": verdict.method,
        "final": verdict.final,
    }


def refusal(number: int, error: LineError) -> dict[str, Any]:
    """Return what stands in a malformed line's place; `number` counts from 1."""
    return {
        "error": {"line": number, "field": error.field, "reason": error.reason, "remedy": error.remedy},
    }


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except LineError:
        raise
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg} at column {error.colno}"
    except ValueError:  # an integer of thousands of digits
        reason = "has a number that is too long"
    except RecursionError:
        reason = "is nested too deeply"
    raise LineError("line", reason, "Write one JSON object per line.")


def _no_constant(name: str) -> NoReturn:
    raise LineError("line", f"{name} is not a number", "Use finite numbers only.")


def _identity(line: Mapping[str, Any]) -> str:
    value = needed(line, "id", "id")
    if not isinstance(value, str) or not value:
        raise LineError("id", "is not a text", "Give every test a name in quotes.")
    return value


_NUMBERS: Mapping[str, Range] = {
    "alpha": Range(1e-6, 0.5, allow_lowest=True),
    "planned_spend_per_variant": Range(0.01, _LARGEST_FIGURE, allow_lowest=True),
    "planned_hours": Range(0.1, _LONGEST_HOURS, allow_lowest=True),
    "cooldown_hours": Range(0.0, _LONGEST_HOURS, allow_lowest=True),
}
_DEFAULTS: Mapping[str, float] = {"alpha": Design.alpha, "cooldown_hours": Design.cooldown_hours}
_NECESSARY = ("planned_spend_per_variant", "planned_hours")
_DAY_SPREAD = Range(0.0, 10.0, allow_lowest=True)
_HOUR = Range(0.0, _LONGEST_HOURS, allow_lowest=True)
_FIGURE = Range(0.0, _LARGEST_FIGURE, allow_lowest=True)
_DESIGN_FIELDS = frozenset(
    {*_NUMBERS, "criteria", "mode", "same_offer", "currency", "account_prior", "open_ended", "adaptive"}
)


def _design(line: Mapping[str, Any]) -> Design:
    values = as_object(needed(line, "design", "design"), "design")
    known_only(values, _DESIGN_FIELDS, "design.")
    for name in _NECESSARY:
        needed(values, name, f"design.{name}")
    numbers = {name: _number(values, name) for name in _NUMBERS}
    return Design(
        variants=_variants(line),
        criterion=_choice(values, "criteria", Criterion, Criterion.ROAS),
        mode=_choice(values, "mode", Mode, Mode.PROVE),
        same_offer=flag_of(values, "same_offer", default=False, prefix="design."),
        open_ended=flag_of(values, "open_ended", default=False, prefix="design."),
        adaptive=_adaptive(values, line),
        currency=_currency(values),
        day_spread=_account_day_spread(values),
        alpha=numbers["alpha"],
        planned_spend_per_variant=numbers["planned_spend_per_variant"],
        planned_hours=numbers["planned_hours"],
        cooldown_hours=numbers["cooldown_hours"],
    )


def _adaptive(values: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    """Return whether money was moved; LineError where such a test cannot be judged."""
    adaptive = flag_of(values, "adaptive", default=False, prefix="design.")
    if adaptive and len(_variants(line)) < FEWEST_ADAPTIVE_VARIANTS:
        remedy = f"Leave it out, or name {FEWEST_ADAPTIVE_VARIANTS} variants or more."
        raise LineError("design.adaptive", "does not go with so few variants", remedy)
    if adaptive and values.get("open_ended"):
        raise LineError("design.adaptive", "does not go with open_ended", "Choose one of them.")
    return adaptive


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name, _DEFAULTS.get(name))
    return _NUMBERS[name].read(value, f"design.{name}")


def _choice(values: Mapping[str, Any], name: str, kind: type[_Kind], default: _Kind) -> _Kind:
    value, names = values.get(name, default), [each.value for each in kind]
    if not isinstance(value, str) or value not in names:
        raise LineError(f"design.{name}", "is not a known value", f"Use one of: {', '.join(names)}.")
    return kind(value)


def _currency(values: Mapping[str, Any]) -> str:
    value = values.get("currency", "EUR")
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise LineError(
            "design.currency", "is not a currency code", "Write three capital letters, as in EUR."
        )
    return value


def _account_day_spread(values: Mapping[str, Any]) -> float | None:
    """Return what the account's history says about a variant's day effect; None takes the criterion's prior."""
    prior = values.get("account_prior")
    if prior is None:
        return None
    known = as_object(prior, "design.account_prior")
    known_only(known, frozenset({"day_spread"}), "design.account_prior.")
    field = "design.account_prior.day_spread"
    return _DAY_SPREAD.read(needed(known, "day_spread", field), field)


def _variants(line: Mapping[str, Any]) -> tuple[str, ...]:
    names = needed(line, "variants", "variants")
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise LineError("variants", "is not a list of names", 'Write a list such as ["A", "B"].')
    if not FEWEST_VARIANTS <= len(names) <= MOST_VARIANTS:
        remedy = f"Name {FEWEST_VARIANTS} to {MOST_VARIANTS} variants."
        raise LineError("variants", f"has {len(names)} names", remedy)
    if len(set(names)) < len(names):
        raise LineError("variants", "names a variant twice", "Give every variant a name of its own.")
    return tuple(names)


def _polls(line: Mapping[str, Any], design: Design) -> tuple[Array, Array]:
    """Return hours and figures; checked in bulk, and one by one only to name what is wrong."""
    polls = needed(line, "polls", "polls")
    if not isinstance(polls, list) or len(polls) > _MOST_POLLS:
        raise LineError("polls", f"is not a list of at most {_MOST_POLLS}", "Write one entry per poll.")
    try:
        hours = [poll["hour"] for poll in polls]
        figures = [poll["figures"] for poll in polls]
        rows = [each[name] for each in figures for name in design.variants]
        sound = _polls_known(polls) and _sizes(figures) <= {len(design.variants)}
        read = _arrays(hours, rows, len(design.variants)) if sound else None
    except (KeyError, TypeError, ValueError, OverflowError):
        read = None
    if read is None:
        _name_the_fault(polls, design.variants)
        raise LineError("polls", "cannot be read", "Give every poll an hour and figures.")
    return read


def _sizes(values: Sequence[Sized]) -> set[int]:
    return set(map(len, values))


def _polls_known(polls: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether polls have no unknown fields; hour and figures have been found in each."""
    if _sizes(polls) <= {_NECESSARY_POLL_FIELDS}:
        return True
    return all(_POLL_FIELDS.issuperset(poll) for poll in polls)


def _numbers_only(numbers: Sequence[Any]) -> bool:
    return set(map(type, numbers)) <= {int, float}


def _arrays(
    hours: Sequence[float], rows: Sequence[Sequence[float]], variants: int
) -> tuple[Array, Array] | None:
    """Return the arrays, or None where a number is out of its range or out of order."""
    figures = list(chain.from_iterable(rows))
    if not (_numbers_only(hours) and _numbers_only(figures) and len(_sizes(rows)) <= 1):
        return None
    times = np.array(hours, dtype=np.float64)
    # Flat first: numpy reads one long list faster than many short ones.
    table = (
        np.array(figures, dtype=np.float64).reshape(len(times), variants, -1) if rows else _nothing(variants)
    )
    if table.shape[2] == _FIGURES_WITHOUT_ENGAGEMENTS:
        table = np.concatenate([table, np.zeros((*table.shape[:2], 1))], axis=2)
    ordered = bool((np.diff(times) > 0).all() and (times >= 0).all() and (times < _LONGEST_HOURS).all())
    inside = bool(((table >= 0) & (table < _LARGEST_FIGURE)).all())
    return (times, table) if ordered and inside and table.shape[2] == len(Figure) else None


def _nothing(variants: int) -> Array:
    return np.zeros((0, variants, len(Figure)))


def _name_the_fault(polls: Sequence[Any], variants: Sequence[str]) -> None:
    """Raise the LineError of the first wrong poll."""
    before = -math.inf
    sizes = {len(row) for poll in polls for row in _rows_of(poll) if isinstance(row, list)}
    for index, poll in enumerate(polls):
        field = f"polls[{index}]"
        known_only(as_object(poll, field), _POLL_FIELDS, f"{field}.")
        hour = _HOUR.read(needed(poll, "hour", f"{field}.hour"), f"{field}.hour")
        if hour <= before:
            raise LineError(
                f"{field}.hour", "is not later than the poll before", "Put polls in order of time."
            )
        before = hour
        _check_figures(needed(poll, "figures", f"{field}.figures"), variants, f"{field}.figures")
    if len(sizes) > 1:
        raise LineError(
            "polls", "have rows of 5 and of 6 figures", "Give engagements in all rows or in none."
        )


def _rows_of(poll: Any) -> list[Any]:
    figures = poll.get("figures") if isinstance(poll, dict) else None
    return list(figures.values()) if isinstance(figures, dict) else []


def _check_figures(value: Any, variants: Sequence[str], field: str) -> None:
    figures = as_object(value, field)
    known_only(figures, frozenset(variants), f"{field}.")
    for name in variants:
        row = needed(figures, name, f"{field}.{name}")
        if not isinstance(row, list) or len(row) not in (_FIGURES_WITHOUT_ENGAGEMENTS, len(Figure)):
            remedy = f"Write [{', '.join(list(Figure)[:_FIGURES_WITHOUT_ENGAGEMENTS])}]."
            raise LineError(f"{field}.{name}", "is not a list of 5 figures", remedy)
        for figure, number in zip(Figure, row, strict=False):
            _FIGURE.read(number, f"{field}.{name}[{COLUMN[figure]}] ({figure})")


def _cohorts(polls: Sequence[Mapping[str, Any]], variants: Sequence[str]) -> Array | None:
    """Return the polls' cohorts as one array, None when there are none; raises LineError naming the first wrong one."""
    if _sizes(polls) <= {_NECESSARY_POLL_FIELDS}:
        return None
    read = [_cohorts_of(poll, variants, f"polls[{index}]") for index, poll in enumerate(polls)]
    return cohort_columns(read, len(variants))


def _cohorts_of(poll: Mapping[str, Any], variants: Sequence[str], field: str) -> list[list[list[float]]]:
    """Return one poll's days by variant, each [purchases, revenue]; empty without cohorts."""
    if "cohorts" not in poll:
        return []
    values, field = as_object(poll["cohorts"], f"{field}.cohorts"), f"{field}.cohorts"
    known_only(values, frozenset(variants), f"{field}.")
    days = [_days(needed(values, name, f"{field}.{name}"), f"{field}.{name}") for name in variants]
    begun = int(poll["hour"] // HOURS_PER_DAY) + 1
    if len(_sizes(days)) > 1 or not 1 <= len(days[0]) <= begun:
        remedy = f"List the same days for every variant, 1 to {begun} of them at this hour."
        raise LineError(field, "do not have the test's days", remedy)
    return days


def _days(value: Any, field: str) -> list[list[float]]:
    days = value if isinstance(value, list) else None
    if days is None or not all(isinstance(day, list) and len(day) == _COHORT_FIGURES for day in days):
        raise LineError(
            field, "is not a list of days", "Write [[purchases, revenue], ...], one pair per day."
        )
    return [[_FIGURE.read(number, f"{field}[{at}]") for number in day] for at, day in enumerate(days)]


def _until_settled(design: Design, hours: Array) -> int:
    """Return how many polls the live system would make: up to the first one after the cool-down."""
    settled = int(np.searchsorted(hours, design.settled_hour))
    return min(settled + 1, len(hours))
