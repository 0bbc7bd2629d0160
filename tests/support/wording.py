"""What is said, as tests read it: in English."""

from autopublisher.domain.messages import Message
from autopublisher.messages import wording


def english(said: Message | str | None) -> str:
    """Word a message in English; nothing as an empty text."""
    return "" if said is None else wording(said, "en")
