"""How often a tick goes to the database and to Meta: counted, for what goes back and forth is what makes a tick slow."""

from statistics import median

import pytest

from autopublisher.domain.runs.run import RunStatus
from support.counting import CountedMachine
from support.simulated import brief_request


@pytest.fixture
def machine() -> CountedMachine:
    return CountedMachine()


def test_building_two_arms_and_polling_them_goes_once_where_once_is_enough(machine: CountedMachine) -> None:
    run_id = machine.intake.submit(brief_request(), "tester").id
    machine.tick(run_id)
    machine.claim()
    with machine.counted() as building:
        assert machine.tick(run_id).status is RunStatus.AB_TESTING
    # Two uploads; creates together in three requests, activations in two. Creates are intended, sent and confirmed, each
    # durably; what may be repeated without harm is intended and sent at once. Besides them the tick is loaded, baselines are
    # kept, and the step is saved.
    assert building.units <= 22
    assert building.commits <= 20
    assert building.calls["POST"] == 7
    assert building.calls["GET"] <= 4
    while machine.run(run_id).trial.starts_at is None:
        machine.tick(run_id)
    polls = []
    while (run := machine.run(run_id)).trial.ends_at is not None and machine.clock.now() < run.trial.ends_at:
        with machine.counted() as poll:
            machine.tick(run_id)
        polls.append((poll.units, poll.commits, poll.calls.total()))
    assert len(polls) > 12
    # A poll that may decide something reads the whole test once more.
    assert max(units for units, _, _ in polls[:-1]) <= 5
    assert median(units for units, _, _ in polls[:-1]) <= 4
    assert max(commits for _, commits, _ in polls[:-1]) <= 2
    assert max(calls for _, _, calls in polls[:-1]) <= 3  # figures, the account, the arms: however many
    assert machine.run(run_id).status is RunStatus.ANALYZING_RESULTS
    with machine.counted() as ending:
        machine.tick(run_id)
    # Each of six objects is switched off by itself, and shown to be with the others of its kind.
    assert ending.calls == {"POST": 6, "GET": 4}
    assert ending.commits <= 11


def test_a_look_at_an_account_does_not_grow_with_what_has_nothing_to_say(machine: CountedMachine) -> None:
    run_id = machine.intake.submit(brief_request(), "tester").id
    machine.tick(run_id)
    machine.claim()
    machine.tick(run_id)
    machine.look()
    with machine.counted() as look:
        machine.look()
    # One of them, and one call, for the claim; one for runs without a count.
    assert look.units <= 16
    assert look.commits <= 3
    assert look.calls.total() <= 5
