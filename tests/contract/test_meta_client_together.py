"""Writes sent together by the Meta client: every answer is judged by itself, and what is missing is in doubt."""

import json
from typing import Any

import pytest

from autopublisher.adapters.meta.client import SdkMetaAds
from autopublisher.domain.errors import MetaOutcomeUnknownError, MetaRefusedError, MetaThrottledError
from autopublisher.domain.ids import MetaId
from autopublisher.domain.journal.operations import ObjectKind
from autopublisher.domain.meta.rules import TOGETHER
from autopublisher.ports.meta.writing import Write
from support.graph_stub import ACT, NAMES, TOKEN, Stub, fails, resets, says

WRITES = [Write(ObjectKind.CAMPAIGN, NAMES)] * 4


def item(body: Any, code: int = 200, **usage: Any) -> dict[str, Any]:
    shown = {"ads_api_access_tier": "standard_access", "acc_id_util_pct": 3.0, **usage}
    headers = [{"name": "X-Ad-Account-Usage", "value": json.dumps(shown)}]
    return {"code": code, "headers": headers, "body": body if isinstance(body, str) else json.dumps(body)}


def refused(code: int) -> dict[str, Any]:
    return item({"error": {"message": f"no, {TOKEN}", "code": code}}, 400)


def test_every_item_is_judged_by_its_own_answer(stub: Stub, client: SdkMetaAds) -> None:
    stub.answers(says([item({"id": "5"}), refused(100), refused(17), item("<html>", 502)]))
    made, invalid, throttled, broken = client.write_together(ACT, WRITES)
    assert made == "5"
    assert [type(one) for one in (invalid, throttled, broken)] == [
        MetaRefusedError,
        MetaThrottledError,
        MetaOutcomeUnknownError,
    ]
    assert TOKEN not in str(invalid)


@pytest.mark.parametrize(
    "answer",
    [
        [None] * 4,
        [{"code": 200}, {"body": "{}"}, "yes", item({"success": True})],
        [item({"id": "5"})],
        [item({"id": "5"})] * 5,
        {"id": "5"},
    ],
    ids=["timed out", "without an id", "too few", "too many", "no list"],
)
def test_what_is_not_answered_is_in_doubt(answer: Any, stub: Stub, client: SdkMetaAds) -> None:
    stub.answers(says(answer))
    assert [type(one) for one in client.write_together(ACT, WRITES)] == [MetaOutcomeUnknownError] * 4


def test_an_update_that_is_not_confirmed_is_in_doubt(stub: Stub, client: SdkMetaAds) -> None:
    stub.answers(says([item({"success": True}), item({"id": "5"})]))
    changes = [Write(ObjectKind.AD, {"status": "ACTIVE"}, MetaId(target)) for target in ("8", "9")]
    done, doubtful = client.write_together(ACT, changes)
    assert done == "8"
    assert isinstance(doubtful, MetaOutcomeUnknownError)


def test_the_request_is_sent_once_whatever_becomes_of_it(stub: Stub, client: SdkMetaAds) -> None:
    for answer in (resets, says("<html>", 502)):
        stub.answers(answer)
        with pytest.raises(MetaOutcomeUnknownError):
            client.write_together(ACT, WRITES)
    assert [one.method for one in stub.seen] == ["POST"] * 2


@pytest.mark.parametrize(
    ("usage", "room"),
    [({}, TOGETHER), ({"ads_api_access_tier": "development_access"}, 1), ({"acc_id_util_pct": 80.0}, 1)],
    ids=["wide", "narrow", "nearly used"],
)
def test_writes_leave_together_where_the_limits_are_known_to_be_wide(
    usage: dict[str, Any], room: int, stub: Stub, client: SdkMetaAds
) -> None:
    assert client.room(ACT) == 1
    stub.answers(says([item({"id": "5"}, **usage)]))
    client.write_together(ACT, WRITES[:1])
    assert client.room(ACT) == room


def test_batches_that_meta_refuses_as_such_are_not_tried_again(stub: Stub, client: SdkMetaAds) -> None:
    stub.answers(says([item({"id": "5"})]), fails(100))
    client.write_together(ACT, WRITES[:1])
    with pytest.raises(MetaRefusedError):
        client.write_together(ACT, WRITES)
    assert client.room(ACT) == 1
