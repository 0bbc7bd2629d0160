"""Messages about what somebody else did at Meta."""

from autopublisher.domain.messages import Code


class FindingMessage(Code):
    """A value that is not as we asked, and an object that no journal has."""

    OBJECT = "finding.object"
    EDITED = "finding.edited"
    EDITED_UNASKED = "finding.edited_unasked"
    NOT_SET = "finding.not_set"
    NONE = "finding.none"
    UNKNOWN_RUN = "finding.unknown_run"
    UNCLAIMED = "finding.unclaimed"
