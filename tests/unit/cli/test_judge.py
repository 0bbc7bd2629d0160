"""`autopublisher judge` answers every line of its input, also those that are no tests."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from typer.testing import CliRunner

from autopublisher.cli.program import app
from autopublisher.domain.evidence import Design, Figures, Snapshot, replay

HOURS = 168


def recorded(purchases: Sequence[int] = (2, 6), **more: Any) -> dict[str, Any]:
    polls = [
        {
            "hour": hour,
            "figures": {
                name: [10 * hour, 1000 * hour, 20 * hour, count * hour, 50 * count * hour]
                for name, count in zip("AB", purchases, strict=True)
            },
        }
        for hour in range(1, HOURS + 73)
    ]
    design = {"planned_spend_per_variant": 10 * HOURS, "planned_hours": HOURS}
    return {"id": "one", "design": design, "variants": ["A", "B"], "polls": polls} | more


def judged(*lines: str, options: Sequence[str] = ()) -> tuple[list[dict[str, Any]], int]:
    done = CliRunner().invoke(app, ["judge", *options], input="\n".join(lines))
    return [json.loads(line) for line in done.stdout.splitlines()], done.exit_code


def test_a_clear_difference_is_a_winner_with_hour_and_money() -> None:
    (answer,), code = judged(json.dumps(recorded()))
    assert (answer["id"], answer["verdict"], answer["winner"], code) == ("one", "winner", "B", 0)
    assert answer["spend_at_decision"] == 20 * answer["decided_hour"]


def test_the_answer_is_the_one_a_live_run_would_have_stopped_with() -> None:
    (answer,), _ = judged(json.dumps(recorded()))
    design = Design(("A", "B"), 10.0 * HOURS, float(HOURS))
    history = [
        Snapshot(float(poll["hour"]), tuple(Figures(*poll["figures"][name]) for name in "AB"))
        for poll in recorded()["polls"]
    ]
    live = replay(design, history, final=True)
    assert live.estimate is not None
    assert answer["decided_hour"] == live.decided_hour
    assert answer["interval"] == [live.estimate.low, live.estimate.high]


def test_equal_variants_have_no_winner() -> None:
    (answer,), _ = judged(json.dumps(recorded((3, 3))))
    assert answer["winner"] is None


def test_a_test_still_running_is_not_yet_decided() -> None:
    line = recorded((3, 3))
    (answer,), _ = judged(json.dumps(line | {"polls": line["polls"][:90]}))
    assert (answer["verdict"], answer["final"]) == ("not_yet", False)


def test_what_the_account_is_known_for_changes_the_range() -> None:
    line = recorded((3, 4))
    calm = line | {"design": line["design"] | {"account_prior": {"day_spread": 0.01}}}
    (usual, known), _ = judged(json.dumps(line), json.dumps(calm))
    assert known["interval"] != usual["interval"]


@pytest.mark.parametrize(("language", "word"), [("en", "earns"), ("es", "euro")])
def test_an_explanation_is_added_on_request(language: str, word: str) -> None:
    (answer,), _ = judged(json.dumps(recorded()), options=["--explain", "--language", language])
    assert word in answer["sentences"][0]
    assert answer["method_note"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": 7}, "id"),
        ({"extra": 1}, "extra"),
        ({"variants": ["A"]}, "variants"),
        ({"design": {"planned_hours": 24}}, "design.planned_spend_per_variant"),
        ({"design": {"planned_spend_per_variant": True, "planned_hours": 24}}, "design.planned_spend_per_variant"),
        ({"design": recorded()["design"] | {"criteria": "luck"}}, "design.criteria"),
        ({"design": recorded()["design"] | {"alpha": 5}}, "design.alpha"),
        ({"design": recorded()["design"] | {"account_prior": {}}}, "design.account_prior.day_spread"),
        ({"polls": [{"hour": 1, "figures": {"A": [1, 2, 3, 4, 5]}}]}, "polls[0].figures.B"),
        ({"polls": [{"hour": -1, "figures": {}}]}, "polls[0].hour"),
        ({"polls": [*recorded()["polls"][:3], recorded()["polls"][1]]}, "polls[3].hour"),
        ({"polls": [{"hour": 1, "figures": {"A": [1, 2, 3, "4", 5], "B": [1, 2, 3, 4, 5]}}]}, "polls[0].figures.A[3]"),
        ({"polls": [{"hour": 1, "figures": {"A": [1, 2, 3, 4, -5], "B": [1, 2, 3, 4, 5]}}]}, "polls[0].figures.A[4]"),
        ({"polls": [{"hour": 1, "figures": {"A": [1, 2], "B": [1, 2, 3, 4, 5]}}]}, "polls[0].figures.A"),
    ],
)  # fmt: skip
def test_a_malformed_line_names_the_field(change: dict[str, Any], field: str) -> None:
    (answer,), code = judged(json.dumps(recorded(**change)))
    error = answer["error"]
    assert (error["line"], error["field"].split(" ")[0], code) == (1, field, 4)
    assert error["reason"]
    assert error["remedy"]


@pytest.mark.parametrize(
    "line", ["{", "[]", "null", '{"id": NaN}', "[" * 100_000, '{"id": 1' + "0" * 5000 + "}"]
)
def test_a_line_that_is_no_object_is_an_error_of_the_line(line: str) -> None:
    (answer,), code = judged(line)
    assert (answer["error"]["field"], code) == ("line", 4)


def test_other_lines_are_judged_and_blank_ones_counted() -> None:
    answers, code = judged("", "{", json.dumps(recorded()))
    assert [answers[0]["error"]["line"], answers[1]["verdict"], code] == [2, "winner", 4]


def test_a_money_decision_stands_beside_proof_and_ends_a_test_in_its_own_mode() -> None:
    budget = recorded()["design"] | {"total_budget": 40.0 * HOURS}
    (beside, ended), code = judged(
        json.dumps(recorded(design=budget)),
        json.dumps(recorded(design=budget | {"mode": "money"})),
        options=["--explain", "--language", "es"],
    )
    assert (beside["verdict"], beside["winner"], beside["money"]["decided_hour"]) == ("winner", "B", None)
    assert (ended["verdict"], ended["winner"], ended["money"]["decision"]) == ("money_bet", None, "publish")
    assert (ended["money"]["variant"], ended["decided_hour"]) == ("B", ended["money"]["decided_hour"])
    assert "apuesta" in ended["money_sentences"][0]
    assert code == 0


def test_a_plan_without_a_budget_has_no_money_decision() -> None:
    (answer,), _ = judged(json.dumps(recorded()))
    assert "money" not in answer
