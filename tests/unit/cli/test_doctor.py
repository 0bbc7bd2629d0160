"""What the doctor says of an account's claim, and of its last look."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from autopublisher.cli.doctor import State, claim_check, look_check
from autopublisher.domain.accounts.claims import Claim, ClaimState
from autopublisher.domain.ids import ActId
from autopublisher.domain.messages import legacy
from autopublisher.domain.reconciliation.findings import AccountLook

HELD = Claim(ActId("act_1"), 3, ("c",), "file 7", ClaimState.HELD)


@pytest.mark.parametrize(
    ("claim", "state", "finding"),
    [
        (HELD, State.OK, "start 3"),
        (replace(HELD, state=ClaimState.PENDING), State.OK, "about to be read back"),
        (
            replace(HELD, state=ClaimState.REFUSED, why=legacy("installation x has it")),
            State.FAIL,
            "installation x",
        ),
        (HELD.moved(None, take_over=False), State.FAIL, "restored and not taken over"),
        (HELD.moved(None, take_over=True), State.WARN, "being taken over"),
    ],
)
def test_a_claim_is_told_with_what_to_do(claim: Claim, state: State, finding: str) -> None:
    check = claim_check(claim)
    assert check.name == "claim on act_1"
    assert check.state is state
    assert finding in check.finding
    assert ("autopublisher account take-over act_1" in check.remedy) == (state is State.FAIL)


SEEN = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
UNKNOWN = "campaign 1 (Old) is ACTIVE and is of a run that this database does not have"


@pytest.mark.parametrize(
    ("look", "state", "finding"),
    [
        (AccountLook(ActId("act_1"), None, ()), State.WARN, "not yet"),
        (AccountLook(ActId("act_1"), SEEN, ()), State.OK, "as asked"),
        (
            AccountLook(ActId("act_1"), SEEN, (legacy("renamed"), legacy("moved"))),
            State.WARN,
            "renamed and 1 more",
        ),
        (
            AccountLook(ActId("act_1"), SEEN, (legacy("renamed"), legacy(UNKNOWN)), (legacy(UNKNOWN),)),
            State.FAIL,
            UNKNOWN,
        ),
    ],
)
def test_what_is_on_of_a_run_this_database_does_not_have_fails(
    look: AccountLook, state: State, finding: str
) -> None:
    check = look_check(look, UTC)
    assert (check.state, check.name) == (state, "look at act_1")
    assert finding in check.finding
    assert ("autopublisher stop" in check.remedy) == (state is State.FAIL)


def test_a_look_is_told_in_the_accounts_zone_with_the_clock_it_is_measured_by() -> None:
    look = AccountLook(ActId("act_1"), SEEN, (legacy("edited 2026-11-30T03:00:00+00:00"),))
    check = look_check(look, ZoneInfo("Europe/Madrid"), " by the simulated clock (jump)")
    assert check.finding == "2026-11-30 05:00 CET by the simulated clock (jump): edited 2026-11-30 04:00 CET"
