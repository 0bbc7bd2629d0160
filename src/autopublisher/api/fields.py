"""Field types of the API that take exactly what their JSON schema says: no number from text, no truth from a number."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

LARGEST_AMOUNT = Decimal(1_000_000_000_000)
"""No campaign costs more than this in any currency; larger numbers are slips."""

MOST_PLACES = 12
"""Decimal places beyond which a number is no amount."""

LARGEST_WHOLE = 1_000_000_000

MOST_RUNS = 100
"""Runs on one page."""

_MOMENT = re.compile(r"20\d{2}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})")
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_UNPRINTABLE = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
_PRINTABLE = Field(json_schema_extra={"pattern": rf"^[^{_CONTROLS}]*$"})
"""The refused characters as the OpenAPI document shows them; lone surrogates are no JSON text in the first place."""


def _exact(value: Any) -> Decimal:
    """Return a JSON number as it was written; bodies are parsed with their fractions as Decimal."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("amount_type", "amount_type")
    number = Decimal(value)
    if not number.copy_abs() <= LARGEST_AMOUNT:
        raise PydanticCustomError(
            "amount_range",
            "amount_range",
            {"most": str(LARGEST_AMOUNT)},
        )
    return _with_few_places(number)


def _with_few_places(number: Decimal) -> Decimal:
    """Return the number without trailing zeros; no context rounds it, because its digits are counted first."""
    digits = "".join(str(digit) for digit in number.as_tuple().digits).rstrip("0")
    exponent = number.adjusted() - len(digits) + 1
    if digits and exponent < -MOST_PLACES:
        raise PydanticCustomError("amount_places", "amount_places", {"most": MOST_PLACES})
    if not digits:
        return Decimal(0)
    return number.quantize(Decimal(1).scaleb(min(exponent, 0)))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("whole_type", "whole_type")
    if not Decimal(value).copy_abs() <= LARGEST_WHOLE or int(value) != value:
        raise PydanticCustomError("whole_range", "whole_range")
    return int(value)


def _printable(value: Any) -> Any:
    if isinstance(value, str) and _UNPRINTABLE.search(value):
        raise PydanticCustomError("text_characters", "text_characters")
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return value
    if isinstance(value, datetime):
        return value
    raise PydanticCustomError("moment_type", "moment_type")


def _identifier(value: Any) -> Any:
    """Bring a UUID into the one spelling it is stored in; any other text stays and will simply not be found."""
    try:
        return str(UUID(value)) if isinstance(value, str) else value
    except ValueError:
        return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_exact),
    WithJsonSchema({"type": "number", "description": "An exact amount; read from the digits as written."}),
]
"""An exact decimal, taken from the digits of a JSON number."""

Whole = Annotated[
    int,
    BeforeValidator(_whole),
    WithJsonSchema({"type": "integer", "minimum": -LARGEST_WHOLE, "maximum": LARGEST_WHOLE}),
]
Flag = StrictBool
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
ShortText = Annotated[str, BeforeValidator(_printable), StringConstraints(max_length=512), _PRINTABLE]
Text = Annotated[str, BeforeValidator(_printable), StringConstraints(max_length=8000), _PRINTABLE]
Identifier = Annotated[
    str,
    BeforeValidator(_identifier),
    BeforeValidator(_printable),
    StringConstraints(min_length=1, max_length=64),
    _PRINTABLE,
]
"""One of our UUIDs. Text of another shape is taken too: it names nothing, so the answer is 404 and not 422."""

DigitsId = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
"""An id Meta gave: digits only."""
