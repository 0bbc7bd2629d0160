"""What is said of an account's memory: what was learned, from how much, and what it changes."""

from autopublisher.domain.messages import Code


class MemoryMessage(Code):
    """One finding; numbers are in per cent."""

    EMPTY = "memory.empty"
    SPREAD = "memory.spread"
    SPREAD_KNOWN = "memory.spread_known"
    SPREAD_NOT_KNOWN = "memory.spread_not_known"
    CLICKS_USED = "memory.clicks_used"
    CLICKS_UNUSED = "memory.clicks_unused"
    CLICKS_COUNTED = "memory.clicks_counted"
    BASKETS_OWN = "memory.baskets_own"
    BASKETS_ASSUMED = "memory.baskets_assumed"
    DAYS_OWN = "memory.days_own"
    DAYS_ASSUMED = "memory.days_assumed"
