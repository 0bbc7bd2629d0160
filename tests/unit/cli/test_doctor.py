"""What the doctor says of an account's claim."""

from dataclasses import replace

import pytest

from autopublisher.cli.doctor import State, claim_check
from autopublisher.domain.claims import Claim, ClaimState
from autopublisher.domain.ids import ActId

HELD = Claim(ActId("act_1"), 3, ("c",), "file 7", ClaimState.HELD)


@pytest.mark.parametrize(
    ("claim", "state", "finding"),
    [
        (HELD, State.OK, "start 3"),
        (replace(HELD, state=ClaimState.PENDING), State.OK, "about to be read back"),
        (replace(HELD, state=ClaimState.REFUSED, why="installation x has it"), State.FAIL, "installation x"),
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
