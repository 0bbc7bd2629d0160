"""Messages of a plan: what a request would lead to, before it is started."""

from autopublisher.domain.messages import Code


class PlanMessage(Code):
    """What a plan says, and what it warns of."""

    SHARE = "plan.share"
    CREATES = "plan.creates"
    LIMITED_TIER = "plan.limited_tier"
    RISKS = "plan.risks"
    DECIDED_BY = "plan.decided_by"
    COST_UNKNOWN = "plan.cost_unknown"
    SPREAD_ASSUMED = "plan.spread_assumed"
    MAY_GO_ON = "plan.may_go_on"
    MONEY_STOPS = "plan.money_stops"
    COST_ASKED = "plan.cost_asked"
    COST_MEASURED = "plan.cost_measured"
    COST_SUPPOSED = "plan.cost_supposed"
    PROOF = "plan.proof"
    PROOF_TAKES_DAYS = "plan.proof_takes_days"
    PROOF_OUT_OF_REACH = "plan.proof_out_of_reach"
    PROOF_UNLIKELY = "plan.proof_unlikely"
    GAIN = "plan.gain"
    GAIN_IN_EVENTS = "plan.gain_in_events"
    SCALED = "plan.scaled"
    SCALED_COSTS = "plan.scaled_costs"
    SCALED_SHARE = "plan.scaled_share"
    BETTER_SIZE = "plan.better_size"
    BETTER_SIZE_IN_EVENTS = "plan.better_size_in_events"
    MORE_VARIANTS = "plan.more_variants"
    FEWER_VARIANTS = "plan.fewer_variants"


class Event(Code):
    """What a criterion counts."""

    CONVERSION = "plan.event.conversion"
    CLICK = "plan.event.click"
    ENGAGEMENT = "plan.event.engagement"
