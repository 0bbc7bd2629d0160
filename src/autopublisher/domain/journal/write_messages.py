"""Messages about writes: what became of each."""

from collections.abc import Mapping
from typing import Final

from autopublisher.domain.journal.operations import Action, Operation
from autopublisher.domain.messages import Code, Message


class WriteMessage(Code):
    """The lines of a run's log on its writes."""

    CREATED = "write.created"
    UPLOADED = "write.uploaded"
    UPDATED = "write.updated"
    DELETED = "write.deleted"
    REJECTED = "write.rejected"
    FOUND_UNKNOWN = "write.found_unknown"
    FOUND_PLANNED = "write.found_planned"
    DUPLICATE_FOUND = "write.duplicate_found"
    PICTURE_UNREADABLE = "write.picture_unreadable"
    NOT_SHOWN_YET = "write.not_shown_yet"
    ASKED_NOT_SHOWN = "write.asked_not_shown"
    LISTED_NOT_SHOWN = "write.listed_not_shown"
    NO_ANSWER = "write.no_answer"
    NOT_RECORDED = "write.not_recorded"
    NO_LONGER_WANTED = "write.no_longer_wanted"
    NOT_LOOKED_UP = "write.not_looked_up"
    DIFFERS = "write.differs"
    GIVEN_UP = "write.given_up"
    TOO_LATE = "write.too_late"


DONE: Final[Mapping[Action, WriteMessage]] = {
    Action.CREATE: WriteMessage.CREATED,
    Action.UPLOAD: WriteMessage.UPLOADED,
    Action.UPDATE: WriteMessage.UPDATED,
    Action.DELETE: WriteMessage.DELETED,
}
"""What is said of a write that is confirmed."""


def given_up(operation: Operation) -> Message:
    """Return what is said of a write that has been tried as often as it may be."""
    return WriteMessage.GIVEN_UP(why=operation.error or WriteMessage.NO_ANSWER())


def not_looked_up(why: Message | None) -> Message:
    """Return what is said of a write nobody wants, of which Meta did not let us see whether it was made."""
    return WriteMessage.NOT_LOOKED_UP(why=why or WriteMessage.NO_ANSWER())
