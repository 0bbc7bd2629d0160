"""Estimated amounts as every face tells them: without digits that are not known."""

from autopublisher.domain.amounts import Money
from autopublisher.domain.messages import Code, Message

_WHOLE_FROM = 10


class AmountMessage(Code):
    """An amount that is no figure of Meta's."""

    ABOUT = "amount.about"


def about(amount: Money) -> Message:
    """Return an estimate in whole major units; below ten of them with its places."""
    major = float(amount.major)
    number = round(major) if abs(major) >= _WHOLE_FROM else round(major, 2)
    return AmountMessage.ABOUT(number=number, currency=amount.currency)
