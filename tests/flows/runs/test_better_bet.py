"""Bets without a person: only where request and account both want them, within their limits, and never as proof."""

import json
from dataclasses import replace
from typing import Any

import pytest

from autopublisher.domain.request.request import DecisionMode, NoWinner
from autopublisher.domain.runs.better_bet import why_a_person
from autopublisher.domain.runs.run import RunStatus, Way
from flows.runs.test_money_mode import asking, decisions_of
from support.staging import Stage

LEADING = {"A": 700, "B": 1300}


def staged(*, alone: bool = True, percent: int | None = 5, rates: dict[str, int] = LEADING) -> Stage:
    request = asking(DecisionMode.MONEY)
    test = replace(request.ab_test_config, on_no_winner=NoWinner.PUBLISH_BETTER_BET)
    stage = Stage(replace(request, ab_test_config=test, require_human_approval=not alone))
    stage.meta.rates, stage.meta.spend_share = rates, 10.0
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(request.meta_account_id)
        unit.accounts.save(replace(account, bet_loss_percent=percent))
        unit.commit()
    return stage


def test_a_bet_within_its_limits_is_followed_in_place_and_called_no_winner() -> None:
    stage = staged()
    run = stage.go()
    assert run.status is RunStatus.COMPLETED, run.ending.why
    assert (run.release.winner, run.release.way, run.release.is_proven) == ("B", Way.IN_PLACE, False)
    assert run.release.approval is None
    assert {name.split(" [")[0] for name in stage.active()} == {"Test Campaign - Variant B"}
    assert stage.events("bet_followed")
    assert not stage.events("winner_selected")


def test_an_approval_that_is_required_always_wins() -> None:
    stage = staged(alone=False)
    assert stage.go(RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL
    assert not stage.events("bet_needs_person")


@pytest.mark.parametrize(
    ("percent", "rates", "why"),
    [(None, LEADING, "bet.not_allowed"), (5, {"A": 12, "B": 16}, "bet.in_doubt")],
)
def test_where_it_may_not_be_followed_a_person_is_asked_and_told_why(
    percent: int | None, rates: dict[str, int], why: str
) -> None:
    stage = staged(percent=percent, rates=rates)
    assert stage.go(RunStatus.WAITING_APPROVAL).status is RunStatus.WAITING_APPROVAL
    (said,) = stage.events("bet_needs_person")
    assert said.message.params["why"].code == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"p_10_worse": 0.15}, "bet.in_doubt"),
        ({"revenue": None}, "bet.no_money"),
        ({"expected_loss": 0.2, "revenue": 2_500.0}, "bet.too_dear"),
        ({"p_10_worse": 0.149, "expected_loss": 0.0499, "revenue": 2_500.0}, None),
    ],
)
def test_each_limit_is_held_by_itself(changes: dict[str, Any], why: str | None) -> None:
    stage = staged()
    run = stage.go(RunStatus.SCALING_BUDGET)
    decision = decisions_of(stage)[-1]
    said = json_with(decision.money, changes)
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(run.account_id)
    found = why_a_person(run, replace(decision, money=said), account)
    assert (None if found is None else found.code) == why


def json_with(text: str | None, changes: dict[str, Any]) -> str:
    return json.dumps(json.loads(text or "{}") | {"p_10_worse": 0.01, "expected_loss": 0.001} | changes)
