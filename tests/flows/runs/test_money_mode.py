"""Money decisions in runs: beside every verdict, ending a test only where that was asked for, and never taken for proof."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from autopublisher.domain.access import Role
from autopublisher.domain.errors import OverrideForbiddenError
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.request.request import DecisionMode, RunRequest
from autopublisher.domain.runs.approvals import Basis, bet_of
from autopublisher.domain.runs.run import RunStatus, Way
from autopublisher.flows.runs.collector import SPEND_SHOWS
from support.staging import EQUAL_RATES, Stage, with_test


def asking(mode: DecisionMode, *, days: int = 10, elasticity: str = "1", share: str = "0.5") -> RunRequest:
    """Return a request whose published campaign costs nothing but what is said here."""
    request = with_test(
        decision_mode=mode,
        test_duration_hours=24 * days,
        test_budget_per_variant=Decimal(50 * days),
        max_test_share=Decimal(share),
    )
    budget = replace(
        request.budget_config,
        total_budget=Decimal(250 * days),
        elasticity=Decimal(elasticity),
        learning_days=Decimal(0),
    )
    return replace(request, budget_config=budget)


def decisions_of(stage: Stage) -> list[Decision]:
    with stage.database.unit_of_work() as unit:
        return list(unit.decisions.of_run(stage.run_id))


def ended(request: RunRequest, rates: dict[str, int] = EQUAL_RATES) -> Stage:
    stage = Stage(request)
    stage.meta.rates = rates
    stage.meta.spend_share = request.ab_test_config.test_duration_hours / 24
    run = stage.go(RunStatus.WAITING_APPROVAL)
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    return stage


def test_a_test_that_is_worth_no_more_money_ends_at_a_full_day_without_waiting_for_late_sales() -> None:
    stage = ended(asking(DecisionMode.MONEY, share="0.2"))
    trial, last = stage.now_run.trial, decisions_of(stage)[-1]
    assert trial.starts_at is not None
    assert trial.stopped_at is not None
    assert trial.settles_at is not None
    assert trial.ends_at is not None
    assert trial.stopped_at < trial.ends_at
    assert trial.settles_at - trial.stopped_at == SPEND_SHOWS
    assert last.kind in {"money_bet", "keep_all"}
    assert last.final
    assert json.loads(last.verdict)["winner"] is None
    assert json.loads(last.verdict)["final"] is False
    assert stage.events("test_ended")[0].message.code == "run.test_decided_by_money"
    assert stage.events("concluded")[0].message.code == "run.test_decided_by_money"
    assert last.sentence_en.startswith("The test has ended because testing on was worth less than deciding")
    assert last.sentence_es.startswith(
        "La prueba ha terminado porque seguir probando valía menos que decidir"
    )
    for untrue in ("No verdict yet", "is due at", "has not run long enough"):
        assert untrue not in last.sentence_en


def test_each_day_of_a_money_test_leaves_its_look() -> None:
    stage = ended(asking(DecisionMode.MONEY))
    hours = [json.loads(one.money)["hour"] for one in decisions_of(stage) if one.money is not None]
    assert hours == sorted(hours)
    assert len({hour // 24 for hour in hours}) >= 2


@pytest.mark.parametrize("mode", [DecisionMode.PROVE, DecisionMode.DECIDE])
def test_in_the_other_modes_money_reports_and_ends_nothing(mode: DecisionMode) -> None:
    stage = ended(asking(mode, days=1, share="0.05"))
    trial, last = stage.now_run.trial, decisions_of(stage)[-1]
    assert trial.ends_at is not None
    assert trial.stopped_at is not None
    assert trial.stopped_at >= trial.ends_at
    assert last.kind not in {"money_bet", "keep_all"}
    assert last.money is not None
    assert json.loads(last.money)["choice"] != "test_on"
    assert "In money" in last.sentence_en
    assert "En dinero" in last.sentence_es


def test_a_proven_winner_ends_a_money_test_as_any_other() -> None:
    stage = ended(asking(DecisionMode.MONEY, days=1), {"A": 200, "B": 3000})
    assert stage.now_run.release.is_proven
    assert decisions_of(stage)[-1].kind == "winner"


def test_following_the_bet_is_open_to_whoever_approves_and_no_proof() -> None:
    stage = ended(asking(DecisionMode.MONEY), {"A": 800, "B": 1100})
    last = decisions_of(stage)[-1]
    assert bet_of(last) == "B", last.money
    assert stage.events("approval_requested")[0].message.code == "run.asks_for_money_bet"
    with pytest.raises(OverrideForbiddenError):
        stage.approvals.publish_winner(stage.run_id, "olga", variant="A", comment="taste", role=Role.OPERATOR)
    stage.approvals.publish_winner(stage.run_id, "olga", variant="B", role=Role.OPERATOR)
    run = stage.go()
    view = stage.reports.view(stage.run_id)
    assert run.status is RunStatus.COMPLETED
    assert (view.basis, view.verdict_proves, run.release.is_proven) == (Basis.MONEY_BET, False, False)


def test_one_chance_is_told_of_being_best_and_it_comes_first() -> None:
    last = decisions_of(ended(asking(DecisionMode.MONEY), {"A": 800, "B": 1100}))[-1]
    assert "is ahead so far" not in last.sentence_en
    assert last.sentence_en.count("likely to be the best") == 1
    assert last.sentence_en.index("In money") < last.sentence_en.index("The platform shows")


def test_of_equals_nobody_is_named() -> None:
    stage = ended(asking(DecisionMode.MONEY, share="0.2"))
    assert decisions_of(stage)[-1].kind == "keep_all"
    assert stage.reports.view(stage.run_id).bet is None
    assert stage.events("approval_requested")[0].message.code == "run.asks_to_keep_all"
    assert stage.reports.view(stage.run_id).advised_way is Way.KEEP_ALL


def test_what_a_scaled_campaign_costs_is_told_beside_going_on_in_place() -> None:
    dear = ended(asking(DecisionMode.MONEY, elasticity="0.5"), {"A": 800, "B": 1100})
    assert "campaign of its own" in decisions_of(dear)[-1].sentence_en
    assert dear.reports.view(dear.run_id).advised_way is Way.IN_PLACE
    free = ended(asking(DecisionMode.MONEY), {"A": 800, "B": 1100})
    assert "campaign of its own" not in decisions_of(free)[-1].sentence_en
