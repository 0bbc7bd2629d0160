"""Messages of the Marketing API, without the wire: parameters as Meta wants them, answers as values of the product."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autopublisher.domain.accounts.accounts import AdAccountFacts, MinimumBudgets
from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import MetaOutcomeUnknownError, MetaReadError
from autopublisher.domain.ids import ActId, MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.answers import MetaFault
from autopublisher.domain.meta.insights import InsightsRow
from autopublisher.domain.meta.object_state import ObjectState

ACCOUNT_FIELDS = (
    "id",
    "name",
    "account_status",
    "currency",
    "timezone_name",
    "min_campaign_group_spend_cap",
    "default_dsa_beneficiary",
    "default_dsa_payor",
    "business",
    "spend_cap",
    "amount_spent",
    "balance",
)

FIGURES = (
    "spend",
    "impressions",
    "clicks",
    "inline_link_clicks",
    "inline_post_engagement",
    "actions",
    "action_values",
)
"""What is read of any insights row; which object it is about comes before it where there are several."""

NAME_FILTERED = frozenset({ObjectKind.CAMPAIGN, ObjectKind.AD_SET, ObjectKind.AD})
"""Kinds whose edge filters by name; the other edges are only read whole."""

LABELS_PER_PAGE = 500
"""Labels are small, and an account may have thousands, which are read at each look."""

_STUDY_FIELDS = {
    "status": "canceled_time",
    "cells": "cells.limit(100){name,treatment_percentage,adsets.limit(100){id}}",
}
"""How the fields of a study are asked for; a test has far fewer than a hundred cells."""

_AD_PARTS = {
    ObjectKind.CAMPAIGN: "campaign",
    ObjectKind.AD_SET: "adset",
    ObjectKind.CREATIVE: "creative",
}
"""The fields of an ad that stand for other objects."""

NOT_DELETED = ("ACTIVE", "PAUSED", "CAMPAIGN_PAUSED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES")
"""Every effective status of an ad set but that of a deleted one."""

EARLIER = timedelta(days=2)
"""So much earlier a window of figures begins: a moment's day differs by up to two between the time zones of the world.

What is asked about did not exist before, so the days before add nothing; and no first day is lost where Meta has booked it
in another time zone than it reports.
"""

STOPPING = frozenset({"PAUSED", "ARCHIVED", "DELETED"})
"""Statuses that end delivery."""


@dataclass(frozen=True)
class BatchAnswer:
    """What one item of a batch was answered."""

    status: int
    headers: Mapping[str, str]
    text: str


def stops(params: Mapping[str, Any]) -> bool:
    """Tell whether an update ends delivery, so that it must not wait for anything."""
    return params.get("status") in STOPPING


class _Specs(list[Any]):
    """A list that passes the SDK's check for an object: Meta documents these parameters as lists of specs."""

    _isObject = True  # noqa: N815 - the mark the SDK's type check looks for


_LISTS_OF_SPECS = frozenset({"tracking_specs"})

UNKNOWN_TO_SDK = frozenset({"regional_regulated_categories"})
"""Parameters whose documented values the SDK's own check finds wrong: it has numbers for their names."""


def wire(value: Any) -> Any:
    """Return parameters as plain dicts and lists, which is all the SDK's type checks know."""
    if isinstance(value, Mapping):
        plain = {str(name): wire(one) for name, one in value.items()}
        return {name: _Specs(one) if name in _LISTS_OF_SPECS else one for name, one in plain.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [wire(one) for one in value]
    return value


def field_list(*groups: Iterable[str]) -> str:
    """Return a ``fields`` parameter naming each field once, in order."""
    return ",".join(dict.fromkeys(name for group in groups for name in group))


def fields_of(kind: ObjectKind, fields: Sequence[str]) -> tuple[str, ...]:
    """Return what Meta has to be asked for: a study has no status, only the moment at which it was cancelled."""
    if kind is not ObjectKind.STUDY:
        return tuple(fields)
    return tuple(_STUDY_FIELDS.get(field, field) for field in fields)


def state_of(kind: ObjectKind, fields: Sequence[str], row: Mapping[str, Any]) -> ObjectState:
    """Return what Meta answered of an object that these fields were asked of; raises MetaReadError without an id."""
    return ObjectState.of(kind, MetaId(text_of(row, "id")), _as_requested(kind, fields, row))


def _as_requested(kind: ObjectKind, fields: Sequence[str], row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what Meta answered in the words it was asked in: a cancelled study as one that is deleted."""
    if kind is not ObjectKind.STUDY or "status" not in fields:
        return row
    cancelled = _is_moment(row.get("canceled_time"))
    kept = {name: value for name, value in row.items() if name != "canceled_time"}
    return {**kept, "status": "DELETED" if cancelled else "ACTIVE"}


def _is_moment(value: Any) -> bool:
    """Tell whether a moment is set: what is not may be absent or written as the beginning of Unix time."""
    try:
        return bool(value) and datetime.fromisoformat(str(value)).timestamp() > 0
    except ValueError:
        return False


def name_queries(
    kind: ObjectKind, name_contains: str, fields: Sequence[str]
) -> tuple[Mapping[str, Any], ...]:
    """Return the ways to ask an edge for objects by name, the shorter first: filtered where it can be, then whole.

    No status is named: Meta then lists all but the archived and deleted.
    """
    whole = {"fields": field_list(("id", "name"), fields)}
    if kind is ObjectKind.LABEL:
        return ({**whole, "limit": LABELS_PER_PAGE},)
    if kind not in NAME_FILTERED:
        return (whole,)
    return {**whole, "filtering": [{"field": "name", "operator": "CONTAIN", "value": name_contains}]}, whole


def tree_query(name_contains: str, fields: Mapping[ObjectKind, Sequence[str]]) -> Mapping[str, Any]:
    """Return the question for ads by name with what belongs to them: each as a field with fields of its own."""
    parts = [
        f"{part}{{{field_list(('id',), fields[kind])}}}" for kind, part in _AD_PARTS.items() if kind in fields
    ]
    own = [name for name in fields.get(ObjectKind.AD, ()) if name not in _AD_PARTS.values()]
    named = [{"field": "name", "operator": "CONTAIN", "value": name_contains}]
    return {"fields": field_list(("id", "name"), own, parts), "filtering": named}


def tree_of(fields: Mapping[ObjectKind, Sequence[str]], row: Mapping[str, Any]) -> Iterator[ObjectState]:
    """Yield an ad of the answer, where ads were asked for, and the parts of it that Meta shows."""
    if ObjectKind.AD in fields:
        yield state_of(ObjectKind.AD, fields[ObjectKind.AD], row)
    for kind, part in _AD_PARTS.items():
        if kind in fields and isinstance(row.get(part), Mapping):
            yield state_of(kind, fields[kind], row[part])


def archived_query(name_contains: str, fields: Sequence[str]) -> Mapping[str, Any]:
    """Return the question for archived objects by name; of deleted ones Meta lists none."""
    named = [{"field": "name", "operator": "CONTAIN", "value": name_contains}]
    return {
        "fields": field_list(("id", "name"), fields),
        "filtering": named,
        "effective_status": ["ARCHIVED"],
    }


def insights_query(
    ad_set_ids: Sequence[MetaId], timezone: str, since: datetime, until: datetime
) -> dict[str, Any]:
    """Ask for one row per ad set over the account's days that hold both moments, and some before."""
    return {
        "level": "adset",
        "filtering": [{"field": "adset.id", "operator": "IN", "value": list(ad_set_ids)}],
        "time_range": _days(timezone, since, until),
        "fields": field_list(("adset_id",), FIGURES),
    }


def listed_insights_query(timezone: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Ask for what every ad set of the account has spent that is not deleted: archived ones have to be named."""
    return {
        "level": "adset",
        "filtering": [{"field": "adset.effective_status", "operator": "IN", "value": list(NOT_DELETED)}],
        "time_range": _days(timezone, since, until),
        "fields": field_list(("adset_id", "spend")),
    }


def halves(ids: Sequence[MetaId]) -> tuple[Sequence[MetaId], Sequence[MetaId]]:
    """Return two parts of what is too much to ask for at once; there have to be two ids at least."""
    return ids[: len(ids) // 2], ids[len(ids) // 2 :]


def own_insights_query(timezone: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Ask an object for its own row over the account's days that hold both moments, and some before."""
    return {"time_range": _days(timezone, since, until), "fields": field_list(FIGURES)}


def _days(timezone: str, since: datetime, until: datetime) -> dict[str, str]:
    return {"since": account_day(since - EARLIER, timezone), "until": account_day(until, timezone)}


def account_day(moment: datetime, timezone: str) -> str:
    """Return the date of a moment in the account's time zone, as Meta writes it."""
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise MetaReadError(MetaFault.ZONE_UNKNOWN(zone=timezone)) from error
    return moment.astimezone(zone).date().isoformat()


def image_upload(name: str, content: bytes) -> dict[str, str]:
    """Return an image as parameters; the form field ``bytes`` takes base64."""
    return {"name": name, "bytes": base64.b64encode(content).decode("ascii")}


def image_hash(answer: Mapping[str, Any]) -> MetaId:
    """Read the hash out of an upload's answer; raises MetaOutcomeUnknownError where there is none."""
    images = answer.get("images")
    found = list(images.values()) if isinstance(images, Mapping) else []
    value = found[0].get("hash") if len(found) == 1 and isinstance(found[0], Mapping) else None
    if not isinstance(value, str) or not value:
        raise MetaOutcomeUnknownError(MetaFault.UPLOAD_WITHOUT_HASH())
    return MetaId(value)


def new_id(answer: Mapping[str, Any]) -> MetaId:
    """Read the id out of a create's answer; raises MetaOutcomeUnknownError where there is none."""
    value = answer.get("id")
    if not isinstance(value, str) or not value:
        raise MetaOutcomeUnknownError(MetaFault.OBJECT_WITHOUT_ID())
    return MetaId(value)


def confirm(answer: Mapping[str, Any]) -> None:
    """Check the answer to an update or delete; raises MetaOutcomeUnknownError where it does not say success."""
    if answer.get("success") is not True:
        raise MetaOutcomeUnknownError(MetaFault.CHANGE_WITHOUT_SUCCESS())


def batch_answers(answers: Any, number: int) -> Sequence[BatchAnswer | None]:
    """Return the answer to each item of a batch; None for one that was not answered, or where they cannot be told apart."""
    if not isinstance(answers, list) or len(answers) != number:
        return [None] * number
    return [_batch_answer(one) for one in answers]


def _batch_answer(row: Any) -> BatchAnswer | None:
    status, text = (row.get("code"), row.get("body")) if isinstance(row, Mapping) else (None, None)
    if not isinstance(status, int) or not isinstance(text, str):
        return None
    named = [one for one in row.get("headers") or () if isinstance(one, Mapping)]
    return BatchAnswer(status, {str(one.get("name")): str(one.get("value")) for one in named}, text)


def rows_of(page: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the rows of one page; raises MetaReadError where it has none, not even an empty list."""
    rows = page.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise MetaReadError(MetaFault.PAGE_WITHOUT_ROWS())
    return rows


def next_cursor(page: Mapping[str, Any], base: str) -> str | None:
    """Return the cursor of the next page, None on the last one.

    There are more pages exactly as long as ``next`` is given, whether or not this page has rows. ``next`` itself is not
    followed: it holds a token, and nobody but the ``base`` host may see one. Another host there is an error.
    """
    paging = page.get("paging")
    following = paging.get("next") if isinstance(paging, Mapping) else None
    if following is None:
        return None
    there, here = urlsplit(str(following)), urlsplit(base)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise MetaReadError(MetaFault.PAGE_ELSEWHERE(host=str(there.hostname)))
    cursors = paging.get("cursors") if isinstance(paging, Mapping) else None
    after = cursors.get("after") if isinstance(cursors, Mapping) else None
    after = after or next(iter(parse_qs(there.query).get("after", ())), None)
    if not after:
        raise MetaReadError(MetaFault.PAGE_WITHOUT_CURSOR())
    return str(after)


def account_facts(act_id: ActId, row: Mapping[str, Any]) -> AdAccountFacts:
    """Read an account; raises MetaReadError for what cannot be read."""
    currency = text_of(row, "currency")
    business = row.get("business")
    return AdAccountFacts(
        act_id=act_id,
        name=str(row.get("name") or act_id),
        status=_minor(row, "account_status"),
        currency=currency,
        timezone=text_of(row, "timezone_name"),
        minimum_spend_cap=Money(_minor(row, "min_campaign_group_spend_cap"), currency),
        default_dsa_beneficiary=row.get("default_dsa_beneficiary") or None,
        default_dsa_payor=row.get("default_dsa_payor") or None,
        business_id=text_of(business, "id") if isinstance(business, Mapping) else None,
        spend_cap=_limit(row, currency),
        amount_spent=_named_amount(row, "amount_spent", currency),
        balance=_named_amount(row, "balance", currency),
    )


def _limit(row: Mapping[str, Any], currency: str) -> Money | None:
    """Read an account's spending limit, for which Meta writes 0 where there is none."""
    cap = _named_amount(row, "spend_cap", currency)
    return cap if cap is not None and cap.minor else None


def _named_amount(row: Mapping[str, Any], name: str, currency: str) -> Money | None:
    return None if row.get(name) is None else Money(_minor(row, name), currency)


def minimum_budgets_of(rows: Iterable[Mapping[str, Any]], currency: str) -> MinimumBudgets:
    """Read the row of the account's currency; raises MetaReadError where there is none."""
    row = next((row for row in rows if row.get("currency") == currency), None)
    if row is None:
        raise MetaReadError(MetaFault.NO_MINIMUMS(currency=currency))
    return MinimumBudgets(
        impressions=Money(_minor(row, "min_daily_budget_imp"), currency),
        high_frequency=Money(_minor(row, "min_daily_budget_high_freq"), currency),
        low_frequency=Money(_minor(row, "min_daily_budget_low_freq"), currency),
        video_views=Money(_minor(row, "min_daily_budget_video_views"), currency),
    )


def granted(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the permissions that were granted, not those declined or expired."""
    return frozenset(text_of(row, "permission") for row in rows if row.get("status") == "granted")


def insights_row(row: Mapping[str, Any]) -> InsightsRow:
    """Read the figures of one ad set among others'; raises MetaReadError where they name none."""
    return InsightsRow(MetaId(text_of(row, "adset_id")), row)


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there; raises MetaReadError."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise MetaReadError(MetaFault.WITHOUT(name=name))
    return value


def _minor(row: Mapping[str, Any], name: str) -> int:
    """Read a whole number, which Meta may write as text."""
    try:
        return int(str(row.get(name)))
    except ValueError:
        raise MetaReadError(MetaFault.NOT_A_NUMBER(name=name, value=f"{row.get(name)!r:.40}")) from None
