"""A money decision as it is stored: canonical JSON, so that the same figures give the same bytes."""

import json
from dataclasses import asdict, fields
from typing import Any

from autopublisher.domain.evidence.money_decision import Choice, MoneyDecision
from autopublisher.domain.evidence.verdict import rounded, settled_chance
from autopublisher.domain.evidence.worth import Worth

_CHANCES = ("p_best", "p_10_worse", "expected_gain", "expected_loss")


def money_to_json(decision: MoneyDecision, past_tests: int) -> str:
    """Return a decision, and on how many finished tests of the account it rests, as canonical JSON."""
    values = asdict(rounded(decision))
    chances = {name: settled_chance(values[name]) for name in _CHANCES}
    values |= chances | {"past_tests": past_tests}
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def money_from_json(text: str) -> MoneyDecision:
    """Rebuild a decision from what `money_to_json` wrote, to nine significant digits."""
    values: dict[str, Any] = json.loads(text)
    low, high = values["lift_interval"]
    named = {field.name: values[field.name] for field in fields(MoneyDecision) if field.name in values}
    parts = {
        "choice": Choice(values["choice"]),
        "lift_interval": (low, high),
        "worth": Worth(**values["worth"]),
    }
    return MoneyDecision(**named | parts)
