"""JSON format of ``autopublisher judge``: a recorded test as one line, its verdict as another.

What a line leaves out takes the engine's default; an unknown field is refused, because a setting that is silently
ignored would give a verdict on another test than the one meant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, InstanceOf, ValidationError
from pydantic_core import ErrorDetails

from autopublisher.domain.evidence import Criterion, Design, Figure, Mode, Verdict
from autopublisher.domain.evidence.criteria import COLUMN
from autopublisher.domain.evidence.design import FEWEST_ADAPTIVE_VARIANTS, FEWEST_VARIANTS, MOST_VARIANTS
from autopublisher.domain.evidence.money_decision import MoneyTerms
from autopublisher.domain.evidence.money_replay import MoneyOutcome
from autopublisher.domain.evidence.observations import History, Snapshot, cohort_columns
from autopublisher.domain.evidence.spread import PastTest
from autopublisher.domain.evidence.timeline import HOURS_PER_DAY
from autopublisher.domain.evidence.worth import Publishing

Array = npt.NDArray[np.float64]

_LONGEST_QUOTE = 40
_MOST_POLLS = 5_000
_MOST_PAST_TESTS = 10_000
_LARGEST_LOG, _LEAST_VARIANCE = 100.0, 1e-9
_LARGEST_FIGURE = 1e12
_LONGEST_HOURS = 10_000.0
_POLL_JITTER = 0.99
_OBJECT = "Write a JSON object here."
_FIGURES_WITHOUT_ENGAGEMENTS = len(Figure) - 1


class LineError(ValueError):
    """A line that is not a test: which field, why, and what to do about it."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.remedy = remedy


def _number(least: float, below: float) -> Any:
    """Return a field's bounds; its description is the remedy."""
    return Field(ge=least, lt=below, description=f"Write a number from {least:g} and below {below:g}.")


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("names a variant twice")
    return names


# Any text Python can hold: names cut inside an emoji, as JavaScript cuts them, are not valid Unicode.
_Name = Annotated[InstanceOf[str], Field(min_length=1)]
_Flag = Annotated[bool, Field(description="Write true or false.")]
_Amount = Annotated[float, _number(0.0, _LARGEST_FIGURE)]
_Row = Annotated[list[_Amount], Field(min_length=_FIGURES_WITHOUT_ENGAGEMENTS, max_length=len(Figure))]
_Day = Annotated[list[_Amount], Field(min_length=2, max_length=2)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _AccountPrior(_Part):
    day_spread: float = _number(0.0, 10.0)


_Estimate = Annotated[
    tuple[
        Annotated[float, _number(-_LARGEST_LOG, _LARGEST_LOG)],
        Annotated[float, _number(_LEAST_VARIANCE, 1e9)],
    ],
    Field(strict=False),  # JSON has no tuples
]
"""A log rate and its variance."""


class _PastTest(_Part):
    age_tests: Annotated[int, Field(ge=0, description="Write how many tests have finished since, from 0.")]
    rate: list[_Estimate] = Field(
        min_length=FEWEST_VARIANTS,
        max_length=MOST_VARIANTS,
        description="List [centred log rate, variance] for every variant.",
    )
    clicks: list[_Estimate] = Field(
        [], description="List [log of clicks per spend, variance] for every variant."
    )
    value: list[_Estimate] = Field(
        [], description="List what of each log rate is the value of an event, [centred log value, variance]."
    )
    value_share: Annotated[float, _number(0.0, 1.0)] = 0.0


class _AccountMemory(_Part):
    tests: Annotated[list[_PastTest], Field(max_length=_MOST_PAST_TESTS, description=_OBJECT)]


class _Publish(_Part):
    scaling_factor: float = _number(0.01, 1_000.0)
    elasticity: Annotated[float, _number(0.01, 1.01)] = Publishing.elasticity
    learning_days: Annotated[float, _number(0.0, 1_000.0)] = Publishing.learning_days
    learning_efficiency: Annotated[float, _number(0.0, 1.01)] = Publishing.learning_efficiency


class _Plan(_Part):
    planned_spend_per_variant: float = _number(0.01, _LARGEST_FIGURE)
    planned_hours: float = _number(0.1, _LONGEST_HOURS)
    alpha: Annotated[float, _number(1e-6, 0.5)] = Design.alpha
    cooldown_hours: Annotated[float, _number(0.0, _LONGEST_HOURS)] = Design.cooldown_hours
    criteria: Criterion = Field(
        Criterion.ROAS, strict=False, description=f"Use one of: {', '.join(Criterion)}."
    )
    mode: Mode = Field(Mode.PROVE, strict=False, description=f"Use one of: {', '.join(Mode)}.")
    same_offer: _Flag = False
    open_ended: _Flag = False
    adaptive: _Flag = False
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="Write three capital letters, as in EUR.")
    total_budget: Annotated[float, _number(0.01, _LARGEST_FIGURE)] | None = None
    remaining_budget: Annotated[float, _number(0.0, _LARGEST_FIGURE)] | None = None
    publish: _Publish | None = Field(
        None, description="Write null for a hand-over in place, or what it costs."
    )
    account_memory: _AccountMemory | None = Field(
        None, description="Write null, or the account's past tests."
    )
    account_prior: _AccountPrior | None = Field(
        None, description="Write null, or the standard deviation of the account's day effect as day_spread."
    )


class _Poll(_Part):
    hour: float = _number(0.0, _LONGEST_HOURS)
    figures: dict[_Name, _Row] = Field(
        description=f"Write [{', '.join(list(Figure)[:_FIGURES_WITHOUT_ENGAGEMENTS])}] for every variant,"
        f" numbers from 0 and below {_LARGEST_FIGURE:g}."
    )
    cohorts: dict[_Name, list[_Day]] = Field(
        {}, description="Write [[purchases, revenue], ...] for every variant, one pair per day."
    )


class _Line(_Part):
    id: _Name = Field(description="Give every test a name in quotes.")
    design: _Plan = Field(description=_OBJECT)
    variants: Annotated[list[_Name], AfterValidator(_distinct)] = Field(
        min_length=FEWEST_VARIANTS,
        max_length=MOST_VARIANTS,
        description=f"List {FEWEST_VARIANTS} to {MOST_VARIANTS} different names, as in" + ' ["A", "B"].',
    )
    polls: list[_Poll] = Field(
        max_length=_MOST_POLLS, description=f"List at most {_MOST_POLLS} polls, one JSON object each."
    )
    final: _Flag = False


_PARTS: Mapping[str, type[_Part]] = {
    "design": _Plan,
    "account_prior": _AccountPrior,
    "account_memory": _AccountMemory,
    "tests": _PastTest,
    "publish": _Publish,
    "polls": _Poll,
}
_OF_MONEY = ("total_budget", "remaining_budget", "publish", "account_memory")
_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_type": "is not true or false",
    "model_type": "is not an object",
    "dict_type": "is not an object",
    "list_type": "is not a list",
    "enum": "is not a known value",
    "string_type": "is not a text",
    "is_instance_of": "is not a text",
    "string_pattern_mismatch": "is not a currency code",
    "string_unicode": "is not a text",
    "too_short": "is too short",
    "too_long": "is too long",
    "value_error": "{error}",
}


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
        money: what a money decision rests on besides; None where none is asked for.
    """

    id: str
    design: Design
    hours: Array
    figures: Array
    final: bool
    cohorts: Array | None = None
    money: MoneyTerms | None = None

    @property
    def history(self) -> History:
        """The polls as the live system reads them."""
        return History(self.hours, self.figures, np.zeros(len(self.hours), dtype=np.bool_), self.cohorts)

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return the polls one by one, as the live system stores them."""
        return tuple(self.history)


def read_line(text: str) -> RecordedTest:
    """Return the test a line describes; raises LineError naming a field that is wrong.

    Polls after the one at which the live system takes its last look (planned hours and cool-down) are not read.
    Unless the line says otherwise the test is final when its polls reach the planned hours. One with an open end is
    read to its last poll, and final only if the line says so.
    """
    line = _line(_json(text))
    design = _design(line)
    hours, figures, cohorts = _hours(line), _figures(line), _cohorts(line)
    used = len(hours) if design.open_ended else _until_settled(design, hours)
    reached = bool(used) and float(hours[used - 1]) >= _POLL_JITTER * design.planned_hours
    final = line.final if "final" in line.model_fields_set else reached and not design.open_ended
    known = None if cohorts is None else cohorts[:used]
    return RecordedTest(line.id, design, hours[:used], figures[:used], final, known, _money(line.design))


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


def money_answer(outcome: MoneyOutcome) -> dict[str, Any]:
    """Return what stands in an answer beside proof: the verdict's kind, and the money decision or None."""
    found = outcome.money
    if found is None:
        return {"verdict": outcome.kind, "money": None}
    ended = {"winner": None, "decided_hour": found.hour} if outcome.by_money else {}
    return {
        "verdict": outcome.kind,
        **ended,
        "money": {
            "decision": found.choice.value,
            "variant": found.variant,
            "decided_hour": found.hour if outcome.by_money else None,
            "p_best": found.p_best,
            "p_10_worse": found.p_10_worse,
            "expected_gain": found.expected_gain,
            "expected_loss": found.expected_loss,
            "lift": found.lift,
            "lift_interval": list(found.lift_interval),
        },
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


def _line(value: Any) -> _Line:
    try:
        return _Line.model_validate(value)
    except ValidationError as error:
        # A name that is spelt wrong explains the one that is missing.
        raise _line_error(min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")) from None


def _line_error(found: ErrorDetails) -> LineError:
    kind, given = found["type"], found["input"]
    reason = _REASONS.get(kind, f"is {given}"[:_LONGEST_QUOTE]).format_map(found.get("ctx", {}))
    return LineError(_place(found["loc"]), reason, _remedy(kind, found["loc"]))


def _remedy(kind: str, location: Sequence[str | int]) -> str:
    """Return the description of the innermost field of a location, or the names that may stand there."""
    part: type[_Part] | None = _Line
    remedy = _OBJECT
    for name in location:
        field = part.model_fields.get(str(name)) if part and isinstance(name, str) else None
        if field is not None:
            remedy, part = field.description or remedy, _PARTS.get(str(name))
    if kind == "extra_forbidden" and part is not None:
        return f"Use one of: {', '.join(sorted(part.model_fields))}."
    return _OBJECT if kind == "model_type" else remedy


def _place(location: Sequence[str | int]) -> str:
    """Write where a value stands: ``design.alpha``, ``polls[3].figures.A[0] (spend)``; ``line`` for the whole line."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if "figures" in location[2:3] and isinstance(location[-1], int):
        text += f" ({list(COLUMN)[location[-1]]})"
    return text or "line"


def _design(line: _Line) -> Design:
    plan, prior = line.design, line.design.account_prior
    if plan.adaptive and len(line.variants) < FEWEST_ADAPTIVE_VARIANTS:
        remedy = f"Leave it out, or name {FEWEST_ADAPTIVE_VARIANTS} variants or more."
        raise LineError("design.adaptive", "does not go with so few variants", remedy)
    if plan.adaptive and plan.open_ended:
        raise LineError("design.adaptive", "does not go with open_ended", "Choose one of them.")
    return Design(
        variants=tuple(line.variants),
        criterion=plan.criteria,
        day_spread=None if prior is None else prior.day_spread,
        **plan.model_dump(exclude={"criteria", "account_prior", *_OF_MONEY}),
    )


def _money(plan: _Plan) -> MoneyTerms | None:
    """Return what the plan says of money; LineError where it asks for a money decision without its budget."""
    if plan.total_budget is None:
        if plan.mode is Mode.MONEY or any(name in plan.model_fields_set for name in _OF_MONEY):
            raise LineError(
                "design.total_budget", "is missing", "Give the budget of test and campaign together."
            )
        return None
    memory = (
        ()
        if plan.account_memory is None
        else tuple(_past_test(place, test) for place, test in enumerate(plan.account_memory.tests))
    )
    publishing = None if plan.publish is None else Publishing(**plan.publish.model_dump())
    return MoneyTerms(plan.total_budget, plan.remaining_budget, publishing, memory)


def _past_test(place: int, test: _PastTest) -> PastTest:
    for name, part in (("clicks", test.clicks), ("value", test.value)):
        if part and len(part) != len(test.rate):
            where = f"design.account_memory.tests[{place}].{name}"
            raise LineError(where, "has not as many pairs as rate", "List a pair for every variant, or none.")
    if any(part[1] >= whole[1] for part, whole in zip(test.value, test.rate, strict=False)):
        where = f"design.account_memory.tests[{place}].value"
        raise LineError(where, "is less certain than rate", "List what is a part of rate, variances too.")
    rate, clicks, value = (
        np.array(part, dtype=np.float64).reshape(len(part), 2)
        for part in (test.rate, test.clicks, test.value)
    )
    return PastTest(test.age_tests, rate, clicks, value, test.value_share)


def _hours(line: _Line) -> Array:
    hours = np.array([poll.hour for poll in line.polls], dtype=np.float64)
    late = np.flatnonzero(np.diff(hours) <= 0)
    if len(late):
        raise LineError(
            f"polls[{late[0] + 1}].hour", "is not later than the poll before", "Put polls in order of time."
        )
    return hours


def _figures(line: _Line) -> Array:
    rows = [
        row
        for index, poll in enumerate(line.polls)
        for row in _by_variant(poll.figures, line.variants, f"polls[{index}].figures")
    ]
    sizes = {len(row) for row in rows}
    if len(sizes) > 1:
        raise LineError(
            "polls", "have rows of 5 and of 6 figures", "Give engagements in all rows or in none."
        )
    table = np.array(rows, dtype=np.float64).reshape(
        len(line.polls), len(line.variants), *sizes or (len(Figure),)
    )
    missing = len(Figure) - table.shape[2]
    return np.pad(table, ((0, 0), (0, 0), (0, missing)))


def _by_variant(values: Mapping[str, Any], variants: Sequence[str], field: str) -> list[Any]:
    """Return the values in the order of the variants; LineError where one is missing or unknown."""
    for name in values:
        if name not in variants:
            raise LineError(
                f"{field}.{name}", "is not a known field", f"Use one of: {', '.join(sorted(variants))}."
            )
    for name in variants:
        if name not in values:
            raise LineError(f"{field}.{name}", "is missing", "Add this field.")
    return [values[name] for name in variants]


def _cohorts(line: _Line) -> Array | None:
    """Return the polls' cohorts as one array, None when there are none."""
    days = [
        _days(poll, line.variants, f"polls[{index}].cohorts") if "cohorts" in poll.model_fields_set else []
        for index, poll in enumerate(line.polls)
    ]
    return cohort_columns(days, len(line.variants))


def _days(poll: _Poll, variants: Sequence[str], field: str) -> list[list[_Day]]:
    """Return one poll's days by variant, each [purchases, revenue]."""
    days = _by_variant(poll.cohorts, variants, field)
    begun = int(poll.hour // HOURS_PER_DAY) + 1
    if len({len(each) for each in days}) > 1 or not 1 <= len(days[0]) <= begun:
        remedy = f"List the same days for every variant, 1 to {begun} of them at this hour."
        raise LineError(field, "do not have the test's days", remedy)
    return days


def _until_settled(design: Design, hours: Array) -> int:
    """Return how many polls the live system would make: up to the first one after the cool-down."""
    settled = int(np.searchsorted(hours, design.settled_hour))
    return min(settled + 1, len(hours))
