"""Installations whose books do not fit their accounts: a currency without a limit, a time zone nobody here knows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from autopublisher.domain.errors import LimitRefusedError
from autopublisher.domain.journal.operations import (
    Action,
    ObjectKind,
    Operation,
    OperationSpec,
    OperationState,
)
from autopublisher.domain.journal.owners import RunOwner
from autopublisher.domain.money.limits import InstallationLimits
from autopublisher.domain.runs.run import RunStatus
from autopublisher.flows.writes.money_gate import MoneyGate, SpendRules
from support.simulated import ACCOUNT
from support.stop_staging import StopStage, stage_in
from support.wording import english

DOLLARS_ONLY = SpendRules(InstallationLimits({"USD": 50_000}))


def in_zone(stage: StopStage, timezone: str) -> None:
    with stage.database.unit_of_work() as unit:
        unit.accounts.save(replace(unit.accounts.get(ACCOUNT), timezone=timezone))
        unit.commit()


def test_a_currency_without_a_limit_does_not_keep_a_test_from_ending() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.step()
    stage.pace = replace(stage.pace, spend=DOLLARS_ONLY)
    stage.start()
    stage.meta.rates = {"A": 300, "B": 20_000}
    assert stage.go(RunStatus.SELECTING_WINNER).status is RunStatus.SELECTING_WINNER


def test_an_earlier_end_passes_in_a_currency_without_a_limit() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.step()
    now, run, rows = stage.clock.now(), stage.now_run, stage.rows()
    sooner = {"end_time": (now + timedelta(minutes=15)).isoformat()}
    spec = OperationSpec("close/1", Action.UPDATE, ObjectKind.AD_SET, sooner, target="test/a/adset")
    with stage.database.unit_of_work() as unit:
        MoneyGate(DOLLARS_ONLY).admit(
            unit, run, rows, Operation(RunOwner(run.id), 99, spec, OperationState.INTENDED, now)
        )


def test_a_later_end_is_refused_in_a_currency_without_a_limit() -> None:
    stage = stage_in(RunStatus.AB_TESTING)
    stage.step()
    now, run, rows = stage.clock.now(), stage.now_run, stage.rows()
    later = {"end_time": (now + timedelta(days=9)).isoformat()}
    spec = OperationSpec("move/1", Action.UPDATE, ObjectKind.AD_SET, later, target="test/a/adset")
    with stage.database.unit_of_work() as unit, pytest.raises(LimitRefusedError):
        MoneyGate(DOLLARS_ONLY).admit(
            unit, run, rows, Operation(RunOwner(run.id), 99, spec, OperationState.INTENDED, now)
        )


def test_a_run_in_an_unknown_time_zone_ends_and_says_why() -> None:
    stage = StopStage()
    in_zone(stage, "TZ_MARS")
    run = stage.go()
    assert run.status is RunStatus.FAILED
    assert "time zone TZ_MARS" in english(run.ending.why)


def test_a_test_whose_time_zone_is_forgotten_ends_with_everything_off() -> None:
    stage = stage_in(RunStatus.CREATING_CAMPAIGNS)
    stage.step()
    in_zone(stage, "TZ_MARS")
    assert stage.go().status is RunStatus.FAILED
    assert stage.on() == []
