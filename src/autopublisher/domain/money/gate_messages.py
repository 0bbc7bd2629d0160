"""Why the money gate refuses a write."""

from autopublisher.domain.messages import Code


class GateReason(Code):
    """The reasons of GateRefusedError."""

    NEGATIVE_RESERVE = "gate.negative_reserve"
    MORE_THAN_LEFT = "gate.more_than_left"
    MORE_THAN_RESERVED = "gate.more_than_reserved"
    MORE_THAN_TOTAL = "gate.more_than_total"
    WITHOUT_RUN = "gate.without_run"
    ZONE_UNKNOWN = "gate.zone_unknown"
