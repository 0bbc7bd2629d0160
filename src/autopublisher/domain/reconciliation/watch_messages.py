"""Messages about what an account's watch finds at Meta."""

from autopublisher.domain.messages import Code


class WatchMessage(Code):
    """The lines of the log that a watch writes."""

    ORPHAN_PAUSING = "watch.orphan_pausing"
    ORPHAN_PAUSED = "watch.orphan_paused"
    UNCLAIMED = "watch.unclaimed"
    UNKNOWN_RUN = "watch.unknown_run"
    EDITED = "watch.edited"
    EDITED_THREAT = "watch.edited_threat"
    NOT_LISTED = "watch.not_listed"
    UNREAD = "watch.unread"
    UNLISTED_UNREAD = "watch.unlisted_unread"
    UNSHOWN = "watch.unshown"
    NOT_COMPARED = "watch.not_compared"
    HELD_UNSURE = "watch.held_unsure"
    FIGURES_UNREAD = "watch.figures_unread"
    TO_BE_OFF = "watch.to_be_off"
    DUPLICATES_NEXT = "watch.duplicates_next"
    STILL_ON = "watch.still_on"
    ORPHAN = "watch.orphan"
    RESTORED = "watch.restored"
    MISCOUNTED = "watch.miscounted"
