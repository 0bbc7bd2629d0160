"""Bets without a person: when a run may follow its money decision by itself, and why not where it may not.

The defaults are those of money-decisions, section 5: a bet that is over a tenth worse than the best with a chance of more
than .15 of two variants, or .25 of more, needs a person.
"""

from autopublisher.domain.accounts.accounts import Account
from autopublisher.domain.journal.records import Decision
from autopublisher.domain.messages import Code, Message
from autopublisher.domain.request.request import NoWinner
from autopublisher.domain.runs.approvals import bet_of, money_said
from autopublisher.domain.runs.run import Run

_MOST_DOUBT_OF_TWO, _MOST_DOUBT = 0.15, 0.25
_TWO = 2


class BetMessage(Code):
    """Why a bet is not followed without a person."""

    NOT_ALLOWED = "bet.not_allowed"
    IN_DOUBT = "bet.in_doubt"
    NO_MONEY = "bet.no_money"
    TOO_DEAR = "bet.too_dear"


def asks_for_bets(run: Run) -> bool:
    """Tell whether a run is to follow a bet without a person; one that needs an approval never does."""
    return (
        run.request.ab_test_config.on_no_winner is NoWinner.PUBLISH_BETTER_BET
        and not run.request.require_human_approval
    )


def why_a_person(run: Run, decision: Decision, account: Account) -> Message | None:
    """Return why a person has to decide on the bet of a ``decision``; None where the run may follow it, or has none."""
    said = money_said(decision)
    if said is None or bet_of(decision) is None:
        return None
    if account.bet_loss_percent is None:
        return BetMessage.NOT_ALLOWED()
    most = _MOST_DOUBT_OF_TWO if run.request.ab_test_config.variants_count == _TWO else _MOST_DOUBT
    if said["p_10_worse"] >= most:
        return BetMessage.IN_DOUBT(chance=round(100 * said["p_10_worse"]), most=round(100 * most))
    if said["revenue"] is None:
        return BetMessage.NO_MONEY()
    share = said["expected_loss"] * said["revenue"] / float(run.request.budget_config.total_budget)
    if 100 * share > account.bet_loss_percent:
        return BetMessage.TOO_DEAR(share=round(100 * share, 1), most=account.bet_loss_percent)
    return None
