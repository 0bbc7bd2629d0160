"""The planner: it tells what a start leads to, binds a start to what it told, and changes nothing by telling."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from autopublisher.domain.amounts import Money
from autopublisher.domain.errors import ConflictError, InvalidRequestError, UnavailableError
from autopublisher.domain.evidence import Criterion
from autopublisher.domain.ids import RunId
from autopublisher.domain.journal.keys import Purpose
from autopublisher.domain.journal.records import Figures, Snapshot
from autopublisher.domain.past_tests import FinishedTest, MeasuredTest
from autopublisher.domain.request.request import RunRequest, WinnerCriteria
from autopublisher.domain.runs.outlook import Basis
from autopublisher.domain.runs.run import FINAL, RunStatus
from autopublisher.flows.dispatcher import EngineConfig
from autopublisher.flows.requests.planner import NEWEST_TESTS, Planner
from autopublisher.ports.repositories import RunFilter
from metasim.engine import Delivery
from metasim.graph.wire import Call
from support.crashing_machine import START
from support.direct import DirectMachine
from support.simulated import ACCOUNT, ACT, brief_request
from support.staging import PlannedFault, Stage, cut_off, with_total

HOUR = timedelta(hours=1)
MEASURED = MeasuredTest(rates=((0.1, 0.02), (-0.1, 0.02)), clicks=(), days=1.0, events=50.0)


def planner_of(stage: Stage) -> Planner:
    return Planner(stage.open_unit, stage.intake, stage.clock, HOUR)


def runs_and_rows(stage: Stage) -> tuple[int, int]:
    with stage.database.unit_of_work() as unit:
        return unit.runs.count(RunFilter()), len(unit.journal.of_account(ACT))


def remember(stage: Stage, *tests: Figures, criterion: Criterion = Criterion.ROAS) -> None:
    """Store finished tests of the account, the oldest first, each of one arm with these last figures."""
    with stage.database.unit_of_work() as unit:
        like = unit.runs.get(stage.run_id)
        for place, figures in enumerate(tests):
            run_id, at = RunId(f"past-{place:02}"), stage.clock.now() - timedelta(days=90 - place)
            unit.runs.add(replace(like, id=run_id, idempotency_key=None))
            unit.observations.add_snapshots([Snapshot(run_id, "A", at, figures)])
            unit.finished_tests.put([FinishedTest(run_id, ACT, criterion.value, at, MEASURED)])
        unit.commit()


def test_telling_a_plan_changes_nothing_here_or_at_meta() -> None:
    stage = Stage()
    before = runs_and_rows(stage)
    found = planner_of(stage).plan(brief_request())
    assert found.proposal.left_to_publish == Money(40_000, "EUR")
    assert runs_and_rows(stage) == before
    assert stage.meta.objects == {}
    assert Counter(one.method for one in stage.meta.witnessed).keys() <= {"account", "minimum_budgets"}


def test_what_could_not_be_started_cannot_be_planned_and_says_everything_that_is_wrong() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        planner_of(Stage()).plan(with_total("99.99", campaign_name=" "))
    assert {one.field for one in refused.value.problems} >= {"campaign_name"}


def test_a_meta_that_cannot_be_asked_is_said_so() -> None:
    stage = Stage()
    stage.meta.troubles.append(PlannedFault("account", cut_off(), times=10))
    with pytest.raises(UnavailableError):
        planner_of(stage).plan(brief_request())


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_an_expected_cost_of_nothing_is_refused_by_its_name(amount: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        planner_of(Stage()).plan(brief_request(), cost=Decimal(amount), value=Decimal(amount))
    fields = [one.field for one in refused.value.problems]
    assert fields == ["expected_cost_per_event", "expected_value_per_event"]


def test_what_nobody_knows_is_supposed_in_three_ways() -> None:
    found = planner_of(Stage()).plan(brief_request())
    assert [one.supposed.basis for one in found.outlooks] == [Basis.SUPPOSED] * 3
    assert [round(one.events_per_variant) for one in found.outlooks] == [5, 15, 45]


def test_what_the_accounts_newest_tests_have_shown_is_used() -> None:
    stage = Stage()
    old = Figures(spend=90_000, impressions=1, clicks=9, conversions=1, revenue=1, engagements=9)
    new = Figures(spend=5_000, impressions=1, clicks=50, conversions=5, revenue=30_000, engagements=90)
    remember(stage, old, *[new] * NEWEST_TESTS)
    (outlook,) = planner_of(stage).plan(brief_request()).outlooks
    assert outlook.supposed.basis is Basis.MEASURED
    assert (outlook.supposed.cost, outlook.supposed.value) == (Decimal(10), Decimal(60))
    assert outlook.supposed.tests == NEWEST_TESTS


def test_what_is_expected_goes_before_what_was_measured() -> None:
    stage = Stage()
    remember(
        stage, Figures(spend=5_000, impressions=1, clicks=50, conversions=5, revenue=30_000, engagements=90)
    )
    (outlook,) = planner_of(stage).plan(brief_request(), cost=Decimal(25)).outlooks
    assert (outlook.supposed.basis, outlook.supposed.cost) == (Basis.ASKED, Decimal(25))
    assert outlook.supposed.value == Decimal(60)
    (dearer,) = planner_of(stage).plan(brief_request(), value=Decimal(90)).outlooks
    assert (dearer.supposed.cost, dearer.supposed.value) == (Decimal(10), Decimal(90))


@pytest.mark.parametrize(
    ("criteria", "cost"), [(WinnerCriteria.CTR, Decimal(1)), (WinnerCriteria.ENGAGEMENT, Decimal(50) / 90)]
)
def test_a_click_or_an_engagement_costs_what_was_spent_for_one(
    criteria: WinnerCriteria, cost: Decimal
) -> None:
    stage = Stage()
    figures = Figures(spend=5_000, impressions=1, clicks=50, conversions=5, revenue=30_000, engagements=90)
    remember(stage, figures, criterion=Criterion(criteria.value))
    request = brief_request()
    asked = replace(request, ab_test_config=replace(request.ab_test_config, winner_criteria=criteria))
    (outlook,) = planner_of(stage).plan(asked).outlooks
    assert (outlook.supposed.cost, outlook.supposed.value) == (cost, None)


def test_a_start_bound_to_the_plan_is_the_plan_that_was_told() -> None:
    stage = Stage()
    digest = planner_of(stage).plan(brief_request()).proposal.digest
    started = stage.intake.submit(brief_request(), "tester", "key", digest)
    assert started.status is RunStatus.PENDING
    assert stage.intake.submit(brief_request(), "tester", "key", digest).id == started.id


def test_a_start_bound_to_another_plan_is_refused_and_stores_nothing() -> None:
    stage = Stage()
    digest = planner_of(stage).plan(brief_request()).proposal.digest
    before = runs_and_rows(stage)
    with pytest.raises(ConflictError, match="plan_changed"):
        stage.intake.submit(with_total("501"), "tester", None, digest)
    with stage.database.unit_of_work() as unit:
        account = unit.accounts.get(ACCOUNT)
        unit.accounts.save(replace(account, defaults=replace(account.defaults, call_to_action="BUY_NOW")))
        unit.commit()
    with pytest.raises(ConflictError, match="plan_changed"):
        stage.intake.submit(brief_request(), "tester", None, digest)
    assert runs_and_rows(stage) == before


def of_variants(number: int) -> RunRequest:
    asked = brief_request()
    test = replace(asked.ab_test_config, variants_count=number)
    return replace(
        asked,
        ab_test_config=test,
        budget_config=replace(asked.budget_config, total_budget=Decimal(1000)),
        creative_ids=(asked.creative_ids * number)[:number],
        headlines=tuple(f"Headline {each}" for each in range(number)),
        primary_texts=tuple(f"Text {each}" for each in range(number)),
    )


@pytest.mark.parametrize("number", [2, 5])
def test_a_run_makes_the_writes_that_were_planned_and_about_as_many_reads(number: int) -> None:
    machine = DirectMachine(EngineConfig(poll=HOUR))
    request = of_variants(number)
    calls = Planner(machine.open_unit, machine.intake, machine.clock, HOUR).plan(request).calls
    seen: list[Call] = []
    handle = machine.simulator.handle

    def noted(call: Call) -> Delivery:
        seen.append(call)
        return handle(call)

    machine.simulator.handle = noted  # type: ignore[method-assign]  # a Meta that keeps a list of what it is asked
    run_id, built = machine.intake.submit(request, "tester").id, 0
    while (run := machine.run(run_id)).status not in {RunStatus.WAITING_APPROVAL, *FINAL}:
        machine.tick(run_id)
        built = len(seen) if run.status is RunStatus.CREATING_CAMPAIGNS else built
    assert run.status is RunStatus.WAITING_APPROVAL, run.ending.why
    with machine.database.unit_of_work() as unit:
        rows = [
            row for row in unit.journal.of_run(run_id) if row.intended_at <= (run.trial.starts_at or START)
        ]
    late_review = [row for row in rows if row.purpose is Purpose.EXTEND]
    assert len(rows) - len(late_review) == calls.writes
    reads = sum(call.method == "GET" for call in seen[built:])
    assert calls.reads * 0.8 < reads < calls.reads * 1.5
