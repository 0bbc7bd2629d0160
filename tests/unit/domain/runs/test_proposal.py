"""A proposal: the writes a request would lead to, and a digest that is the same exactly while they are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.accounts.accounts import Account, Creative
from autopublisher.domain.amounts import Money
from autopublisher.domain.request.request import DecisionMode, RunRequest
from autopublisher.domain.runs.calls import calls_of
from autopublisher.domain.runs.proposal import longest_hours, proposed
from unit.domain.samples import ACCOUNT, DEFAULTS, NOW, asked, creative_ids

CREATIVES = [
    Creative(each, ACCOUNT.id, "picture", f"key-{each}", f"sha-{each}", NOW) for each in creative_ids(2)
]


def test_equal_requests_have_equal_digests() -> None:
    assert proposed(asked(), ACCOUNT, CREATIVES).digest == proposed(asked(), ACCOUNT, CREATIVES).digest


@pytest.mark.parametrize(
    "changed",
    [
        lambda: (asked(budget={"total_budget": Decimal(501)}), ACCOUNT, CREATIVES),
        lambda: (asked(notes="other"), ACCOUNT, CREATIVES),
        lambda: (asked(test={"decision_mode": DecisionMode.MONEY}), ACCOUNT, CREATIVES),
        lambda: (asked(), replace(ACCOUNT, defaults=replace(DEFAULTS, page_id="1002")), CREATIVES),
        lambda: (
            asked(),
            replace(ACCOUNT, defaults=replace(DEFAULTS, link_url="https://b.example")),
            CREATIVES,
        ),
        lambda: (asked(), ACCOUNT, [replace(CREATIVES[0], storage_key="other"), CREATIVES[1]]),
    ],
)
def test_whatever_would_be_created_otherwise_changes_the_digest(
    changed: Callable[[], tuple[RunRequest, Account, list[Creative]]],
) -> None:
    assert proposed(*changed()).digest != proposed(asked(), ACCOUNT, CREATIVES).digest


def test_what_changes_nothing_that_is_created_leaves_the_digest() -> None:
    renamed = replace(ACCOUNT, name="Another name", bet_loss_percent=5)
    assert proposed(asked(), renamed, CREATIVES).digest == proposed(asked(), ACCOUNT, CREATIVES).digest


def test_the_money_of_a_proposal_is_the_requests() -> None:
    proposal = proposed(asked(), ACCOUNT, CREATIVES)
    assert (proposal.test_money, proposal.left_to_publish) == (Money(10_000, "EUR"), Money(40_000, "EUR"))


@pytest.mark.parametrize("mode", DecisionMode)
def test_in_every_mode_a_test_that_nothing_ends_earlier_waits_for_late_reports(mode: DecisionMode) -> None:
    further = 24 if mode is DecisionMode.MONEY else 0
    assert (
        longest_hours(proposed(asked(test={"decision_mode": mode}), ACCOUNT, CREATIVES)) == 24 + 72 + further
    )


def test_a_proposal_states_the_longest_test() -> None:
    longer = proposed(asked(test={"decision_mode": DecisionMode.MONEY}), ACCOUNT, CREATIVES)
    assert (longer.test_money, longer.left_to_publish) == (Money(20_000, "EUR"), Money(30_000, "EUR"))
    assert [one.reserves for one in longer.writes if one.reserves] == [10_000, 10_000]
    assert [one.params["lifetime_budget"] for one in longer.writes if one.reserves] == [5_000, 5_000]


def test_few_writes_have_no_wait_on_the_limited_tier_and_many_have() -> None:
    hour = timedelta(hours=1)
    assert calls_of(proposed(asked(), ACCOUNT, CREATIVES), hour).limited_wait == timedelta(0)
    ten = asked(
        test={"variants_count": 10},
        creative_ids=creative_ids(10),
        headlines=tuple(f"Headline {each}" for each in range(10)),
        primary_texts=tuple(f"Text {each}" for each in range(10)),
    )
    creatives = [replace(CREATIVES[0], id=each) for each in creative_ids(10)]
    calls = calls_of(proposed(ten, ACCOUNT, creatives), hour)
    assert calls.writes == 80
    assert calls.limited_wait == timedelta(minutes=15)
